#include "tasks/jobs/bootstrap_steps.h"

#include <fcntl.h>
#include <fnmatch.h>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/sha256.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

/// What the workspace remembers of its bootstraps, one line of JSON each; of several lines of one
/// name the last counts.
class Stamps {
 public:
  Stamps(Files& files, const Clock& clock, const fs::path& workspace)
      : files_(files), clock_(clock), file_(workspace / ".workflow" / "bootstrap.jsonl") {}

  [[nodiscard]] bool has(const std::string& name, const std::string& key) const {
    Json last;
    for (const auto& line : split(files_.read(file_).value_or(""), '\n')) {
      if (!json_fault(line).empty()) continue;  // cut short by a crash: as if it were not there
      Json stamp = parse_json(line, file_.string());
      if (text_at(stamp, "name") == name) last = std::move(stamp);
    }
    return text_at(last, "key") == key && flag_at(last, "ok");
  }

  /// Also before a step runs, with `ok` false: what is killed in the middle has not ended well.
  void add(const std::string& name, const std::string& key, bool ok) {
    files_.make_dirs(file_.parent_path());
    const Json stamp = {
        {"name", name}, {"key", key}, {"ok", ok}, {"at", utc_text(clock_.now_ms())}};
    files_.append(file_, dump_json(stamp) + "\n");
  }

 private:
  Files& files_;
  const Clock& clock_;
  fs::path file_;
};

std::string key_of(const JobPlan& plan, const BootstrapStep& step, const std::string& inputs) {
  const Json parts = {base64(step.run), base64(plan.working_dir), inputs};
  return sha256_hex(dump_json(parts));
}

ExitStatus run_step(Files& files, const JobPlan& plan, const BootstrapStep& step,
                    const fs::path& log_file) {
  fs::path script = log_file;
  script.replace_extension(".sh");
  files.write(script, step.run + "\n", {.durable = false});
  const UniqueFd log(::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.valid()) throw_errno("cannot open '" + log_file.string() + "'");
  SpawnSpec spec;
  spec.argv = {"bash", script.string()};
  spec.workdir = plan.place();
  spec.out = log.get();
  spec.err = log.get();
  const Spawned child = spawn(spec);
  if (child.failure) throw Error(Code::precondition, child.failure->words());
  return ExitStatus::from_wait(wait_for_child(child.pid));
}

std::string last_lines(const fs::path& log) {
  constexpr std::size_t most = 5;
  auto lines = split(trim(read_tail(log, 4000).bytes), '\n');
  if (lines.size() > most) {
    lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(most));
  }
  return join(lines, "\n");
}

StepFailed failure_of(const BootstrapStep& step, const ExitStatus& status, const fs::path& log) {
  const std::string how = status.signal ? "signal " + signal_name(*status.signal)
                                        : "exit " + std::to_string(status.code.value_or(0));
  const std::string said = last_lines(log);
  return {"bootstrap '" + step.name + "' failed: " + how + (said.empty() ? "" : "\n" + said),
          "all it said: " + log.string(), status.code.value_or(128 + status.signal.value_or(0))};
}

}  // namespace

std::optional<std::string> step_inputs(const JobPlan& plan, const TreeList& shipped) {
  if (plan.tree.empty()) return std::nullopt;
  if (plan.inputs_glob.empty()) return plan.tree;
  TreeList matching;
  for (const auto& file : shipped) {
    if (::fnmatch(plan.inputs_glob.c_str(), file.path.c_str(), 0) == 0) matching.push_back(file);
  }
  if (matching.empty()) {
    throw Error(Code::usage,
                "--bootstrap-inputs '" + plan.inputs_glob + "' matches no file that was shipped",
                "it is matched against whole paths such as 'sub/uv.lock'; '*' matches '/' too");
  }
  return sha256_hex(tree_text(matching));
}

void run_bootstrap(Files& files, const Clock& clock, const JobPlan& plan,
                   const std::optional<std::string>& inputs, JobRecord& record) {
  Stamps stamps(files, clock, plan.workspace);
  bool skipping = inputs.has_value();
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const BootstrapStep& step = plan.steps[i];
    const std::string key = key_of(plan, step, inputs.value_or(""));
    skipping = skipping && stamps.has(step.name, key);
    if (skipping) {
      record.step_skipped(i);
      continue;
    }
    stamps.add(step.name, key, false);
    record.step_began(i);
    const ExitStatus status = run_step(files, plan, step, record.log(i));
    record.step_ended(i, status);
    if (!status.ok()) throw failure_of(step, status, record.log(i));
    stamps.add(step.name, key, inputs.has_value());
  }
}

}  // namespace workflow::tasks
