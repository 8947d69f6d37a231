"""Vast's REST interface."""
import re

NAME = "vast"

# id: name, GPUs, MB of each, all of it per hour, the least bid, in a data centre
ASKS = {
    7001: ("A100 PCIE", 1, 81920, 1.10, 0.55, True),
    7002: ("A100 SXM4", 2, 81920, 2.40, 1.20, True),
    7003: ("RTX 4090", 1, 24564, 0.40, 0.18, False),
    7004: ("A100 PCIE", 2, 40960, 1.50, 0.70, False),
}
ROUTES = [("POST", r"bundles/$", "offers"), ("PUT", r"asks/\d+/$", "create"),
          ("GET", r"instances/(\?owner=me)?$", "list"), ("GET", r"instances/\d+/$", "describe"),
          ("DELETE", r"instances/\d+/$", "terminate"),
          ("POST", r"instances/\d+/ssh/$", "attach")]
ASK_FIELDS = set("""client_id image label disk runtype target_state cancel_unavail env onstart price
    template_hash_id""".split())


def failed(status, error, words, **more):
    return status, {"success": False, "error": error, "msg": words, **more}


def refused(status):
    return failed(status, "auth_error", "Invalid user key")


def call_of(method, path, _body):
    for wanted, pattern, call in ROUTES:
        if method == wanted and re.match(pattern, path):
            return call
    return "unknown"


def number_in(path):
    return int(re.search(r"\d+", path).group())


def answer(market, call, path, body):
    calls = {"offers": offers, "create": create, "list": listing, "describe": describe,
             "terminate": terminate, "attach": attach}
    if call not in calls:
        return 404, {"detail": "Not Found"}
    return calls[call](market, path, body)


def passes(ask, filters):
    """Whether an offer fits a filter map such as {"num_gpus": {"eq": 1}}."""
    tests = {"eq": lambda a, b: a == b, "gte": lambda a, b: a >= b, "lte": lambda a, b: a <= b}
    return all(tests[op](ask[field], value) for field, test in filters.items()
               if isinstance(test, dict) for op, value in test.items())


def offers(_market, _path, body):
    out = []
    for number, (name, gpus, memory, price, bid, centre) in ASKS.items():
        ask = {"id": number, "machine_id": number * 10, "gpu_name": name, "num_gpus": gpus,
               "gpu_ram": memory, "cpu_ram": 515_000, "disk_space": 900.5, "min_bid": bid,
               "dph_total": bid if body["type"] == "bid" else price, "geolocation": "Sweden, SE",
               "cuda_max_good": 12.4, "driver_version": "550.54", "reliability2": 0.991,
               "verified": True, "external": False, "rentable": True, "rented": False,
               "datacenter": centre, "hosting_type": 1 if centre else 0}
        if passes(ask, body):
            out.append({field: ask[field] for field in ask if field not in ("datacenter",)})
    return 200, {"offers": sorted(out, key=lambda ask: ask["dph_total"])}


def create(market, path, body):
    unknown = sorted(set(body) - ASK_FIELDS)
    if unknown:
        return failed(400, "invalid_args", f"unknown argument {unknown[0]}")
    known = ASKS.get(number_in(path))
    if known is None or not market.settings["stock"]:
        return failed(404, "no_such_ask", "Instance type not available")
    name, gpus, _memory, price, _bid, _centre = known
    pod = market.add(NAME, body["label"], name, gpus, body.get("price", price), body)
    return 200, {"success": True, "new_contract": int(pod["id"])}


def partial(market, path, body):
    """It failed, and yet there is an instance that does not run."""
    made = create(market, path, body)[1]
    market.pods[str(made["new_contract"])]["state"] = "stopped"
    return failed(400, "not_started", "the machine did not start it",
                  new_contract=made["new_contract"])


def instance(market, pod):
    up, known = market.look(pod)
    direct = known and not market.settings["proxy_only"]
    word = "running" if up else None if pod["state"] == "running" else pod["state"]
    ports = {"22/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(market.settings["ssh_port"])}]}
    return {"id": int(pod["id"]), "label": pod["name"], "actual_status": word,
            "intended_status": pod["state"], "cur_state": pod["state"], "status_msg": "",
            "gpu_name": pod["gpu"], "num_gpus": pod["count"], "dph_total": pod["price"],
            "start_date": pod["born"], "public_ipaddr": market.settings["ssh_host"] + "\n",
            "ports": ports if direct else {}, "ssh_host": "ssh4.vast.ai" if known else None,
            "ssh_port": 31216 if known else None}


def listing(market, *_):
    return 200, {"instances": [instance(market, pod) for pod in market.listed(NAME)]}


def describe(market, path, _body):
    pod = market.find(NAME, number_in(path))
    return 200, {"instances": instance(market, pod) if pod else None}


def terminate(market, path, _body):
    if not market.end(NAME, number_in(path)):
        return failed(404, "no_such_instance", "no such instance")
    return 200, {"success": True, "msg": ""}


def attach(market, path, body):
    pod = market.find(NAME, number_in(path))
    if pod is None:
        return failed(404, "no_such_instance", "no such instance")
    if body["ssh_key"] in pod["keys"]:
        return failed(400, "key_exists", "SSH key already attached")
    pod["keys"].append(body["ssh_key"])
    return 200, {"success": True, "key": body["ssh_key"]}
