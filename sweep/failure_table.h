#pragma once

#include <string_view>

// What log lines mean: the one place to add a cause. Part of failure.cpp.
namespace workflow::sweep::failure_table {

/// Where a needle is looked for.
enum class Look {
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

/// Names, separated by spaces, of Python exceptions without their modules.
struct TypeCause {
  std::string_view cls;
  Weight weight;
  std::string_view names;
};

using enum Look;
using enum Weight;

// clang-format off
inline constexpr Cause causes[] = {
    // What a message says is closer to the cause than the type that carries it. Full shared memory
    // reads like a full disk, and Ray calls its own OutOfMemoryError what the host ran out of.
    {"oom_host",  strong, line, "no space left on device",                "/dev/shm"},
    {"oom_host",  strong, says, "node running low on memory",             ""},  // Ray
    {"oom_host",  strong, says, "oom when allocating tensor",             "device:cpu"},
    {"oom_gpu",   strong, line, "cuda out of memory",                     "tried to allocate"},
    {"oom_gpu",   strong, line, "cuda out of memory",                     "error"},
    {"oom_gpu",   strong, says, "cuda out of memory",                     ""},
    {"oom_gpu",   strong, says, "hip out of memory",                      ""},
    {"oom_gpu",   strong, line, "cuda error: out of memory",              ""},
    {"oom_gpu",   strong, line, "cuda failure",                           "out of memory"},
    {"oom_gpu",   strong, line, "cublas_status_alloc_failed",             ""},
    {"oom_gpu",   strong, line, "cudnn_status_alloc_failed",              ""},
    {"oom_gpu",   strong, says, "cuda_error_out_of_memory",               ""},
    {"oom_gpu",   strong, says, "cudaerrormemoryallocation",              ""},
    {"oom_gpu",   strong, says, "triton error [cuda]: out of memory",     ""},
    {"oom_gpu",   strong, says, "resource_exhausted: out of memory",      ""},  // jax
    {"oom_gpu",   strong, says, "resource_exhausted: failed to alloc",    ""},
    {"oom_gpu",   strong, says, "no available memory for the cache",      ""},  // vLLM
    {"oom_gpu",   strong, says, "free memory on device",                  "is less than desired"},
    {"disk_full", strong, line, "no space left on device",                ""},
    {"disk_full", strong, line, "disk quota exceeded",                    ""},
    {"disk_full", strong, says, "pytorchstreamwriter failed writing",     ""},
    {"disk_full", strong, line, "kind: storagefull",                      ""},  // Rust
    {"disk_full", strong, says, "database or disk is full",               ""},
    {"disk_full", strong, says, "no usable temporary directory",          ""},
    {"disk_full", strong, says, "errno = 28",                             ""},
    {"disk_full", weak,   says, "basic_ios::clear: iostream error",       ""},
    {"oom_host",  strong, line, "out of memory: killed process",          ""},
    {"oom_host",  strong, line, "oom-kill:",                              ""},
    {"oom_host",  strong, line, "slurmstepd: error: detected",            "oom-kill event"},
    {"oom_host",  strong, line, "dataloader worker",                      "by signal: killed"},
    {"oom_host",  strong, line, "dataloader worker",                      "by signal: bus error"},
    {"oom_host",  strong, line, "cpuallocator: can't allocate memory",    ""},
    {"oom_host",  strong, line, "cpuallocator: not enough memory",        ""},
    {"oom_host",  strong, line, "std::bad_alloc",                         "terminate called"},
    {"oom_host",  strong, says, "[errno 12] cannot allocate",             ""},
    {"oom_host",  strong, line, "slurmstepd: error: detected",            "oom_kill event"},
    {"oom_host",  strong, line, "srun: error:",                           "out of memory"},
    {"oom_host",  strong, line, "insufficient shared memory (shm)",       ""},
    {"oom_host",  strong, line, "error while creating shared memory seg", ""},  // of NCCL
    {"oom_host",  strong, says, "unable to allocate shared memory(shm)",  ""},
    {"oom_host",  strong, says, "unable to mmap",                         "cannot allocate memory"},
    {"cuda",      strong, line, "device-side assert triggered",           ""},
    {"cuda",      strong, line, "assertion `",                            "block: ["},
    {"cuda",      strong, line, "cuda error:",                            ""},
    {"cuda",      strong, says, "cublas_status_",                         ""},
    {"cuda",      strong, says, "cudnn_status_",                          ""},
    {"cuda",      strong, says, "cudnn error",                            ""},
    {"cuda",      strong, says, "no cuda gpus are available",             ""},
    {"cuda",      strong, says, "found no nvidia driver",                 ""},
    {"cuda",      strong, says, "cuda driver version is",                 ""},
    {"cuda",      strong, says, "cuda driver error",                      ""},
    {"cuda",      strong, says, "cuda unknown error",                     ""},
    {"cuda",      strong, says, "triton error [cuda]",                    ""},
    {"cuda",      strong, says, "cuda_error_",                            ""},
    {"cuda",      strong, says, "cufft error",                            ""},
    {"cuda",      strong, says, "cusolver error",                         ""},
    {"cuda",      strong, line, "gpu is lost",                            ""},
    {"cuda",      strong, line, "unable to determine the device handle",  ""},
    {"nccl",      weak,   line, "ncclsystemerror",                        ""},
    {"nccl",      weak,   line, "ncclinternalerror",                      ""},
    {"nccl",      weak,   line, "ncclremoteerror",                        ""},
    {"nccl",      weak,   line, "ncclunhandledcudaerror",                 ""},
    {"nccl",      weak,   line, "nccl error in",                          ""},
    {"nccl",      weak,   line, "nccl error:",                            ""},
    {"nccl",      weak,   says, "nccl error",                             ""},
    {"nccl",      weak,   line, "nccl communicator was aborted",          ""},
    {"nccl",      weak,   line, "watchdog caught collective",             ""},
    {"nccl",      weak,   line, "processgroupnccl",                       "thread terminated"},
    {"nccl",      weak,   line, "heartbeat monitor timed out",            ""},
    {"nccl",      weak,   line, "due to collective timeout",              ""},
    {"nccl",      weak,   line, "watchdog hang",                          ""},
    {"nan",       strong, line, "loss is nan",                            ""},
    {"nan",       strong, line, "nan detected",                           ""},
    {"nan",       strong, says, "nan loss",                               ""},
    {"nan",       strong, says, "non-finite loss",                        ""},
    {"nan",       strong, says, "loss is not finite",                     ""},
    {"nan",       strong, says, "returned nan values",                    ""},
    {"nan",       strong, line, "loss is inf",                            "stopping"},
    {"nan",       strong, line, "loss diverged",                          ""},
    {"nan",       strong, says, "is nan or inf",                          ""},
    {"nan",       strong, says, "nan and/or inf",                         ""},
    {"nan",       strong, says, "loss scale already at minimum",          ""},
    {"auth",      strong, says, "401 client error",                       ""},
    {"auth",      strong, says, "403 client error",                       ""},
    {"auth",      strong, says, "http error 401",                         ""},
    {"auth",      strong, says, "http error 403",                         ""},
    {"auth",      strong, says, "gated repo",                             ""},
    {"auth",      strong, says, "invalid username or password",           ""},
    {"auth",      strong, says, "accessdenied",                           ""},
    {"auth",      strong, says, "expiredtoken",                           ""},
    {"auth",      strong, says, "api_key not configured",                 ""},
    {"auth",      strong, line, "wandb: error",                           "api_key"},
    {"auth",      strong, line, "wandb: error",                           "api key"},
    {"auth",      strong, line, "wandb: error",                           "not logged in"},
    {"auth",      strong, line, "wandb: error",                           "permission denied"},
    {"auth",      strong, line, "fatal: authentication failed",           ""},
    {"auth",      strong, line, "fatal: could not read username",         ""},
    {"auth",      strong, line, "permission denied (publickey",           ""},
    {"auth",      strong, says, "client error '401",                      ""},  // of httpx
    {"auth",      strong, says, "client error '403",                      ""},
    {"auth",      strong, says, "error 401: unauthorized",                ""},
    {"auth",      strong, says, "returned error 401",                     ""},
    {"auth",      strong, says, "returned error 403",                     ""},
    {"auth",      strong, says, "user is not logged in",                  ""},
    {"auth",      strong, says, "invalid credentials in auth",            ""},
    {"auth",      strong, says, "an error occurred (403)",                ""},
    {"auth",      strong, says, "invalidaccesskeyid",                     ""},
    {"auth",      strong, says, "signaturedoesnotmatch",                  ""},
    {"auth",      strong, says, "do not have permission to access",       ""},
    {"network",   weak,   says, "failure in name resolution",             ""},
    {"network",   weak,   says, "name or service not known",              ""},
    {"network",   weak,   says, "max retries exceeded with url",          ""},
    {"network",   weak,   says, "connection timed out",                   ""},
    {"network",   weak,   says, "connection refused",                     ""},
    {"network",   weak,   says, "connection reset by peer",               ""},
    {"network",   weak,   says, "connection closed by peer",              ""},
    {"network",   weak,   says, "network is unreachable",                 ""},
    {"network",   weak,   says, "address already in use",                 ""},
    {"network",   weak,   says, "client socket has timed out",            ""},
    {"network",   weak,   says, "read timed out",                         ""},
    {"network",   weak,   says, "couldn't connect to 'http",              ""},
    {"network",   weak,   says, "429 client error",                       ""},
    {"network",   weak,   says, "502 server error",                       ""},
    {"network",   weak,   says, "503 server error",                       ""},
    {"network",   weak,   says, "504 server error",                       ""},
    {"network",   weak,   line, "curl: (",                                "could not resolve host"},
    {"network",   weak,   line, "fatal: unable to access",                ""},
    {"network",   weak,   says, "client error '429",                      ""},
    {"network",   weak,   says, "server error '50",                       ""},
    {"network",   weak,   says, "500 server error",                       ""},
    {"network",   weak,   says, "run initialization has timed out",       ""},  // wandb
    {"network",   weak,   says, "no route to host",                       ""},
    {"network",   weak,   says, "pair closure",                           ""},  // gloo
    {"network",   weak,   line, "curl: (",                                "timed out"},
    {"network",   weak,   line, "curl: (",                                "failed to connect"},
    {"network",   weak,   line, "curl: (",                                "recv failure"},
    {"network",   weak,   line, "wget: unable to resolve host",           ""},
    {"network",   weak,   line, "error: rpc failed; curl",                ""},
    {"import",    strong, says, "cannot open shared object file",         ""},
    {"import",    strong, line, "bin/python",                             ": no module named "},
    {"import",    strong, says, "undefined symbol",                       ""},
    {"import",    strong, says, "failed to import",                       ""},
    {"import",    strong, line, "can't open file '",                      "[errno 2]"},  // python
    {"import",    strong, line, "version `glibc",                         "' not found"},
    {"import",    weak,   line, ": command not found",                    ""},
    {"data",      strong, says, "pytorchstreamreader failed",             ""},
    {"data",      strong, says, "corrupt",                                ""},
    {"data",      strong, says, "invalid load key",                       ""},
    {"data",      strong, says, "is not a valid model identifier",        ""},
    {"data",      strong, says, "does not appear to have a file named",   ""},
    {"data",      strong, says, "error(s) in loading state_dict",         ""},
    {"data",      strong, says, "image file is truncated",                ""},
    {"data",      strong, says, "file signature not found",               ""},  // h5py
    {"assertion", strong, line, "assertion `",                            "' failed"},
    {"timeout",   strong, line, "slurmstepd: error:",                     "due to time limit"},
    {"killed",    strong, line, "slurmstepd: error:",                     "due to preemption"},
    {"killed",    weak,   line, "fatal python error: segmentation fault", ""},
    {"killed",    weak,   line, "fatal python error: bus error",          ""},
    {"killed",    weak,   line, "signal: segmentation fault (",           ""},  // Open MPI
    {"killed",    weak,   line, "segmentation fault (core dumped)",       ""},
    {"killed",    weak,   says, "terminated with signal sig",             ""},
};

/// Exceptions whose type alone tells; their message decides first.
inline constexpr TypeCause types[] = {
    {"oom_gpu",   strong, "OutOfMemoryError ResourceExhaustedError"},
    {"oom_host",  strong, "MemoryError _ArrayMemoryError ArrowMemoryError"},
    {"cuda",      strong, "NVMLError_GpuIsLost"},
    {"nccl",      weak,   "DistBackendError"},
    {"nan",       strong, "FloatingPointError"},
    {"auth",      strong, "GatedRepoError AuthenticationError NoCredentialsError "
                         "LocalTokenNotFoundError DefaultCredentialsError "
                         "ClientAuthenticationError"},
    {"network",   weak,   "ConnectionError ConnectionResetError ConnectionRefusedError "
                         "ConnectTimeout ReadTimeout TimeoutError URLError SSLError "
                         "ChunkedEncodingError IncompleteRead RemoteDisconnected "
                         "gaierror DistNetworkError RendezvousConnectionError "
                         "RendezvousTimeoutError ConnectionAbortedError ConnectError "
                         "ConnectTimeoutError ReadTimeoutError MaxRetryError "
                         "NewConnectionError NameResolutionError ProtocolError "
                         "RemoteProtocolError SSLEOFError EndpointConnectionError "
                         "ResponseStreamingError ClientConnectorError "
                         "ServerDisconnectedError ClientPayloadError "
                         "LocalEntryNotFoundError RateLimitError DistStoreError"},
    {"import",    strong, "ModuleNotFoundError ImportError PackageNotFoundError "
                         "DistributionNotFound"},
    {"data",      strong, "FileNotFoundError JSONDecodeError UnpicklingError BadZipFile "
                         "BadGzipFile SafetensorError ArrowInvalid DatasetNotFoundError "
                         "NotADirectoryError IsADirectoryError PermissionError "
                         "UnicodeDecodeError UnidentifiedImageError EmptyDataError "
                         "ParserError DatasetGenerationError DataFilesNotFoundError "
                         "EmptyDatasetError RepositoryNotFoundError EntryNotFoundError "
                         "RevisionNotFoundError DataLossError"},
    {"data",      weak,   "EOFError"},
    {"assertion", strong, "AssertionError"},
    {"killed",    weak,   "BrokenProcessPool"},
};

/// Exceptions that only report that another process failed.
inline constexpr std::string_view wrappers[] = {
    "ChildFailedError",       "CalledProcessError", "SignalException",
    "ProcessRaisedException", "SystemExit",         "ProcessExitedException",
    "KeyboardInterrupt",
};
// clang-format on

}  // namespace workflow::sweep::failure_table
