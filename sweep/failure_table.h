#pragma once

#include <string_view>

// What log lines mean: the one place to add a cause. Part of failure.cpp.
namespace workflow::sweep::failure_table {

/// Where a needle is looked for.
enum class Look {
  type,  ///< the last part of a Python exception's name, exactly
  says,  ///< the message of a Python or C++ exception
  line,  ///< any line that is no warning, no traceback and not negated ("no NaN detected")
};

/// Weak causes often follow from another rank's failure, so they yield to a strong one nearby.
enum class Weight { weak, strong };

/// One cause. Needles of `says` and `line` are lower case and found in any case; `also`, if not
/// empty, must be there too. The first row that fits a line decides its class.
struct Cause {
  std::string_view cls;
  Weight weight;
  Look look;
  std::string_view needle;
  std::string_view also;
};

using enum Look;
using enum Weight;

// clang-format off
inline constexpr Cause causes[] = {
    // What a message says is closer to the cause than the type that carries it.
    {"oom_gpu",   strong, line, "cuda out of memory",                    "tried to allocate"},
    {"oom_gpu",   strong, line, "cuda out of memory",                    "error"},
    {"oom_gpu",   strong, says, "cuda out of memory",                    ""},
    {"oom_gpu",   strong, says, "hip out of memory",                     ""},
    {"oom_gpu",   strong, line, "cuda error: out of memory",             ""},
    {"oom_gpu",   strong, line, "cuda failure",                          "out of memory"},
    {"oom_gpu",   strong, line, "cublas_status_alloc_failed",            ""},
    {"oom_gpu",   strong, type, "OutOfMemoryError",                      ""},
    {"disk_full", strong, line, "no space left on device",               ""},
    {"disk_full", strong, line, "disk quota exceeded",                   ""},
    {"disk_full", strong, says, "pytorchstreamwriter failed writing",    ""},
    {"oom_host",  strong, line, "out of memory: killed process",         ""},
    {"oom_host",  strong, line, "oom-kill:",                             ""},
    {"oom_host",  strong, line, "slurmstepd: error: detected",           "oom-kill event"},
    {"oom_host",  strong, line, "dataloader worker",                     "by signal: killed"},
    {"oom_host",  strong, line, "dataloader worker",                     "by signal: bus error"},
    {"oom_host",  strong, line, "cpuallocator: can't allocate memory",   ""},
    {"oom_host",  strong, line, "cpuallocator: not enough memory",       ""},
    {"oom_host",  strong, line, "std::bad_alloc",                        "terminate called"},
    {"oom_host",  strong, says, "[errno 12] cannot allocate",            ""},
    {"oom_host",  strong, type, "MemoryError",                           ""},
    {"oom_host",  strong, type, "_ArrayMemoryError",                     ""},
    {"nccl",      weak,   line, "ncclsystemerror",                       ""},
    {"nccl",      weak,   line, "ncclinternalerror",                     ""},
    {"nccl",      weak,   line, "ncclremoteerror",                       ""},
    {"nccl",      weak,   line, "ncclunhandledcudaerror",                ""},
    {"nccl",      weak,   line, "nccl error in",                         ""},
    {"nccl",      weak,   line, "nccl error:",                           ""},
    {"nccl",      weak,   says, "nccl error",                            ""},
    {"nccl",      weak,   line, "nccl communicator was aborted",         ""},
    {"nccl",      weak,   line, "watchdog caught collective",            ""},
    {"nccl",      weak,   line, "processgroupnccl",                      "thread terminated"},
    {"cuda",      strong, line, "device-side assert triggered",          ""},
    {"cuda",      strong, line, "assertion `",                           "block: ["},
    {"cuda",      strong, line, "cuda error:",                           ""},
    {"cuda",      strong, says, "cublas_status_",                        ""},
    {"cuda",      strong, says, "cudnn_status_",                         ""},
    {"cuda",      strong, says, "cudnn error",                           ""},
    {"cuda",      strong, says, "no cuda gpus are available",            ""},
    {"cuda",      strong, says, "found no nvidia driver",                ""},
    {"cuda",      strong, says, "cuda driver version is",                ""},
    {"nan",       strong, line, "loss is nan",                           ""},
    {"nan",       strong, line, "nan detected",                          ""},
    {"nan",       strong, says, "nan loss",                              ""},
    {"nan",       strong, says, "non-finite loss",                       ""},
    {"nan",       strong, says, "loss is not finite",                    ""},
    {"nan",       strong, says, "returned nan values",                   ""},
    {"nan",       strong, type, "FloatingPointError",                    ""},
    {"auth",      strong, says, "401 client error",                      ""},
    {"auth",      strong, says, "403 client error",                      ""},
    {"auth",      strong, says, "http error 401",                        ""},
    {"auth",      strong, says, "http error 403",                        ""},
    {"auth",      strong, says, "gated repo",                            ""},
    {"auth",      strong, says, "invalid username or password",          ""},
    {"auth",      strong, says, "accessdenied",                          ""},
    {"auth",      strong, says, "expiredtoken",                          ""},
    {"auth",      strong, says, "api_key not configured",                ""},
    {"auth",      strong, line, "wandb: error",                          "api_key"},
    {"auth",      strong, line, "wandb: error",                          "api key"},
    {"auth",      strong, line, "wandb: error",                          "not logged in"},
    {"auth",      strong, line, "wandb: error",                          "permission denied"},
    {"auth",      strong, line, "fatal: authentication failed",          ""},
    {"auth",      strong, line, "fatal: could not read username",        ""},
    {"auth",      strong, line, "permission denied (publickey",          ""},
    {"auth",      strong, type, "GatedRepoError",                        ""},
    {"auth",      strong, type, "AuthenticationError",                   ""},
    {"auth",      strong, type, "NoCredentialsError",                    ""},
    {"network",   weak,   says, "failure in name resolution",            ""},
    {"network",   weak,   says, "name or service not known",             ""},
    {"network",   weak,   says, "max retries exceeded with url",         ""},
    {"network",   weak,   says, "connection timed out",                  ""},
    {"network",   weak,   says, "connection refused",                    ""},
    {"network",   weak,   says, "connection reset by peer",              ""},
    {"network",   weak,   says, "connection closed by peer",             ""},
    {"network",   weak,   says, "network is unreachable",                ""},
    {"network",   weak,   says, "address already in use",                ""},
    {"network",   weak,   says, "client socket has timed out",           ""},
    {"network",   weak,   says, "read timed out",                        ""},
    {"network",   weak,   says, "couldn't connect to 'http",             ""},
    {"network",   weak,   says, "429 client error",                      ""},
    {"network",   weak,   says, "502 server error",                      ""},
    {"network",   weak,   says, "503 server error",                      ""},
    {"network",   weak,   says, "504 server error",                      ""},
    {"network",   weak,   line, "curl: (",                               "could not resolve host"},
    {"network",   weak,   line, "fatal: unable to access",               ""},
    {"network",   weak,   type, "ConnectionError",                       ""},
    {"network",   weak,   type, "ConnectionResetError",                  ""},
    {"network",   weak,   type, "ConnectionRefusedError",                ""},
    {"network",   weak,   type, "ConnectTimeout",                        ""},
    {"network",   weak,   type, "ReadTimeout",                           ""},
    {"network",   weak,   type, "TimeoutError",                          ""},
    {"network",   weak,   type, "URLError",                              ""},
    {"network",   weak,   type, "SSLError",                              ""},
    {"network",   weak,   type, "ChunkedEncodingError",                  ""},
    {"network",   weak,   type, "IncompleteRead",                        ""},
    {"network",   weak,   type, "RemoteDisconnected",                    ""},
    {"network",   weak,   type, "gaierror",                              ""},
    {"network",   weak,   type, "DistNetworkError",                      ""},
    {"network",   weak,   type, "RendezvousConnectionError",             ""},
    {"network",   weak,   type, "RendezvousTimeoutError",                ""},
    {"import",    strong, type, "ModuleNotFoundError",                   ""},
    {"import",    strong, type, "ImportError",                           ""},
    {"import",    strong, says, "cannot open shared object file",        ""},
    {"import",    strong, line, "bin/python",                            ": no module named "},
    {"data",      strong, says, "pytorchstreamreader failed",            ""},
    {"data",      strong, says, "corrupt",                               ""},
    {"data",      strong, says, "invalid load key",                      ""},
    {"data",      strong, type, "FileNotFoundError",                     ""},
    {"data",      strong, type, "JSONDecodeError",                       ""},
    {"data",      strong, type, "UnpicklingError",                       ""},
    {"data",      strong, type, "BadZipFile",                            ""},
    {"data",      strong, type, "BadGzipFile",                           ""},
    {"data",      strong, type, "SafetensorError",                       ""},
    {"data",      strong, type, "ArrowInvalid",                          ""},
    {"data",      strong, type, "DatasetNotFoundError",                  ""},
    {"data",      weak,   type, "EOFError",                              ""},  // or a dead pipe
    {"assertion", strong, type, "AssertionError",                        ""},
    {"assertion", strong, line, "assertion `",                           "' failed"},
};

/// Exceptions that only report that another process failed.
inline constexpr std::string_view wrappers[] = {
    "ChildFailedError",       "CalledProcessError", "SignalException",
    "ProcessRaisedException", "SystemExit",         "ProcessExitedException",
    "KeyboardInterrupt",
};
// clang-format on

}  // namespace workflow::sweep::failure_table
