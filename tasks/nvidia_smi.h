#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tasks/gpus.h"

// nvidia-smi: its questions and the forms of its answers. Reading them is pure.
namespace workflow::tasks::nvidia_smi {

/// What it said. `absent`: there is no nvidia-smi, or no driver for it to ask: no GPU can be used.
struct Answer {
  std::string text{};
  bool absent = false;
  std::string unknown{};  ///< why there is no answer
};

/// Asks, and waits ten seconds at the most: a driver that hangs must not hold its asker.
[[nodiscard]] Answer ask(const std::vector<std::string>& words, std::int64_t limit_ms = 10'000);

/// `-L`: GPUs with UUIDs and, below each, its parts; lines of GPUs that are lost go to `left_out`.
[[nodiscard]] GpuInventory read_listing(const std::string& text);

inline const std::vector<std::string> memory_question = {"--query-gpu=index,uuid,name,memory.total",
                                                         "--format=csv,noheader,nounits"};
/// Adds memory to the GPUs, and moves those of which it says an error to `left_out`.
void read_memory(const std::string& text, GpuInventory& inventory);

inline const std::vector<std::string> process_question = {
    "--query-compute-apps=gpu_uuid,pid,used_memory,process_name", "--format=csv,noheader,nounits"};
[[nodiscard]] std::vector<GpuProcess> read_processes(const std::string& text);

inline const std::vector<std::string> used_question = {"--query-gpu=uuid,memory.used",
                                                       "--format=csv,noheader,nounits"};
inline const std::vector<std::string> activity_question = {"--query-gpu=uuid,utilization.gpu",
                                                           "--format=csv,noheader,nounits"};
/// Lines of a UUID and a number; those without a number are passed over.
[[nodiscard]] std::map<std::string, std::int64_t> read_numbers(const std::string& text);

/// The newest CUDA that the driver can run, `12.4`, from what it says without being asked anything;
/// empty when that is not in it.
[[nodiscard]] std::string cuda_version(const std::string& text);

}  // namespace workflow::tasks::nvidia_smi
