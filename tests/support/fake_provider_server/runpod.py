"""RunPod's GraphQL interface."""
import re
import time

NAME = "runpod"

# id: GB, then per GPU and hour: secure, community, and both as spot; None: not offered there.
TYPES = {
    "NVIDIA A100 80GB PCIe": (80, 1.64, 1.19, 0.82, 0.60),
    "NVIDIA H100 80GB HBM3": (80, 2.69, None, 1.50, None),
    "NVIDIA GeForce RTX 4090": (24, 0.69, 0.34, 0.35, 0.20),
}
COMMON_INPUT = set("""cloudType containerDiskInGb countryCode dockerArgs env gpuCount gpuTypeId
    imageName minCudaVersion minMemoryInGb minVcpuCount name networkVolumeId ports startJupyter
    startSsh supportPublicIp templateId terminateAfter volumeInGb volumeMountPath dataCenterId
    allowedCudaVersions""".split())
CALLS = {"gpuTypes": "offers", "podFindAndDeployOnDemand": "create",
         "podRentInterruptable": "create", "myself": "list", "pod": "describe",
         "podTerminate": "terminate"}


def errors(message, code="RUNPOD", data=None):
    return {"errors": [{"message": message, "extensions": {"code": code}}], "data": data}


def refused(status):
    return status, errors("Unauthorized", "UNAUTHENTICATED")


def selection(query):
    """The fields that a query asks for, as nested dictionaries; arguments are passed over."""
    words = re.findall(r"[A-Za-z_]\w*|[{}]", re.sub(r"\([^()]*\)", "", query))
    stack, last = [{}], None
    for word in words:
        if word == "{":
            stack.append({} if last is None else stack[-1].setdefault(last, {}))
            if len(stack) == 2:
                stack[0] = stack[1]
        elif word == "}":
            stack.pop()
        elif len(stack) > 1:
            stack[-1][word] = {}
            last = word
    return stack[0]


def chosen(value, fields):
    """A value with the fields that were asked for and no others, as GraphQL answers."""
    if isinstance(value, list):
        return [chosen(item, fields) for item in value]
    if not isinstance(value, dict) or not fields:
        return value
    return {name: chosen(value[name], below) for name, below in fields.items()}


def call_of(_method, _path, body):
    return CALLS.get(next(iter(selection(body.get("query", ""))), ""), "unknown")


def answer(market, call, _path, body):
    fields = selection(body["query"])
    root = next(iter(fields))
    values = body.get("variables", {})
    if call == "unknown":
        return 400, errors(f'Cannot query field "{root}"', "GRAPHQL_VALIDATION_FAILED")
    made = {"offers": offers, "create": create, "list": pods, "describe": describe,
            "terminate": terminate}[call](market, values.get("input"), values, root)
    if isinstance(made, tuple):
        return made
    return 200, {"data": {root: chosen(made, fields[root])}}


def offers(_market, _input, values, _root):
    asked = values["lowestPriceInput"]
    secure, count = asked["secureCloud"], asked["gpuCount"]
    out = []
    for name, (memory, *prices) in TYPES.items():
        price, bid = (prices[0], prices[2]) if secure else (prices[1], prices[3])
        lowest = {"minimumBidPrice": bid, "uninterruptablePrice": price and price * count,
                  "stockStatus": "High" if price else None}
        out.append({"id": name, "displayName": name.replace("NVIDIA ", ""), "memoryInGb": memory,
                    "secureCloud": prices[0] is not None, "communityCloud": prices[1] is not None,
                    "securePrice": prices[0], "communityPrice": prices[1],
                    "secureSpotPrice": prices[2], "communitySpotPrice": prices[3],
                    "lowestPrice": lowest})
    return out


def create(market, wanted, _values, root):
    allowed = COMMON_INPUT | ({"bidPerGpu"} if root == "podRentInterruptable" else set())
    unknown = sorted(set(wanted) - allowed)
    if unknown:
        return 400, errors(f'Field "{unknown[0]}" is not defined', "BAD_USER_INPUT")
    prices = TYPES.get(wanted["gpuTypeId"])
    if not market.settings["stock"] or prices is None:
        return 200, errors("There are no longer any instances available with the requested "
                           "specifications. Please refresh and try again.", data={root: None})
    per_gpu = wanted.get("bidPerGpu") or prices[1 if wanted["cloudType"] == "SECURE" else 2]
    return market.add(NAME, wanted["name"], wanted["gpuTypeId"], wanted["gpuCount"],
                      per_gpu * wanted["gpuCount"], wanted)


def ports_of(market, known):
    if not known:
        return []
    private = market.settings["proxy_only"]
    web = {"ip": "100.65.0.7", "isIpPublic": False, "privatePort": 8888, "publicPort": 60001,
           "type": "http"}
    ssh = {"ip": "100.65.0.7" if private else market.settings["ssh_host"],
           "isIpPublic": not private, "privatePort": 22,
           "publicPort": 60002 if private else market.settings["ssh_port"], "type": "tcp"}
    return [web, ssh]


def pod_of(market, pod):
    up, known = market.look(pod)
    born = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(pod["born"]))
    runtime = {"uptimeInSeconds": pod["looks"], "ports": ports_of(market, known)} if up else None
    return {"id": pod["id"], "name": pod["name"], "costPerHr": pod["price"], "createdAt": born,
            "gpuCount": pod["count"], "machine": {"gpuDisplayName": pod["gpu"]},
            "desiredStatus": pod["state"].upper(), "runtime": runtime}


def pods(market, *_):
    return {"pods": [pod_of(market, pod) for pod in market.listed(NAME)]}


def describe(market, wanted, *_):
    pod = market.find(NAME, wanted["podId"])
    return pod_of(market, pod) if pod else None


def terminate(market, wanted, *_):
    if not market.end(NAME, wanted["podId"]):
        return 200, errors("pod not found to terminate", data={"podTerminate": None})
    return None
