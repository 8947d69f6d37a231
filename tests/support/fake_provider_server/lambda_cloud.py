"""Lambda's REST interface."""
import re

NAME = "lambda"

# name: what it has, GPUs, cents per hour of all of it, regions that have it now
TYPES = {
    "gpu_1x_a100_sxm4": ("A100 (40 GB SXM4)", 1, 129, ["us-east-1", "us-west-2"]),
    "gpu_2x_h100_sxm5": ("H100 (80 GB SXM5)", 2, 638, ["us-south-3"]),
    "gpu_8x_v100": ("Tesla V100 (16 GB)", 8, 440, []),
    "cpu_4x_general": ("N/A", 0, 20, ["us-east-1"]),
}
ROUTES = [("GET", r"instance-types$", "offers"), ("GET", r"ssh-keys$", "keys"),
          ("POST", r"ssh-keys$", "add_key"), ("GET", r"instances$", "list"),
          ("POST", r"instance-operations/launch$", "create"),
          ("POST", r"instance-operations/terminate$", "terminate"),
          ("GET", r"instances/[\w-]+$", "describe")]


def failed(status, code, message, suggestion=None):
    return status, {"error": {"code": code, "message": message, "suggestion": suggestion}}


def refused(status):
    return failed(status, "global/invalid-api-key", "API key was invalid, expired, or deleted.",
                  "Check your API key or create a new one, then try again.")


def call_of(method, path, _body):
    for wanted, pattern, call in ROUTES:
        if method == wanted and re.match(pattern, path):
            return call
    return "unknown"


def answer(market, call, path, body):
    calls = {"offers": offers, "keys": keys, "add_key": add_key, "list": listing,
             "create": create, "terminate": terminate, "describe": describe}
    if call not in calls:
        return failed(404, "global/invalid-parameters", "no such route")
    return calls[call](market, path, body)


def kind(name):
    description, gpus, cents, _regions = TYPES[name]
    return {"name": name, "description": f"{gpus}x {description}",
            "gpu_description": description, "price_cents_per_hour": cents,
            "specs": {"vcpus": 30, "memory_gib": 200, "storage_gib": 512, "gpus": gpus}}


def offers(*_):
    return 200, {"data": {
        name: {"instance_type": kind(name), "regions_with_capacity_available":
               [{"name": region, "description": region} for region in regions]}
        for name, (_what, _gpus, _cents, regions) in TYPES.items()}}


def keys(market, *_):
    return 200, {"data": market.keys}


def add_key(market, _path, body):
    if any(key["name"] == body["name"] for key in market.keys):
        return failed(400, "global/invalid-parameters", "an SSH key of that name exists already")
    key = {"id": f"k{len(market.keys)}", "name": body["name"], "public_key": body["public_key"]}
    market.keys.append(key)
    return 200, {"data": key}


def create(market, _path, body):
    known = [key for key in market.keys if [key["name"]] == body["ssh_key_names"]]
    if not known or body["quantity"] != 1 or body["instance_type_name"] not in TYPES:
        return failed(400, "global/invalid-parameters", "Invalid request data.")
    description, gpus, cents, regions = TYPES[body["instance_type_name"]]
    if not market.settings["stock"] or body["region_name"] not in regions:
        return failed(400, "instance-operations/launch/insufficient-capacity",
                      "Not enough capacity to fulfill launch request.",
                      "Choose an instance type with more availability, or try again later.")
    pod = market.add(NAME, body["name"], description, gpus, cents / 100, body)
    pod["keys"].append(known[0]["public_key"])
    return 200, {"data": {"instance_ids": [pod["id"]]}}


def instance(market, pod):
    up, known = market.look(pod)
    name = pod["ask"].get("instance_type_name", "gpu_1x_a100_sxm4")
    word = {"running": "active" if up else "booting"}.get(pod["state"], pod["state"])
    shown = {"id": pod["id"], "name": pod["name"], "status": word, "instance_type": kind(name),
             "ssh_key_names": pod["ask"].get("ssh_key_names", []), "file_system_names": [],
             "region": {"name": pod["ask"].get("region_name", "us-east-1"), "description": ""}}
    if known:
        shown["ip"] = market.settings["ssh_host"]
    return shown


def listing(market, *_):
    return 200, {"data": [instance(market, pod) for pod in market.listed(NAME)]}


def describe(market, path, _body):
    pod = market.find(NAME, path.rsplit("/", 1)[1])
    if pod is None:
        return failed(404, "global/object-does-not-exist", "Specified instance does not exist.")
    return 200, {"data": instance(market, pod)}


def terminate(market, _path, body):
    pod = market.find(NAME, body["instance_ids"][0])
    if pod is None:
        return failed(404, "global/object-does-not-exist", "Specified instance does not exist.")
    ended = instance(market, pod)
    market.end(NAME, pod["id"])
    return 200, {"data": {"terminated_instances": [ended]}}
