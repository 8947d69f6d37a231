#pragma once

namespace workflow::sweep {

/// The python of the trials; written to the task's directory. Needs torch and nothing else.
inline constexpr const char* rehearsal_script = R"PYTHON(
import json, os, sys, time

mode = sys.argv[1]
MARK = 'workflow-rehearsal '


def tell(**facts):
    print('\n' + MARK + json.dumps(facts), flush=True)


def devices(torch):
    if not torch.cuda.is_available():
        return ['cpu']
    return ['cuda:%d' % i for i in range(torch.cuda.device_count())]


def wait_for(torch, device):
    if device != 'cpu':
        torch.cuda.synchronize(device)


def multiply(torch, device):
    """The size of a product, its milliseconds, and whether it came out right."""
    size = 256 if device == 'cpu' else 4096
    a = torch.ones(size, size, device=device)
    for _ in range(3):
        b = a @ a
    wait_for(torch, device)
    begun = time.perf_counter()
    for _ in range(5):
        b = a @ a
    wait_for(torch, device)
    took = (time.perf_counter() - begun) / 5 * 1000
    return size, took, bool((b == size).all().item())


def look():
    try:
        begun = time.perf_counter()
        import torch
        took = time.perf_counter() - begun
    except BaseException as fault:
        return tell(missing=type(fault).__name__ + ': ' + str(fault))
    found = []
    for device in devices(torch):
        try:
            size, ms, right = multiply(torch, device)
            name = 'cpu' if device == 'cpu' else torch.cuda.get_device_name(device)
            found.append({'device': device, 'name': name, 'size': size, 'ms': round(ms, 3), 'right': right})
        except BaseException as fault:
            found.append({'device': device, 'fault': type(fault).__name__ + ': ' + str(fault)})
    tell(version=str(torch.__version__), cuda=torch.version.cuda, import_secs=round(took, 2),
         gpus=torch.cuda.device_count() if torch.cuda.is_available() else 0, devices=found)


def count():
    """Only how many ranks there can be."""
    try:
        import torch
        tell(gpus=torch.cuda.device_count() if torch.cuda.is_available() else 0)
    except BaseException as fault:
        tell(missing=type(fault).__name__ + ': ' + str(fault))


def load(ready):
    """Keeps every GPU busy until we are ended."""
    import torch
    if not torch.cuda.is_available():
        sys.exit(3)
    work = [torch.randn(4096, 4096, device=d, dtype=torch.float16) for d in devices(torch)]
    begun, told = time.monotonic(), False
    while time.monotonic() - begun < 60:
        for a in work:
            a @ a
        for a in work:
            torch.cuda.synchronize(a.device)
        if not told and time.monotonic() - begun > 2:
            open(ready, 'w').close()
            told = True


def all_reduce(answer):
    import torch
    import torch.distributed as dist
    from datetime import timedelta
    local = int(os.environ['LOCAL_RANK'])
    gpu = torch.cuda.is_available()
    device = 'cuda:%d' % local if gpu else 'cpu'
    if gpu:
        torch.cuda.set_device(local)
    backend = 'nccl' if gpu else 'gloo'
    dist.init_process_group(backend, timeout=timedelta(seconds=60))
    world = dist.get_world_size()
    values = torch.ones(4 << 20, device=device)
    dist.all_reduce(values)
    right = bool((values == world).all().item())
    values.fill_(1)
    dist.all_reduce(values)
    wait_for(torch, device)
    begun = time.perf_counter()
    for _ in range(5):
        dist.all_reduce(values)
    wait_for(torch, device)
    took = (time.perf_counter() - begun) / 5
    dist.barrier()
    dist.destroy_process_group()
    if int(os.environ['RANK']) == 0:
        with open(answer + '.new', 'w') as file:
            json.dump({'ranks': world, 'backend': backend, 'right': right,
                       'ms': round(took * 1000, 3),
                       'gb_per_s': round(values.numel() * 4 / took / 1e9, 2)}, file)
        os.rename(answer + '.new', answer)


if mode == 'look':
    look()
elif mode == 'count':
    count()
elif mode == 'load':
    load(sys.argv[2])
else:
    all_reduce(sys.argv[2])
)PYTHON";

}  // namespace workflow::sweep
