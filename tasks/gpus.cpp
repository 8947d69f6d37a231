#include "tasks/gpus.h"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "common/error.h"
#include "common/text.h"
#include "tasks/nvidia_smi.h"
#include "tasks/process.h"

namespace workflow::tasks {
namespace {

/// A CUDA context alone takes more than this on the GPUs that people train on; a driver that
/// idles, less.
constexpr std::int64_t idle_mib = 300;

GpuInventory ask_inventory() {
  const nvidia_smi::Answer listing = nvidia_smi::ask({"-L"});
  if (listing.absent) return {};
  if (!listing.unknown.empty()) return {.unknown = listing.unknown};
  GpuInventory found = nvidia_smi::read_listing(listing.text);
  if (found.gpus.empty()) {
    const std::string why = found.left_out.empty() ? listing.text : found.left_out.front();
    found.unknown = "nvidia-smi lists no GPU that can be used: " + std::string(trim(why));
    return found;
  }
  const nvidia_smi::Answer memory = nvidia_smi::ask(nvidia_smi::memory_question);
  if (!memory.unknown.empty()) return {.unknown = memory.unknown};
  nvidia_smi::read_memory(memory.text, found);
  return found;
}

bool named(const Gpu& gpu, const std::string& word) {
  if (const auto index = parse_integer(word)) return gpu.index == *index;
  return gpu.id.rfind(word, 0) == 0 || gpu.parent.rfind(word, 0) == 0;
}

bool can_name_a_gpu(const std::string& word) {
  return parse_integer(word).value_or(-1) >= 0 || word.rfind("GPU-", 0) == 0 ||
         word.rfind("MIG-", 0) == 0;
}

/// The words of CUDA_VISIBLE_DEVICES. To CUDA the list ends at the first that can name no GPU: -1
/// alone hides all.
std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  for (const auto& part : split(list, ',')) {
    const std::string word(trim(part));
    if (word.empty()) continue;
    if (!can_name_a_gpu(word)) break;
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
}

/// Where nothing is known of any GPU, the words are taken as they are.
std::vector<Gpu> as_given(const std::vector<std::string>& words) {
  std::vector<Gpu> out;
  for (const auto& word : words) {
    out.push_back({word, static_cast<int>(parse_integer(word).value_or(-1))});
  }
  return out;
}

std::vector<Gpu> let_through(const std::vector<std::string>& words, GpuInventory& found) {
  std::vector<Gpu> out;
  for (const auto& word : words) {
    bool known = false;
    for (const Gpu& gpu : found.gpus) {
      if (!named(gpu, word)) continue;
      known = true;
      const auto same = [&gpu](const Gpu& other) { return other.id == gpu.id; };
      if (std::none_of(out.begin(), out.end(), same)) out.push_back(gpu);
    }
    if (!known) {
      found.left_out.push_back("CUDA_VISIBLE_DEVICES names '" + word +
                               "', which nvidia-smi does not list as usable");
    }
  }
  return out;
}

std::string words_for(const GpuProcess& process) {
  const std::string memory =
      process.used_mib > 0 ? " has " + std::to_string(process.used_mib) + " MiB" : " is on it";
  return "pid " + std::to_string(process.pid) + " '" + process.name + "'" + memory;
}

/// A server between programs and GPU: with it every program shows beside it.
bool is_go_between(const GpuProcess& process) {
  return process.name.ends_with("nvidia-cuda-mps-server");
}

}  // namespace

GpuInventory gpu_inventory() {
  const char* list = std::getenv("CUDA_VISIBLE_DEVICES");
  if (list == nullptr) return ask_inventory();
  const auto words = words_of(list);
  if (words.empty()) return {};  // all are hidden, whatever there is
  GpuInventory found = ask_inventory();
  found.gpus = found.gpus.empty() ? as_given(words) : let_through(words, found);
  return found;
}

std::vector<Gpu> visible_gpus() {
  GpuInventory found = gpu_inventory();
  if (found.unknown.empty()) return std::move(found.gpus);
  throw Error(Code::precondition, "which GPUs there are is not known: " + found.unknown,
              "does `nvidia-smi -L` answer there? a GPU that hangs it needs a reset or a reboot");
}

std::vector<GpuProcess> gpu_processes() { return gpu_use().processes; }

std::map<std::string, int> gpu_activity() {
  std::map<std::string, int> busy;
  for (const auto& [id, percent] :
       nvidia_smi::read_numbers(nvidia_smi::ask(nvidia_smi::activity_question).text)) {
    busy[id] = static_cast<int>(percent);
  }
  return busy;
}

GpuUse gpu_use() {
  const nvidia_smi::Answer processes = nvidia_smi::ask(nvidia_smi::process_question);
  if (processes.absent) return {};
  if (!processes.unknown.empty()) return {.unknown = processes.unknown};
  const nvidia_smi::Answer used = nvidia_smi::ask(nvidia_smi::used_question);
  return {nvidia_smi::read_processes(processes.text), nvidia_smi::read_numbers(used.text),
          used.unknown};
}

std::vector<GpuInUse> used_by_others(const std::vector<Gpu>& gpus, const GpuUse& use,
                                     const OwnUse& own) {
  std::vector<GpuInUse> found;
  for (const Gpu& gpu : gpus) {
    const bool held = own.held.contains(gpu.id);
    bool seen = false;
    std::optional<std::string> evidence;
    for (const auto& process : use.processes) {
      if (process.gpu != gpu.id || is_go_between(process)) continue;
      seen = true;
      const bool ours = own.process && own.process(process.pid);
      if (ours || (held && !start_time(process.pid))) continue;
      evidence = words_for(process);
    }
    const auto used = use.used_mib.find(gpu.id);
    if (!seen && !held && used != use.used_mib.end() && used->second > idle_mib) {
      evidence = std::to_string(used->second) + " MiB are in use by a process that is not shown";
    }
    if (evidence) found.push_back({gpu.id, *evidence});
  }
  return found;
}

}  // namespace workflow::tasks
