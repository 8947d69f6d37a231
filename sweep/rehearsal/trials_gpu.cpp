// What nvidia-smi and the kernel's log tell of the GPUs.
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "common/error.h"
#include "common/spawn.h"
#include "common/text.h"
#include "sweep/kernel_evidence.h"
#include "sweep/rehearsal/torch_run.h"
#include "sweep/rehearsal/trial.h"
#include "tasks/gpus.h"
#include "tasks/nvidia_smi.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t load_ready_ms = 40'000;
constexpr int look_every_ms = 100;
constexpr int hot_celsius = 85;

/// What is behind the bits of clocks_throttle_reasons.active that no healthy GPU shows.
struct Reason {
  std::uint64_t bit;
  const char* words;
  Outcome outcome;
};
constexpr Reason reasons[] = {{0x08, "hardware slowdown", Outcome::fail},
                              {0x20, "slowed down by heat (software)", Outcome::warn},
                              {0x40, "slowed down by heat (hardware)", Outcome::fail},
                              {0x80, "power brake", Outcome::fail}};

/// The rows of an answer, its fields trimmed; empty, and `why` set, where there is no answer.
std::vector<std::vector<std::string>> query(const std::string& fields, std::string& why) {
  const auto answer =
      tasks::nvidia_smi::ask({"--query-gpu=" + fields, "--format=csv,noheader,nounits"});
  if (answer.absent) why = "there is no GPU that nvidia-smi lists";
  if (!answer.unknown.empty()) why = answer.unknown;
  std::vector<std::vector<std::string>> rows;
  const std::size_t count = split(fields, ',').size();
  for (const auto& line : split(answer.text, '\n')) {
    std::vector<std::string> row;
    for (const auto& field : split(line, ',')) row.emplace_back(trim(field));
    if (row.size() == count) rows.push_back(std::move(row));
  }
  return rows;
}

/// A field's number; nothing for `[N/A]` and its like. Watts have a fraction, which nobody needs.
std::optional<std::int64_t> number(const std::string& field) {
  return parse_integer(field.substr(0, field.find('.')));
}

Trial without_gpus(const TrialSite& at, const std::string& why) {
  if (at.wish.gpus.value_or(0) > 0 || at.site.flag("REQUIRE_GPU_TORCH")) {
    return {Outcome::fail, why, "is this the right pod? REQUIRE_GPU_TORCH=0 goes without GPUs"};
  }
  return {Outcome::skipped, why};
}

/// GPUs at work while they are looked at; without torch, or without time, they idle.
class Load {
 public:
  explicit Load(const TrialSite& at) : ready_(at.dir / "load-ready") {
    SpawnSpec spec;
    spec.argv = {tasks::python_of(at.site), write_script(at).string(), "load", ready_.string()};
    spec.workdir = at.dir;
    spec.new_session = true;
    spec.ends_with_us = true;
    const Spawned child = spawn(spec);
    if (child.failure) return;
    pid_ = child.pid;
    const std::int64_t until = system_clock().steady_ms() + load_ready_ms;
    while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
      works_ = may_be_there(ready_);
      if (works_ || system_clock().steady_ms() > until) return;
      ::poll(nullptr, 0, look_every_ms);
    }
    pid_ = -1;
  }
  ~Load() {
    if (pid_ > 0) {
      ::kill(-pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    std::error_code ignored;
    fs::remove(ready_, ignored);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  [[nodiscard]] bool works() const { return works_; }

 private:
  fs::path ready_;
  pid_t pid_ = -1;
  bool works_ = false;
};

void judge_throttling(Verdict& verdict, const std::string& gpu, const std::string& field) {
  const std::uint64_t bits = std::strtoull(field.c_str(), nullptr, 16);
  for (const Reason& reason : reasons) {
    if ((bits & reason.bit) == 0) continue;
    verdict.worse(reason.outcome, gpu + ": " + reason.words,
                  "a cooling or power fault of the host: take another pod");
  }
}

}  // namespace

Trial gpus_trial(const TrialSite& at) {
  const tasks::GpuInventory machine = tasks::gpu_inventory();
  const std::string reset = "take another pod: such a GPU needs a reset, or its host a reboot";
  if (!machine.unknown.empty()) return {Outcome::fail, machine.unknown, reset};
  if (machine.gpus.empty() && machine.left_out.empty()) {
    return without_gpus(at, "there is no GPU that nvidia-smi lists");
  }
  Verdict verdict;
  const auto there = static_cast<std::int64_t>(machine.gpus.size());
  if (there > 0) verdict.say(std::to_string(there) + " × " + machine.gpus.front().name);
  if (there > 0 && machine.gpus.front().memory_mib > 0) {
    verdict.say(std::to_string(machine.gpus.front().memory_mib) + " MiB each");
  }
  for (const auto& fault : machine.left_out) verdict.worse(Outcome::fail, fault, reset);
  if (at.wish.gpus && *at.wish.gpus != there) {
    verdict.worse(Outcome::fail, std::to_string(*at.wish.gpus) + " were ordered",
                  "give the pod back and rent another, or set LIUM_COUNT");
  }
  for (const auto& gpu : machine.gpus) {
    if (gpu.name == machine.gpus.front().name) continue;
    verdict.worse(Outcome::warn, "GPU " + std::to_string(gpu.index) + " is a " + gpu.name,
                  "the slowest sets the pace of all");
  }
  return verdict.trial();
}

Trial ecc_trial(const TrialSite&) {
  std::string why;
  const auto rows = query(
      "index,ecc.errors.uncorrected.volatile.total,ecc.errors.uncorrected.aggregate.total", why);
  Verdict verdict;
  std::size_t told = 0;
  for (const auto& row : rows) {
    const auto now = number(row[1]);
    if (!now) continue;
    ++told;
    if (*now > 0) {
      verdict.worse(Outcome::fail,
                    "GPU " + row[0] + ": " + counted(*now, "error") + " since its driver came up",
                    "its memory loses bits: take another pod");
    } else if (number(row[2]).value_or(0) > 0) {
      verdict.worse(Outcome::warn, "GPU " + row[0] + ": " + row[2] + " in its life",
                    "keep an eye on it");
    }
  }
  if (told == 0) {
    return {Outcome::skipped, why.empty() ? "no GPU here tells of its memory's errors" : why};
  }
  verdict.say("uncorrected memory errors asked of " + counted(told, "GPU"));
  return verdict.trial();
}

Trial clocks_trial(const TrialSite& at) {
  std::string why;
  const std::string fields =
      "index,power.limit,power.default_limit,temperature.gpu,clocks.sm,clocks.max.sm,"
      "clocks_throttle_reasons.active";
  if (query("index,power.limit", why).empty()) {
    return {Outcome::skipped, why.empty() ? "no GPU here tells of its clocks" : why};
  }
  const Load load(at);
  const auto rows = query(fields, why);
  if (rows.empty()) return {Outcome::skipped, why.empty() ? "nvidia-smi does not say" : why};
  Verdict verdict;
  verdict.say(load.works() ? "under load" : "idle");
  for (const auto& row : rows) {
    const std::string gpu = "GPU " + row[0];
    verdict.say(gpu + " " + row[4] + " of " + row[5] + " MHz, " + row[3] + " °C, cap " + row[1] +
                " W");
    const auto cap = number(row[1]);
    const auto usual = number(row[2]);
    if (cap && usual && *cap < *usual) {
      verdict.worse(Outcome::warn, gpu + " is made for " + row[2] + " W",
                    "the host caps its power: it will be slower than others of its kind");
    }
    if (number(row[3]).value_or(0) >= hot_celsius) {
      verdict.worse(Outcome::warn, gpu + " is hot", "it will slow down in a long training");
    }
    judge_throttling(verdict, gpu, row[6]);
  }
  return verdict.trial();
}

Trial kernel_trial(const TrialSite& at) {
  if (::access("/dev/kmsg", R_OK) != 0) {
    return {Outcome::skipped, "the kernel's log is not for us to read"};
  }
  // Since its boot: whatever GPU faults there were, they were on this host.
  const Json begin = {{"since_boot_us", 0}, {"log_sequence", -1}};
  Verdict verdict;
  for (const auto& word : evidence_after(begin, at.site.clock())) {
    if (word.kind != KernelWord::Kind::xid) continue;
    verdict.worse(Outcome::warn, word.text, "a GPU fault of this host, perhaps before your time");
  }
  if (verdict.trial().text.empty()) verdict.say("no Xid in the kernel's log");
  return verdict.trial();
}

}  // namespace workflow::sweep
