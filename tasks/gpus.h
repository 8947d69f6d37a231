#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

// The GPUs of this machine, as nvidia-smi and CUDA_VISIBLE_DEVICES tell them. Every question to
// nvidia-smi has a deadline; no answer is told as unknown, which is not "no GPU".
namespace workflow::tasks {

/// A GPU, or a part of one (MIG), as CUDA_VISIBLE_DEVICES can name it.
struct Gpu {
  std::string id;  ///< UUID; the index or name as given where no UUID can be had
  int index = -1;  ///< nvidia-smi's; of a part, its GPU's; -1 where it is not known
  std::string name{};
  std::int64_t memory_mib = 0;  ///< 0 where it is not known
  std::string parent{};         ///< of a part, its GPU's UUID
};

/// What is there. With `unknown` set nothing is proven: the GPUs are those that
/// CUDA_VISIBLE_DEVICES names, unchecked.
struct GpuInventory {
  std::vector<Gpu> gpus{};
  std::vector<std::string> left_out{};  ///< GPUs that cannot be used, each with the reason
  std::string unknown{};                ///< why nvidia-smi could not be asked; empty when it could
};

/// The GPUs that may be used: those of nvidia-smi that CUDA_VISIBLE_DEVICES lets through, and what
/// it names on a machine without nvidia-smi. A GPU that is divided stands for its parts.
[[nodiscard]] GpuInventory gpu_inventory();

/// The same where only certainty will do: Error(precondition) when nvidia-smi could not be asked.
[[nodiscard]] std::vector<Gpu> visible_gpus();

/// A process that computes on a GPU, as nvidia-smi shows it: in a container its pid may be
/// another namespace's, and it may not be shown at all.
struct GpuProcess {
  pid_t pid = 0;
  std::string gpu;  ///< UUID, of the whole GPU where it is divided
  std::int64_t used_mib = 0;
  std::string name{};
};

/// The processes on all GPUs; none where nvidia-smi does not answer.
[[nodiscard]] std::vector<GpuProcess> gpu_processes();

/// How busy each GPU was within the last second, in percent by UUID; empty when it cannot be asked.
[[nodiscard]] std::map<std::string, int> gpu_activity();

/// A GPU that somebody uses, and what shows it.
struct GpuInUse {
  std::string gpu;
  std::string evidence;  ///< `pid 4711 'python3' has 20100 MiB`
};

/// What the GPUs are used for now; `unknown` as above, and then nothing is in use for certain.
struct GpuUse {
  std::vector<GpuProcess> processes{};
  std::map<std::string, std::int64_t> used_mib{};
  std::string unknown{};
};
[[nodiscard]] GpuUse gpu_use();

/// Who is the caller's: GPUs that its own runs hold, and which processes are theirs.
struct OwnUse {
  std::set<std::string> held{};
  std::function<bool(pid_t)> process{};
};

/// The GPUs that others use. Evidence is a process that is not the caller's, or, on a GPU that the
/// caller does not hold, memory in use without any process to be seen (a container hides them). On
/// a GPU that it holds, only a process counts that this pid namespace knows. Of a divided GPU's
/// parts nothing can be said.
[[nodiscard]] std::vector<GpuInUse> used_by_others(const std::vector<Gpu>& gpus, const GpuUse& use,
                                                   const OwnUse& own);

}  // namespace workflow::tasks
