"""What the three fake providers share: their pods, the faults a test ordered, what was asked.

A test orders by files in DIRECTORY/orders, taken in the order of their names before each request:
{"set": {…}} changes SETTINGS, {"fault": {…}} adds a fault, {"pod": {…}} a pod of a stranger and
{"key": {…}} a stranger's key on Lambda.
A fault: provider and call (`*`: any), kind, skip (calls it lets pass), times (0: for ever), after
(the request has its effect first), and what its kind needs.

    status  status, retry_after, body    an answer with this status
    errors  message, code                a GraphQL answer 200 with `errors`
    body    body                         status 200 and this body
    cut                                  the connection ends without an answer
    half                                 the connection ends in the middle of the answer
    slow    ms                           the answer comes late
    partial                              Vast: `success` false, and yet a contract
"""
import json
import os
import threading
import time

SETTINGS = {
    "ssh_host": "127.0.0.1", "ssh_port": 22,  # what is told of every pod
    "boot_looks": 0,         # so many looks at a pod before it is up
    "ssh_looks": 0,          # so many looks at a pod that is up before its address is told
    "proxy_only": False,     # no public address
    "invisible_listings": 0,  # so many listings leave out a pod that is created from now on
    "lying_deletions": 0,    # so many deletions say yes and do nothing
    "stock": True,           # False: no capacity at creation, though it is offered
}


def write(path, text):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".new", path)


class Market:
    def __init__(self, directory):
        self.directory = directory
        self.orders = os.path.join(directory, "orders")
        os.makedirs(self.orders, exist_ok=True)
        self.lock = threading.Lock()
        self.settings = dict(SETTINGS)
        self.faults, self.pods, self.keys, self.taken, self.made = [], {}, [], set(), 0
        self.save()

    def save(self):
        shown = [{name: pod[name] for name in ("provider", "id", "name", "state", "ask", "keys")}
                 for pod in self.pods.values()]
        write(os.path.join(self.directory, "pods.json"), json.dumps(shown))

    def take_orders(self):
        for name in sorted(os.listdir(self.orders)):
            if name in self.taken or name.endswith(".new"):
                continue
            self.taken.add(name)
            with open(os.path.join(self.orders, name), encoding="utf-8") as file:
                order = json.load(file)
            self.settings.update(order.get("set", {}))
            if "fault" in order:
                self.faults.append({"skip": 0, "times": 1, "after": False, **order["fault"]})
            if "pod" in order:
                self.add(**order["pod"])
            if "key" in order:
                self.keys.append(order["key"])

    def fault(self, provider, call):
        """The fault of this call, spent by it; None for none."""
        for fault in self.faults:
            if fault["provider"] not in ("*", provider) or fault["call"] not in ("*", call):
                continue
            if fault["skip"] > 0:
                fault["skip"] -= 1
                continue
            if fault["times"] == 1:
                self.faults.remove(fault)
            elif fault["times"] > 1:
                fault["times"] -= 1
            return fault
        return None

    def note(self, entry):
        with open(os.path.join(self.directory, "requests.jsonl"), "a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def add(self, provider, name, gpu="", count=1, price=1.0, ask=None, state="running"):
        self.made += 1
        pod = {"provider": provider, "id": self.new_id(provider), "name": name, "gpu": gpu,
               "count": count, "price": price, "ask": ask or {}, "state": state, "keys": [],
               "born": time.time(), "looks": 0, "hidden": self.settings["invisible_listings"]}
        self.pods[pod["id"]] = pod
        return pod

    def new_id(self, provider):
        if provider == "vast":
            return str(20_000_000 + self.made)
        return f"{provider[0]}pod{self.made:04d}{os.urandom(4).hex()}"

    def listed(self, provider):
        """The pods of a listing."""
        out = []
        for pod in self.of(provider):
            if pod["hidden"] > 0:
                pod["hidden"] -= 1
            else:
                out.append(pod)
        return out

    def of(self, provider):
        return [pod for pod in self.pods.values() if pod["provider"] == provider]

    def find(self, provider, pod_id):
        pod = self.pods.get(str(pod_id))
        return pod if pod and pod["provider"] == provider else None

    def look(self, pod):
        """Whether it is up, and whether its address is known: every look moves it on."""
        pod["looks"] += 1
        up = pod["state"] == "running" and pod["looks"] > self.settings["boot_looks"]
        known = pod["looks"] > self.settings["boot_looks"] + self.settings["ssh_looks"]
        return up, up and known

    def end(self, provider, pod_id):
        """Whether there is such a pod; it ends, unless deletions lie."""
        pod = self.find(provider, pod_id)
        if pod is None:
            return False
        if self.settings["lying_deletions"] > 0:
            self.settings["lying_deletions"] -= 1
        else:
            del self.pods[pod["id"]]
        return True
