#include <catch2/catch.hpp>
#include <chrono>

#include "common/files.h"
#include "sweep/failure.h"

using workflow::sweep::classify;
using workflow::sweep::Ending;
using workflow::sweep::Failure;
using workflow::sweep::KernelWord;

namespace {

Failure exit1(const std::string& log) { return classify({.exit_code = 1}, log, 0, 0); }

std::string trace(const std::string& exception) {
  return "Traceback (most recent call last):\n  File \"train.py\", line 3, in <module>\n    "
         "main()\n" +
         exception + "\n";
}

std::string table(const std::string& traceback) {
  return trace("torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ") +
         "============================================================\ntrain.py FAILED\n"
         "------------------------------------------------------------\nFailures:\n"
         "  <NO_OTHER_FAILURES>\nRoot Cause (first observed failure):\n[0]:\n"
         "  time      : 2026-11-22_22:00:00\n  exitcode  : 1 (pid: 4711)\n"
         "  error_file: <N/A>\n  traceback : " +
         traceback + "\n============================================================\n";
}

const std::string no_traceback = "To enable traceback see: https://pytorch.org/docs/errors.html";
const std::string oom =
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB";
const std::string nccl =
    "[E ProcessGroupNCCL.cpp:821] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL";

}  // namespace

TEST_CASE("each cause has its class") {
  // clang-format off
  const std::pair<const char*, const char*> cases[] = {
      {"import",    "ModuleNotFoundError: No module named 'nosuch'"},
      {"import",    "ImportError: /x.so: undefined symbol: _ZN3c10"},
      {"import",    "/venv/bin/python: No module named nosuch"},
      {"import",    "OSError: libcudart.so.12: cannot open shared object file: No such file"},
      {"oom_gpu",   oom.c_str()},
      {"oom_gpu",   "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB"},
      {"oom_gpu",   "RuntimeError: CUDA error: out of memory"},
      {"oom_gpu",   "2026-11-22 22:00:00 ERROR CUDA out of memory"},
      {"oom_gpu",   "Cuda failure 2 'out of memory'"},
      {"nccl",      "torch.distributed.DistBackendError: NCCL error in: ../NCCL.cpp:1333"},
      {"nccl",      "ncclSystemError: System call (e.g. socket, malloc) or external call failed"},
      {"nccl",      nccl.c_str()},
      {"cuda",      "RuntimeError: CUDA error: device-side assert triggered"},
      {"cuda",      "  what():  CUDA error: an illegal memory access was encountered"},
      {"cuda",      "RuntimeError: cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"},
      {"cuda",      "Indexing.cu:1146: block: [0,0,0], thread: [0] Assertion `i < n` failed."},
      {"disk_full", "OSError: [Errno 28] No space left on device: '/mnt/out/ckpt.pt'"},
      {"disk_full", "cp: error writing 'x': No space left on device"},
      {"oom_host",  "MemoryError"},
      {"oom_host",  "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 12. GiB"},
      {"oom_host",  "[ 812.2] Out of memory: Killed process 4711 (python) total-vm:81234kB"},
      {"oom_host",  "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.0"},
      {"oom_host",  "RuntimeError: DataLoader worker (pid 12) is killed by signal: Killed."},
      {"assertion", "AssertionError"},
      {"assertion", "AssertionError: shapes differ"},
      {"assertion", "train: main.c:7: f: Assertion `x > 0' failed."},
      {"nan",       "Loss is nan, stopping training"},
      {"nan",       "AssertionError: loss is NaN"},
      {"nan",       "step 7: NaN detected in gradients"},
      {"nan",       "RuntimeError: Function 'MulBackward0' returned nan values in its 0th output."},
      {"data",      "FileNotFoundError: [Errno 2] No such file or directory: 'data/train.bin'"},
      {"data",      "EOFError: Ran out of input"},
      {"data",      "_pickle.UnpicklingError: invalid load key, 'v'."},
      {"data",      "RuntimeError: PytorchStreamReader failed reading zip archive"},
      {"auth",      "requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: x"},
      {"auth",      "urllib.error.HTTPError: HTTP Error 403: Forbidden"},
      {"auth",      "huggingface_hub.errors.GatedRepoError: Access to model x is restricted"},
      {"auth",      "OSError: You are trying to access a gated repo."},
      {"auth",      "wandb: ERROR api_key not configured (no-tty). call wandb.login()"},
      {"network",   "requests.exceptions.ConnectionError: HTTPSConnectionPool(host=x)"},
      {"network",   "socket.gaierror: [Errno -3] Temporary failure in name resolution"},
      {"network",   "urllib.error.URLError: <urlopen error [Errno 110] Connection timed out>"},
      {"network",   "TimeoutError: timed out"},
      {"oom_gpu",   "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.16 GiB. GPU 0 has a total capacity of 79.10 GiB of which 640.75 MiB is free."},
      {"oom_gpu",   "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"},
      {"oom_gpu",   "RuntimeError: cuDNN error: CUDNN_STATUS_ALLOC_FAILED"},
      {"oom_gpu",   "jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8589934592 bytes."},
      {"oom_gpu",   "tensorflow.python.framework.errors_impl.ResourceExhaustedError: OOM when allocating tensor with shape[8192,8192] and type float on /job:localhost/replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc"},
      {"oom_gpu",   "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`."},
      {"oom_gpu",   "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB."},
      {"oom_host",  "ResourceExhaustedError: OOM when allocating tensor with shape[1] and type float on /job:localhost/replica:0/task:0/device:CPU:0 by allocator cpu"},
      {"oom_host",  "RuntimeError: unable to allocate shared memory(shm) for file </torch_29919_1396182366_63>: Resource temporarily unavailable (11)"},
      {"oom_host",  "RuntimeError: DataLoader worker (pid 3431) is killed by signal: Bus error. It is possible that dataloader's workers are out of shared memory. Please try to raise your shared memory limit."},
      {"oom_host",  "ERROR: Unexpected bus error encountered in worker. This might be caused by insufficient shared memory (shm)."},
      {"oom_host",  "OSError: [Errno 28] No space left on device: '/dev/shm/psm_1c2'"},
      {"oom_host",  "ray.exceptions.OutOfMemoryError: Task was killed due to the node running low on memory."},
      {"oom_host",  "RuntimeError: [enforce fail at alloc_cpu.cpp:114] data. DefaultCPUAllocator: not enough memory: you tried to allocate 68719476736 bytes."},
      {"oom_host",  "slurmstepd: error: Detected 1 oom_kill event in StepId=1234.0. Some of the step tasks have been OOM Killed."},
      {"nccl",      "torch.distributed.DistBackendError: NCCL error in: ../torch/csrc/distributed/c10d/NCCLUtils.hpp:275, remote process exited or there was a network error, NCCL version 2.20.5"},
      {"nccl",      "[rank1]:[E1122 22:04:11.101 ProcessGroupNCCL.cpp:616] [Rank 1] Watchdog caught collective operation timeout: WorkNCCL(SeqNum=21, OpType=ALLREDUCE, NumelIn=1, Timeout(ms)=600000) ran for 600029 milliseconds before timing out."},
      {"nccl",      "[rank0]:[F1122 22:14:11.101 ProcessGroupNCCL.cpp:1250] [PG 0 Rank 0] [PG 0 Rank 0] ProcessGroupNCCL's watchdog got stuck for 600 seconds. Terminating the process after attempting to dump debug info, due to ProcessGroupNCCL watchdog hang."},
      {"cuda",      "RuntimeError: CUDA error: uncorrectable ECC error encountered"},
      {"cuda",      "torch.AcceleratorError: CUDA error: an illegal memory access was encountered"},
      {"cuda",      "[rank0]:[E1122 ProcessGroupNCCL.cpp:1785] [PG ID 0 PG GUID 0(default_pg) Rank 0] Process group watchdog thread terminated with exception: CUDA error: an illegal memory access was encountered"},
      {"cuda",      "RuntimeError: Triton Error [CUDA]: an illegal memory access was encountered"},
      {"cuda",      "RuntimeError: CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`"},
      {"disk_full", "OSError: [Errno 122] Disk quota exceeded: '/home/u/ckpt.pt'"},
      {"disk_full", "safetensors_rust.SafetensorError: Error while serializing: IoError(Os { code: 28, kind: StorageFull, message: \"No space\" })"},
      {"disk_full", "FileNotFoundError: [Errno 2] No usable temporary directory found in ['/tmp', '/var/tmp', '/usr/tmp', '/work']"},
      {"nan",       "FloatingPointError: Loss became infinite or NaN at iteration=812!"},
      {"nan",       "ValueError: The loss returned in `training_step` is nan or inf."},
      {"nan",       "Loss is inf, stopping training"},
      {"auth",      "huggingface_hub.utils._errors.RepositoryNotFoundError: 401 Client Error. (Request ID: Root=1-65)"},
      {"auth",      "huggingface_hub.errors.HfHubHTTPError: Client error '401 Unauthorized' for url 'https://huggingface.co/api'"},
      {"auth",      "wandb.errors.errors.CommError: user is not logged in (Error 401: Unauthorized)"},
      {"auth",      "wandb.errors.errors.AuthenticationError: The API key you provided is either invalid or missing."},
      {"auth",      "botocore.exceptions.ClientError: An error occurred (403) when calling the HeadObject operation: Forbidden"},
      {"network",   "huggingface_hub.utils._errors.HfHubHTTPError: 429 Client Error: Too Many Requests for url: x"},
      {"network",   "wandb.errors.errors.CommError: Run initialization has timed out after 90.0 sec."},
      {"network",   "RuntimeError: [/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:525] Read error [10.0.0.2]:21211: Connection reset by peer"},
      {"network",   "urllib3.exceptions.NameResolutionError: <urllib3.connection.HTTPSConnection object at 0x7f>: Failed to resolve 'huggingface.co'"},
      {"network",   "torch.distributed.DistStoreError: Timed out after 601 seconds waiting for clients. 1/2 clients joined."},
      {"network",   "curl: (28) Failed to connect to x port 443 after 130000 ms: Connection timed out"},
      {"import",    "python: can't open file '/repo/train.py': [Errno 2] No such file or directory"},
      {"import",    "bash: line 1: accelerate: command not found"},
      {"data",      "OSError: gpt7 is not a local folder and is not a valid model identifier listed on 'https://huggingface.co/models'"},
      {"data",      "RuntimeError: Error(s) in loading state_dict for GPT:"},
      {"data",      "datasets.exceptions.DatasetGenerationError: An error occurred while generating the dataset"},
      {"timeout",   "slurmstepd: error: *** JOB 1234 ON n1 CANCELLED AT 2026-11-22T22:00:00 DUE TO TIME LIMIT ***"},
      {"killed",    "Fatal Python error: Segmentation fault"},
      {"exit",      "OSError: [Errno 24] Too many open files: 'shard-0007'"},
      {"exit",      "ValueError: batch size 3 does not divide 8"},
      {"exit",      "KeyError: 7"},
  };
  // clang-format on
  for (const auto& [cls, line] : cases) {
    INFO(line);
    const auto failure = exit1("step 1 | loss 2.0\n" + std::string(line) + "\n");
    CHECK(failure.cls == cls);
    CHECK(failure.offset == 18);
    CHECK(failure.line_number == 2);
    CHECK(std::string(line).ends_with(failure.line));
  }
}

TEST_CASE("innocent lines decide nothing") {
  for (const char* line :
       {"loss=nan_to_num(x)",
        "loss is nan_to_num(x) here",
        "NaN detected: False",
        "no NaN detected",
        "0 errors",
        "cuda: available",
        "NCCL version 2.18.1+cuda12.1",
        "nccl error handling: async",
        "NCCL WARN Call to connect returned Connection refused, ncclSystemError",
        "step 3 loss nan",
        "[W socket.cpp:601] The client socket has failed to connect (Connection refused)",
        "UserWarning: CUDA out of memory, tried to allocate less",
        "checked: no CUDA error: fine",
        "if CUDA out of memory occurs, the batch is halved",
        "MeanSquaredError: 0.125",
        "val.error: 0.2",
        "RuntimeWarning: invalid value encountered",
        "killed 3 zombies",
        "wandb: Network error (ConnectionError), entering retry loop.",
        "Retrying after ConnectionError: Max retries exceeded with url",
        "    raise OSError(\"No space left on device\")",
        "[rank0]:     assert x, \"loss is nan\"",
        "could not import apex (ImportError: No module named 'apex')",
        "imports: ok",
        "",
        "\r\r",
        "http://x/AssertionError:7",
        "AssertionError:7",
        "slurm: detected 0 oom-kill events"}) {
    INFO(line);
    const auto failure = exit1(std::string(line) + "\n");
    CHECK(failure.cls == "exit");
    CHECK(failure.line.empty());
    CHECK(failure.offset == -1);
    CHECK(failure.line_number == 0);
  }
}

TEST_CASE("the cause is the exception, not torchrun's table around it") {
  const std::string before = "[rank0]: " + std::string("Traceback (most recent call last):\n");
  const auto failure =
      classify({.exit_code = 1},
               before + "[rank0]: ModuleNotFoundError: No module named 'nosuch'\n" +
                   table("Traceback (most recent call last):\n    x\n  AssertionError: echo"),
               1000, 13);
  CHECK(failure.cls == "import");
  CHECK(failure.line == "ModuleNotFoundError: No module named 'nosuch'");
  CHECK(failure.offset == 1000 + static_cast<std::int64_t>(before.size()));
  CHECK(failure.line_number == 15);
  // Alone, the table is better than nothing, but not where it says nothing itself.
  CHECK(exit1(table("Traceback:\n    x\n  AssertionError: only here")).cls == "assertion");
  CHECK(exit1(table("Signal 9 (SIGKILL) received by PID 4711")).cls == "killed");
  CHECK(exit1(table(no_traceback)).line.empty());
  CHECK(exit1(trace("ValueError: 2 is odd") + table(no_traceback)).line == "ValueError: 2 is odd");
}

TEST_CASE("echoes of other ranks do not hide the cause, time does") {
  const std::string quiet = "step 1 | loss 2.0\n";
  std::string long_quiet;
  for (int i = 0; i < 300; ++i) long_quiet += quiet;
  CHECK(exit1(trace(oom) + nccl + "\n").cls == "oom_gpu");
  CHECK(exit1(nccl + "\n" + trace(oom)).cls == "oom_gpu");
  CHECK(exit1(trace(oom) + trace("RuntimeError: rank 1 gave up")).cls == "oom_gpu");
  CHECK(exit1(trace(oom) + long_quiet + nccl + "\n").cls == "nccl");
  CHECK(exit1(trace(oom) + long_quiet + trace("ValueError: bad")).cls == "exit");
  CHECK(exit1(trace("AssertionError") + trace(oom)).cls == "oom_gpu");
  CHECK(exit1(trace("ValueError: bad") + nccl + "\n").line == "ValueError: bad");
}

TEST_CASE("a chain of exceptions is judged as one") {
  const std::string direct =
      "\nThe above exception was the direct cause of the following exception:\n\n";
  const std::string during =
      "\nDuring handling of the above exception, another exception occurred:\n\n";
  const std::string network = "requests.exceptions.ConnectionError: no route";
  CHECK(exit1(trace(network) + direct + trace("RuntimeError: cannot load")).cls == "network");
  CHECK(exit1(trace("KeyError: 'x'") + during + trace(network)).cls == "network");
  CHECK(exit1(trace("FileNotFoundError: cache") + during + trace(network)).cls == "network");
  CHECK(exit1(trace("KeyError: 'x'") + during + trace("ValueError: y")).line == "ValueError: y");
}

TEST_CASE("a crash is told from somebody's kill, and the guilty rank is named") {
  CHECK(classify({.signal = "SEGV"}, "step 1\n", 0, 0).reason ==
        "crashed by SIGSEGV: it used memory that is not its own");
  CHECK(classify({.signal = "KILL"}, "step 1\n", 0, 0).reason ==
        "ended by SIGKILL, which somebody else sent");
  CHECK(classify({.exit_code = 139}, "", 0, 0).reason.starts_with("crashed by SIGSEGV"));
  CHECK(classify({.signal = "40"}, "", 0, 0).reason == "ended by signal 40");
  const std::string ranks =
      "E1122 22:00:00.1 4700 torch/distributed/elastic/multiprocessing/api.py:869] failed "
      "(exitcode: -11) local_rank: 2 (pid: 4713) of binary: /venv/bin/python\n" +
      trace("torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ") +
      "==========================================================\ntrain.py FAILED\n"
      "----------------------------------------------------------\nFailures:\n[1]:\n"
      "  time      : 2026-11-22_22:00:01\n  host      : n1\n  rank      : 0 (local_rank: 0)\n"
      "  exitcode  : 1 (pid: 4711)\n  error_file: <N/A>\n  traceback : To enable\n"
      "----------------------------------------------------------\n"
      "Root Cause (first observed failure):\n[0]:\n  time      : 2026-11-22_22:00:00\n"
      "  host      : n1\n  rank      : 2 (local_rank: 2)\n  exitcode  : -11 (pid: 4713)\n"
      "  error_file: <N/A>\n  traceback : Signal 11 (SIGSEGV) received by PID 4713\n"
      "==========================================================\n";
  const Failure crashed = exit1(ranks);
  CHECK(crashed.cls == "killed");
  CHECK(crashed.line == "traceback : Signal 11 (SIGSEGV) received by PID 4713");
  CHECK(crashed.reason.starts_with("rank 2 crashed by SIGSEGV"));
  std::string left = ranks;
  for (const char* crash : {"-11", "-11"}) left.replace(left.rfind(crash), 3, "3");
  left.replace(left.rfind("Signal 11 (SIGSEGV) received by PID 4713"), 40, "To enable traceback");
  CHECK(exit1(left).cls == "exit");
  CHECK(exit1(left).reason == "rank 2 ended with exit code 3");
}

TEST_CASE("real logs of torchrun whose rank ended by itself, and of peers that only lost it") {
  struct Log {
    const char* name;
    const char* cls;
    const char* line;
    const char* reason;
  };
  const Log logs[] = {
      {"torchrun-segv", "killed", "traceback : Signal 11 (SIGSEGV) received by PID 13428",
       "rank 1 crashed by SIGSEGV: it used memory that is not its own"},
      {"torchrun-exit", "exit", "", "rank 1 ended with exit code 3"},
      {"torchrun-gloo-sigkill", "killed", "traceback : Signal 9 (SIGKILL) received by PID 14737",
       "rank 1 ended by SIGKILL, which somebody else sent"},
      {"torchrun-gloo-sigsegv", "killed", nullptr,
       "rank 1 crashed by SIGSEGV: it used memory that is not its own"}};
  for (const auto& log : logs) {
    INFO(log.name);
    const std::string text = workflow::read_file(std::string(WORKFLOW_SOURCE_DIR) +
                                                 "/tests/fixtures/logs/" + log.name + ".log");
    const Failure failure = exit1(text);
    CHECK(failure.cls == log.cls);
    if (log.line != nullptr) CHECK(failure.line == log.line);
    CHECK(failure.reason == log.reason);
    if (failure.offset >= 0) {
      CHECK(text.substr(static_cast<std::size_t>(failure.offset)).find(failure.line) < 4);
    }
  }
  // The kernel killed it, and says so by its process.
  const std::string text = workflow::read_file(std::string(WORKFLOW_SOURCE_DIR) +
                                               "/tests/fixtures/logs/torchrun-gloo-sigkill.log");
  const KernelWord oom_kill{.kind = KernelWord::Kind::oom, .text = "kernel: oom", .pid = 14737};
  CHECK(classify({.exit_code = 1, .kernel = {oom_kill}, .pid = 1}, text, 0, 0).cls == "oom_host");
}

TEST_CASE("the kernel's word on a run's own process decides, another's only supports") {
  using Kind = KernelWord::Kind;
  const auto judged = [](const Ending& base, const std::string& log, const KernelWord& word) {
    Ending ending = base;
    ending.kernel = {word};
    return classify(ending, log, 0, 0);
  };
  const KernelWord oom_of_7{.kind = Kind::oom, .text = "kernel: oom", .pid = 7, .at_ms = 1000};
  const KernelWord counted{.kind = Kind::oom, .text = "cgroup: oom_kill grew by 1"};
  const KernelWord xid{.kind = Kind::xid, .text = "kernel: NVRM: Xid 79", .pid = 7};
  const KernelWord segfault{.kind = Kind::crash, .text = "kernel: segfault", .pid = 7};

  const Ending killed{.signal = "KILL", .pid = 7, .ended_ms = 2000};
  CHECK(judged(killed, "", oom_of_7).cls == "oom_host");
  CHECK(judged(killed, "", oom_of_7).evidence == "kernel: oom");
  CHECK(judged(killed, "", counted).cls == "oom_host");
  CHECK(judged({.signal = "KILL", .pid = 8, .ended_ms = 2000}, "", oom_of_7).cls == "oom_host");
  // Another's long ago, another's while this one left by itself, another's beside a known cause.
  CHECK(judged({.signal = "KILL", .pid = 8, .ended_ms = 900'000}, "", oom_of_7).cls == "killed");
  CHECK(judged({.exit_code = 1, .pid = 8}, "", counted).cls == "exit");
  CHECK(judged({.exit_code = 1, .pid = 8}, "", counted).evidence.empty());
  CHECK(judged({.signal = "SEGV", .pid = 8}, "", counted).cls == "killed");
  CHECK(judged({.signal = "KILL", .pid = 8}, trace(oom), counted).cls == "oom_gpu");
  // Our own kill needs no other's word.
  CHECK(judged({.signal = "KILL", .timed_out = true, .pid = 7}, "", oom_of_7).cls == "timeout");
  CHECK(judged({.signal = "KILL", .cancelled = true, .pid = 7}, "", oom_of_7).cls == "killed");
  CHECK(judged({.lost = true, .pid = 7}, "", oom_of_7).cls == "oom_host");
  CHECK(judged({.lost = true, .pid = 8}, "", oom_of_7).cls == "lost");

  // The killed process was a child, which the log names.
  const std::string child = "bash: line 1:     7 Killed                  python train.py\n";
  CHECK(judged({.exit_code = 137, .pid = 6}, child, oom_of_7).cls == "oom_host");
  CHECK(judged({.exit_code = 1, .pid = 6}, child + "tidied up\n", oom_of_7).cls == "oom_host");
  const std::string worker =
      trace("RuntimeError: DataLoader worker (pid(s) 7) exited unexpectedly");
  CHECK(judged({.exit_code = 1, .pid = 6}, worker, oom_of_7).cls == "oom_host");
  CHECK(judged({.exit_code = 1, .pid = 6}, worker, oom_of_7).line.empty());

  CHECK(judged({.exit_code = 1, .pid = 7}, nccl + "\n", xid).cls == "cuda");
  CHECK(judged({.exit_code = 1, .pid = 8}, nccl + "\n", xid).cls == "nccl");
  CHECK(judged({.exit_code = 1, .pid = 8}, nccl + "\n", xid).evidence == "kernel: NVRM: Xid 79");
  CHECK(judged({.exit_code = 1, .pid = 7}, trace(oom), xid).cls == "oom_gpu");
  CHECK(judged({.signal = "SEGV", .pid = 7}, "", segfault).cls == "killed");
  CHECK(judged({.signal = "SEGV", .pid = 7}, "", segfault).evidence == "kernel: segfault");
  CHECK(judged({.signal = "KILL", .pid = 8}, "", segfault).evidence.empty());
}

TEST_CASE("what is known for sure comes before the log, a signal after it") {
  const std::string log = trace(oom);
  CHECK(classify({.signal = "TERM", .timed_out = true}, log, 0, 0).cls == "timeout");
  CHECK(classify({.signal = "TERM", .stalled = true}, log, 0, 0).cls == "stalled");
  CHECK(classify({.signal = "TERM", .cancelled = true}, log, 0, 0).cls == "killed");
  CHECK(classify({.lost = true}, log, 0, 0).cls == "lost");
  CHECK(classify({.signal = "ABRT"}, log, 0, 0).cls == "oom_gpu");
  CHECK(classify({.signal = "KILL"}, "step 1\n", 0, 0).cls == "killed");
  CHECK(classify({.signal = "KILL"}, "Out of memory: Killed process 1 (python)\n", 0, 0).cls ==
        "oom_host");
  CHECK(classify({.exit_code = 137}, "bash: line 1: 7 Killed  python x\n", 0, 0).cls == "killed");
  CHECK(classify({.signal = "INT"}, trace("ValueError: x"), 0, 0).cls == "killed");
  CHECK(classify({.exit_code = 3}, "", 0, 0).cls == "exit");
  std::string later = log;
  for (int i = 0; i < 300; ++i) later += "step\n";
  CHECK(classify({.signal = "KILL"}, later, 0, 0).cls == "killed");
}

TEST_CASE("places count bytes and lines of the log, colours and progress bars apart") {
  const std::string bar = "10%|#\r100%|##########\r";
  const auto failure = classify(
      {.exit_code = 1}, "e\n" + bar + "\x1b[31mAssertionError: \xFF\x1b[0m\r\nbye", 500, 41);
  CHECK(failure.cls == "assertion");
  CHECK(failure.offset == 502 + static_cast<std::int64_t>(bar.size()));
  CHECK(failure.line_number == 43);
  CHECK(failure.line == "AssertionError: \xFF");
  CHECK(exit1("AssertionError: " + std::string(100000, 'x')).line.size() == 500);
  CHECK(exit1("\x1b[").cls == "exit");
  CHECK(exit1(std::string("\0\0AssertionError\n", 17)).cls == "exit");
}

TEST_CASE("a large log is judged quickly") {
  std::string log;
  while (log.size() < (1U << 20U)) log += "step 10 | loss 2.0 | error-free no NaN detected\n";
  const auto start = std::chrono::steady_clock::now();
  CHECK(exit1(log + trace(oom) + std::string(1 << 20, '[')).cls == "oom_gpu");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  CHECK(took.count() < 3.0);
}
