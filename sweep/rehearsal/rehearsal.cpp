#include "sweep/rehearsal/rehearsal.h"

#include <unistd.h>

#include <algorithm>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/json_lines.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "sweep/rehearsal/resume_test.h"
#include "tasks/launch.h"
#include "tasks/store.h"

namespace workflow::sweep {
namespace {

/// A trial is itself given so much less than whoever waits for it.
constexpr std::int64_t beyond_trial_ms = 5'000;

struct TrialRow {
  const char* name;
  Trial (*run)(const TrialSite&);
};

constexpr TrialRow trials[] = {
    {"gpus", gpus_trial},      {"ecc", ecc_trial},     {"clocks", clocks_trial},
    {"kernel", kernel_trial},  {"host", host_trial},   {"shm", shm_trial},
    {"disk", disk_trial},      {"torch", torch_trial}, {"all-reduce", all_reduce_trial},
    {"network", network_trial}};
constexpr const char* resume_name = "resume";

/// The trial in a process of its own; what it says on stderr goes to our log.
Json run_beside(const TrialSite& at, const std::string& trial) {
  CaptureSpec spec;
  spec.argv = {tasks::agent_path(), "trial", at.dir.string(), trial};
  spec.workdir = at.dir;
  spec.limit_ms = at.wish.trial_secs * 1000 + beyond_trial_ms;
  const Captured said = capture(spec);
  (void)write_all(STDOUT_FILENO, said.err);
  if (said.ok() && json_fault(said.out).empty()) return parse_json(said.out, "a trial's finding");
  const std::string why = said.timed_out ? "no answer within " + human_duration(at.wish.trial_secs)
                                         : "it ended without a word";
  return trial_json(
      {Outcome::fail, why, "its log: workflow task-logs " + at.dir.filename().string()});
}

/// What a trial cannot go on with is its finding.
Json found_by(Trial (*run)(const TrialSite&), const TrialSite& at) {
  try {
    return trial_json(run(at));
  } catch (const Error& fault) {
    return trial_json({Outcome::fail, fault.what(), fault.hint()});
  }
}

std::string log_line(const Json& trial) {
  const std::string hint = text_at(trial, "hint");
  return std::to_string(number_at(trial, "number")) + ". " + text_at(trial, "name") + ": " +
         text_at(trial, "outcome") + ", " + text_at(trial, "text") +
         (hint.empty() ? "" : "\n   " + hint) + "\n";
}

/// The names of what is to be tried.
std::vector<std::string> chosen(const RehearsalWish& wish) {
  std::vector<std::string> names = trial_names();
  if (!wish.resume) names.pop_back();
  std::erase_if(names, [&wish](const std::string& name) {
    return !wish.only.empty() && std::ranges::find(wish.only, name) == wish.only.end();
  });
  return names;
}

TrialSite trial_site(const tasks::Site& site, const fs::path& dir, const tasks::TaskSpec& spec) {
  return {site, dir, rehearsal_wish_from(member(spec.owner, "wish"))};
}

}  // namespace

std::vector<std::string> trial_names() {
  std::vector<std::string> names;
  for (const auto& row : trials) names.emplace_back(row.name);
  names.emplace_back(resume_name);
  return names;
}

fs::path trials_file(const fs::path& dir) { return dir / "trials.jsonl"; }

tasks::TaskSpec rehearsal_spec(const tasks::Site& site, const RehearsalWish& wish) {
  tasks::TaskSpec spec;
  spec.task_id = "rehearse-" + utc_stamp(site.clock().now_ms()) + "-" + random_hex(2);
  const fs::path dir = site.tasks().dir(spec.task_id);
  spec.argv = {tasks::agent_path(), "rehearse", dir.string()};
  spec.workdir = "/";
  spec.grace_secs = site.number("KILL_GRACE_SECS", 30);
  spec.log_max_bytes = parse_size(site.text("LOG_MAX_SIZE")).value_or(0);
  spec.tmux_session = site.text("WF_TMUX_SESSION");
  spec.owner = {{"wish", wish_json(wish)}, {"site", site.args()}};
  return spec;
}

int rehearse(Files& files, const Clock& clock, const fs::path& dir) {
  const tasks::TaskSpec spec = tasks::observe(files, dir).spec;
  const tasks::Site site(files, clock, member(spec.owner, "site"));
  const TrialSite at = trial_site(site, dir, spec);
  bool failed = false;
  int number = 0;
  for (const auto& name : chosen(at.wish)) {
    const std::int64_t begun = clock.steady_ms();
    Json found = name == resume_name ? found_by(resume_trial, at) : run_beside(at, name);
    found["number"] = ++number;
    found["name"] = name;
    found["secs"] = static_cast<double>(clock.steady_ms() - begun) / 1000.0;
    failed = failed || text_at(found, "outcome") == "fail";
    append_json_line(files, trials_file(dir), found);
    (void)write_all(STDOUT_FILENO, log_line(found));
  }
  return failed ? 1 : 0;
}

int run_trial(Files& files, const Clock& clock, const fs::path& dir, const std::string& trial) {
  const tasks::TaskSpec spec = tasks::observe(files, dir).spec;
  const tasks::Site site(files, clock, member(spec.owner, "site"));
  const auto row =
      std::ranges::find(trials, trial, [](const TrialRow& one) { return std::string(one.name); });
  if (row == std::end(trials)) bug("there is no trial '" + trial + "'");
  const Json found = found_by(row->run, trial_site(site, dir, spec));
  return write_all(STDOUT_FILENO, dump_json(found)) ? 0 : 1;
}

}  // namespace workflow::sweep
