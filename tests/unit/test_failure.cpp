#include <catch2/catch.hpp>
#include <chrono>

#include "sweep/failure.h"

using workflow::sweep::classify;
using workflow::sweep::Ending;
using workflow::sweep::Failure;
using workflow::sweep::worth_retrying;

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
    CHECK(line == (failure.line.starts_with("what()") ? "  " : "") + failure.line);
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

TEST_CASE("only what may pass next time is tried again") {
  for (const char* cls :
       {"nccl", "cuda", "network", "oom_gpu", "oom_host", "killed", "lost", "stalled"}) {
    CHECK(worth_retrying(cls));
  }
  for (const char* cls : {"import", "assertion", "data", "auth", "nan", "timeout", "disk_full",
                          "exit", "", "anything"}) {
    CHECK_FALSE(worth_retrying(cls));
  }
}
