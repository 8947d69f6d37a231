#!/usr/bin/env python3
"""A small, real training: a network learns to tell three spiral arms apart.

    train.py CONFIG [out_dir=…] [data_dir=…] [seed=…] [wandb_…=…] [KEY=VALUE …]

Standard library only. Every key of DEFAULTS may be set in CONFIG and by KEY=VALUE. JSON lines go
to $WF_METRICS_FILE; a checkpoint in out_dir is continued; TERM saves one and exits with 143.
"""
import ast
import difflib
import importlib
import json
import math
import os
import random
import signal
import sys
import time

DEFAULTS = {
    "hidden": [12, 12],       # units of each hidden layer
    "lr": 0.01,               # Adam's step
    "steps": 200,
    "batch_size": 24,
    "points": 300,            # of all three arms together
    "noise": 0.15,            # radians
    "step_secs": 0.025,       # a step takes at least this long: a row lasts the same everywhere
    "log_every": 5,           # steps between two lines of output and of metrics
    "checkpoint_every": 20,
    "extra_module": "",       # a module whose features(x, y) replaces the plain coordinates
}
PACING = {"steps", "step_secs", "log_every", "checkpoint_every"}  # may change when continuing
ARMS = 3


class UsageError(Exception):
    """What the user asked for cannot be done; nothing was trained."""


# --- settings -----------------------------------------------------------------------------------

def set_key(settings, key, value, where):
    if key not in DEFAULTS:
        near = difflib.get_close_matches(key, DEFAULTS, 1)
        hint = f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(DEFAULTS)}"
        raise UsageError(f"{where}: unknown key '{key}'{hint}")
    want = type(DEFAULTS[key])
    if want is float and type(value) is int:
        value = float(value)
    if type(value) is not want:
        raise UsageError(f"{where}: {key} must be {want.__name__}, not {value!r}")
    settings[key] = value


def read_config(path, settings):
    """KEY = literal, one a line; the file is parsed, never executed."""
    try:
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read(), path)
    except (OSError, SyntaxError) as error:
        raise UsageError(f"config '{path}': {error}") from None
    for node in tree.body:
        where = f"{path}:{node.lineno}"
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1
                and isinstance(node.targets[0], ast.Name)):
            raise UsageError(f"{where}: only KEY = literal is understood here")
        try:
            value = ast.literal_eval(node.value)
        except ValueError:
            raise UsageError(f"{where}: the value is not a literal") from None
        set_key(settings, node.targets[0].id, value, where)


def read_arguments(argv):
    if not argv or "=" in argv[0]:
        raise UsageError("usage: train.py CONFIG [out_dir=DIR] [seed=N] [KEY=VALUE …]")
    place = {"out_dir": "out", "data_dir": "", "seed": "0"}
    settings = dict(DEFAULTS)
    read_config(argv[0], settings)
    for word in argv[1:]:
        key, equals, text = word.partition("=")
        if not equals:
            raise UsageError(f"'{word}' is not KEY=VALUE")
        if key in place:
            place[key] = text
        elif not key.startswith("wandb_"):  # this example logs to $WF_METRICS_FILE only
            try:
                value = ast.literal_eval(text)
            except (ValueError, SyntaxError):
                value = text
            set_key(settings, key, value, word)
    try:
        place["seed"] = int(place["seed"])
    except ValueError:
        raise UsageError(f"seed={place['seed']} is not an integer") from None
    for key in ("steps", "batch_size", "points", "log_every", "checkpoint_every"):
        if settings[key] < 1:
            raise UsageError(f"{key} must be at least 1, not {settings[key]}")
    if any(type(units) is not int or units < 1 for units in settings["hidden"]):
        raise UsageError(f"hidden must hold positive integers, not {settings['hidden']}")
    return settings, place


# --- data and network ---------------------------------------------------------------------------

def spirals(count, noise, features):
    """The same points for every seed, so that losses can be compared."""
    rng = random.Random("spirals")
    data = []
    for i in range(count):
        arm, along = i % ARMS, (i // ARMS + 1) / math.ceil(count / ARMS)
        angle = 4.0 * along + arm * 2 * math.pi / ARMS + rng.gauss(0, noise)
        data.append((features(along * math.cos(angle), along * math.sin(angle)), arm))
    return data


class Network:
    """Fully connected, tanh inside, softmax at the end; gradients by hand, steps by Adam."""

    def __init__(self, sizes, rng):
        # A unit's row is its weights and, last, its bias.
        self.layers = [[[rng.gauss(0, 1 / math.sqrt(a)) for _ in range(a)] + [0.0]
                        for _ in range(b)] for a, b in zip(sizes, sizes[1:])]
        self.mean = [[[0.0] * len(row) for row in layer] for layer in self.layers]
        self.square = [[[0.0] * len(row) for row in layer] for layer in self.layers]

    def forward(self, x):
        """Every layer's output, the input first; the last one holds probabilities."""
        outputs = [x]
        for index, layer in enumerate(self.layers):
            before = outputs[-1]
            z = [sum(w * v for w, v in zip(row, before)) + row[-1] for row in layer]
            if index + 1 < len(self.layers):
                outputs.append([math.tanh(v) for v in z])
            else:
                top = max(z)
                e = [math.exp(v - top) for v in z]
                total = sum(e)
                outputs.append([v / total for v in e])
        return outputs

    def learn(self, batch, lr, step):
        """One Adam step on the batch; its mean loss before the step."""
        grads = [[[0.0] * len(row) for row in layer] for layer in self.layers]
        loss = 0.0
        for x, arm in batch:
            outputs = self.forward(x)
            loss -= math.log(max(outputs[-1][arm], 1e-12))
            delta = [p - (i == arm) for i, p in enumerate(outputs[-1])]
            for index in range(len(self.layers) - 1, -1, -1):
                layer, before = self.layers[index], outputs[index]
                for grad, d in zip(grads[index], delta):
                    for i, v in enumerate(before):
                        grad[i] += d * v
                    grad[-1] += d
                if index:
                    delta = [(1 - v * v) * sum(d * row[i] for d, row in zip(delta, layer))
                             for i, v in enumerate(before)]
        self.adam(grads, len(batch), lr, step)
        return loss / len(batch)

    def adam(self, grads, count, lr, step):
        rate = lr * math.sqrt(1 - 0.999 ** step) / (1 - 0.9 ** step)
        for layer, mean, square, grad in zip(self.layers, self.mean, self.square, grads):
            for row, m, s, g in zip(layer, mean, square, grad):
                for i, total in enumerate(g):
                    slope = total / count
                    m[i] += 0.1 * (slope - m[i])
                    s[i] += 0.001 * (slope * slope - s[i])
                    row[i] -= rate * m[i] / (math.sqrt(s[i]) + 1e-8)

    def judge(self, data):
        """Mean loss and accuracy over the data."""
        loss, right = 0.0, 0
        for x, arm in data:
            probabilities = self.forward(x)[-1]
            loss -= math.log(max(probabilities[arm], 1e-12))
            right += probabilities[arm] == max(probabilities)
        return loss / len(data), right / len(data)


# --- what is kept -------------------------------------------------------------------------------

def write_json(path, value):
    """Whole or not at all, even when we are killed in the middle."""
    partial = f"{path}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)


def identity(settings, seed):
    return {"seed": seed, **{k: v for k, v in settings.items() if k not in PACING}}


def save(path, network, step, seconds, identity_of_run):
    write_json(path, {"step": step, "seconds": seconds, "made_with": identity_of_run,
                      "layers": network.layers, "mean": network.mean, "square": network.square})


def resume(path, network, identity_of_run):
    """The step and the seconds to go on from; (0, 0.0) without a checkpoint."""
    try:
        with open(path, encoding="utf-8") as file:
            kept = json.load(file)
    except FileNotFoundError:
        return 0, 0.0
    except ValueError as error:
        raise UsageError(f"checkpoint '{path}' cannot be read: {error}") from None
    changed = [k for k, v in identity_of_run.items() if kept["made_with"].get(k) != v]
    if changed:
        raise UsageError(f"checkpoint '{path}' was made with another {', '.join(changed)}")
    network.layers, network.mean, network.square = kept["layers"], kept["mean"], kept["square"]
    return kept["step"], kept["seconds"]


# --- training -----------------------------------------------------------------------------------

def plain(x, y):
    return [x, y]


def train(settings, place, stop, metrics):
    """0 when every step is done, 143 when `stop` was filled by TERM and a checkpoint saved."""
    for key in DEFAULTS:
        print(f"{key:<18}{settings[key]!r}")
    print(f"{'seed':<18}{place['seed']}")
    print(f"{'out_dir':<18}{place['out_dir']}", flush=True)
    features = plain
    if settings["extra_module"]:
        features = importlib.import_module(settings["extra_module"]).features

    seed, steps = place["seed"], settings["steps"]
    data = spirals(settings["points"], settings["noise"], features)
    sizes = [len(data[0][0])] + settings["hidden"] + [ARMS]
    network = Network(sizes, random.Random(f"{seed} weights"))
    os.makedirs(place["out_dir"], exist_ok=True)
    checkpoint = os.path.join(place["out_dir"], "last.ckpt")  # a name workflow knows
    made_with = identity(settings, seed)
    first, earlier = resume(checkpoint, network, made_with)
    if first:
        print(f"continuing after step {first}", flush=True)

    begun = time.monotonic()
    for step in range(first + 1, steps + 1):
        tick = time.monotonic()
        # Drawn from seed and step alone: a continued run sees the batches it would have seen.
        batch = random.Random(f"{seed} {step}").choices(data, k=settings["batch_size"])
        loss = network.learn(batch, settings["lr"], step)
        if step % settings["log_every"] == 0 or step == steps:
            print(f"step {step:>4}/{steps}  loss {loss:.3f}", flush=True)
            metrics.write(json.dumps({"step": step, "loss": round(loss, 5),
                                      "lr": settings["lr"], "total_steps": steps}) + "\n")
        if stop or step % settings["checkpoint_every"] == 0 or step == steps:
            save(checkpoint, network, step, earlier + time.monotonic() - begun, made_with)
        if stop and step < steps:
            print(f"TERM: saved step {step}, leaving", flush=True)
            return 128 + signal.SIGTERM
        time.sleep(max(0.0, settings["step_secs"] - (time.monotonic() - tick)))

    loss, accuracy = network.judge(data)
    seconds = earlier + time.monotonic() - begun
    write_json(os.path.join(place["out_dir"], "summary.json"),
               {"loss": round(loss, 5), "accuracy": round(accuracy, 4), "steps": max(first, steps),
                "seconds": round(seconds, 3), "seed": seed})
    print(f"done: loss {loss:.3f} over all points, {100 * accuracy:.0f} % right, {seconds:.1f} s")
    return 0


def main():
    stop = []
    signal.signal(signal.SIGTERM, lambda number, frame: stop.append(number))
    try:
        settings, place = read_arguments(sys.argv[1:])
        path = os.environ.get("WF_METRICS_FILE") or os.devnull
        with open(path, "a", buffering=1, encoding="utf-8") as metrics:
            return train(settings, place, stop, metrics)
    except UsageError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
