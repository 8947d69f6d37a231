// What torch tells: that it can be imported, computes, and that its ranks find each other.
#include <unistd.h>

#include <algorithm>

#include "common/fd_io.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "sweep/rehearsal/script.h"
#include "sweep/rehearsal/torch_run.h"
#include "tasks/gpus.h"

namespace workflow::sweep {
namespace {

constexpr std::string_view mark = "workflow-rehearsal ";
constexpr double slow_factor = 1.5;
constexpr std::int64_t ranks_without_gpu = 2;

std::string last_line(const Captured& said) {
  const std::string text(trim(said.err.empty() ? said.out : said.err));
  return text.substr(text.rfind('\n') + 1).substr(0, 300);
}

std::string python_fault(const Captured& said) {
  if (!said.started) return said.err;
  if (said.timed_out) return "they did not answer in time";
  const std::string line = last_line(said);
  return line.empty() ? "the python ended without a word" : line;
}

/// Runs the python of the runs; what it said when it failed goes to the task's log.
Captured run_python(const TrialSite& at, std::vector<std::string> words) {
  words.insert(words.begin(), tasks::python_of(at.site));
  CaptureSpec spec;
  spec.argv = std::move(words);
  spec.workdir = at.dir;
  spec.limit_ms = at.wish.trial_secs * 1000;
  Captured said = capture(spec);
  if (!said.ok()) (void)write_all(STDERR_FILENO, said.out + said.err);
  return said;
}

/// What the script tells of torch (`look`, or `count`); null where it said nothing, and its end is
/// in `said`.
Json ask_torch(const TrialSite& at, const std::string& mode, Captured& said) {
  said = run_python(at, {write_script(at).string(), mode});
  const auto begin = said.out.rfind(mark);
  if (begin == std::string::npos) return nullptr;
  const std::string line = said.out.substr(begin + mark.size());
  return parse_json(line.substr(0, line.find('\n')), "what python said of torch");
}

/// Torch is missing: a fault where it is required.
Trial without_torch(const TrialSite& at, const std::string& why) {
  if (at.site.flag("REQUIRE_GPU_TORCH")) {
    return {Outcome::fail, why,
            "use an image with torch, or set REMOTE_PYTHON_BIN to the python that has it"};
  }
  return {Outcome::skipped, "no torch: " + why};
}

Trial no_answer() {
  return {Outcome::fail, "the python did not answer in time", "a GPU or a disk that hangs?"};
}

double number_of(const Json& json, std::string_view key) {
  const Json& value = member(json, key);
  return value.is_number() ? value.get<double>() : 0;
}

std::string milliseconds(double ms) {
  const auto tenths = static_cast<std::int64_t>(ms * 10 + 0.5);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " ms";
}

void judge_devices(Verdict& verdict, const Json& devices) {
  std::vector<double> times;
  for (const auto& device : devices) {
    if (number_of(device, "ms") > 0) times.push_back(number_of(device, "ms"));
  }
  std::ranges::sort(times);
  const double usual = times.empty() ? 0 : times[times.size() / 2];
  if (usual > 0) {
    const std::string size = std::to_string(number_at(devices.front(), "size"));
    verdict.say("a product of " + size + " × " + size + " takes " + milliseconds(usual));
  }
  for (const auto& device : devices) {
    const std::string name = text_at(device, "device");
    const std::string fault = text_at(device, "fault");
    if (!fault.empty()) {
      verdict.worse(Outcome::fail, name + ": " + fault, "such a GPU trains nothing");
    } else if (!flag_at(device, "right")) {
      verdict.worse(Outcome::fail, name + " computes wrong", "take another pod");
    } else if (number_of(device, "ms") > slow_factor * usual) {
      verdict.worse(Outcome::warn, name + " takes " + milliseconds(number_of(device, "ms")),
                    "the slowest sets the pace of all");
    }
  }
}

}  // namespace

fs::path write_script(const TrialSite& at) {
  const fs::path file = at.dir / "rehearse.py";
  at.site.files().write(file, rehearsal_script);
  return file;
}

Trial torch_trial(const TrialSite& at) {
  Captured said;
  const Json torch = ask_torch(at, "look", said);
  if (said.timed_out) return no_answer();
  if (torch.is_null()) return without_torch(at, python_fault(said));
  if (const auto missing = text_at(torch, "missing"); !missing.empty()) {
    return without_torch(at, missing);
  }
  Verdict verdict;
  const std::string cuda = text_at(torch, "cuda");
  verdict.say("torch " + text_at(torch, "version") + (cuda.empty() ? "" : ", CUDA " + cuda));
  const auto sees = number_at(torch, "gpus");
  const auto there = static_cast<std::int64_t>(tasks::gpu_inventory().gpus.size());
  if (sees != there) {
    const bool required = at.site.flag("REQUIRE_GPU_TORCH");
    verdict.worse(required ? Outcome::fail : Outcome::warn,
                  "sees " + std::to_string(sees) + " of " + counted(there, "GPU"),
                  "driver and torch's CUDA must fit");
  } else {
    verdict.say(sees == 0 ? "no GPU" : "sees " + counted(sees, "GPU"));
  }
  judge_devices(verdict, member(torch, "devices"));
  return verdict.trial();
}

Trial all_reduce_trial(const TrialSite& at) {
  Captured said;
  const Json torch = ask_torch(at, "count", said);
  if (said.timed_out) return no_answer();
  const std::string missing = torch.is_null() ? python_fault(said) : text_at(torch, "missing");
  if (!missing.empty()) return {Outcome::skipped, "no torch: " + missing};
  const std::int64_t gpus = number_at(torch, "gpus");
  const fs::path answer = at.dir / "all-reduce.json";
  said = run_python(at, {"-m", "torch.distributed.run", "--rdzv_backend=c10d",
                         "--rdzv_endpoint=localhost:0", "--rdzv_id=" + at.dir.filename().string(),
                         "--nproc_per_node=" + std::to_string(gpus > 0 ? gpus : ranks_without_gpu),
                         write_script(at).string(), "all-reduce", answer.string()});
  const auto bytes = at.site.files().read(answer);
  if (!said.ok() || !bytes) {
    return {Outcome::fail, "the ranks did not come together: " + python_fault(said),
            "its log has all they said; NCCL_DEBUG=INFO in the environment says more"};
  }
  const Json told = parse_json(*bytes, answer.string());
  fs::remove(answer);
  Verdict verdict;
  verdict.say(counted(number_at(told, "ranks"), "rank") + " by " + text_at(told, "backend"));
  verdict.say("16 MiB in " + milliseconds(number_of(told, "ms")));
  if (!flag_at(told, "right")) {
    verdict.worse(Outcome::fail, "with a wrong sum", "take another pod");
  }
  return verdict.trial();
}

}  // namespace workflow::sweep
