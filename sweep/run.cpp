#include "sweep/run.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/error.h"
#include "common/text.h"
#include "sweep/kernel_evidence.h"
#include "tasks/launch.h"
#include "tasks/supervisor.h"
#include "tasks/task_tree.h"

namespace workflow::sweep {
namespace {

/// status.json last: while it is there, the attempt counts as not yet moved.
constexpr std::array<const char*, 8> attempt_files{"summary.json",  "stdout.log", "command.sh",
                                                   "metrics.jsonl", "order.json", "sync.json",
                                                   "spec.json",     "status.json"};

std::string attempt_name(int n) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04d", n);
  return text.data();
}

void write_if_it_can(Files& files, const fs::path& file, const Json& value) {
  try {
    files.write(file, pretty_json(value));
  } catch (const Error&) {
    // It can be made again from what is there.
  }
}

/// What each of a run's processes carries.
std::string mark_of(const tasks::Site& site, const std::string& run_id) {
  return "TRAIN_OUT_DIR=" + out_place(site, run_id).train.string();
}

RunState run_state(const tasks::TaskRecord& record) {
  return fsm::run_state_from(record.state_name()).value_or(RunState::lost);
}

}  // namespace

Json about_run(const std::string& id, const RunView& run) {
  const Json& identity = run.task.spec.identity;
  return {{"run_id", id},
          {"campaign", run.campaign_id},
          {"row_sha256", run.row_sha256},
          {"attempt", number_at(identity, "attempt")},
          {"created_at", utc_text(run.task.record.created_ms)},
          {"state", fsm::name(run.state)}};
}

std::optional<RunView> look_at_run(Files& files, const fs::path& dir) {
  if (!may_be_there(dir / "status.json") || !may_be_there(dir / "spec.json")) return std::nullopt;
  RunView view;
  view.task = tasks::observe(files, dir);
  view.state = run_state(view.task.record);
  view.row_sha256 = text_at(view.task.spec.identity, "row_sha256");
  view.campaign_id = text_at(view.task.spec.identity, "campaign_id");
  if (view.task.record.ended()) {
    if (const auto written = read_summary(files, dir)) {
      view.summary = *written;
    } else {
      // Its supervisor was killed between its last two writes, or its disk is full.
      view.summary = run_summary(files, dir, view.task.spec, view.task.record);
      write_if_it_can(files, dir / "summary.json", view.summary);
    }
    // Its command ended well, and what it made is not where it is to stay.
    if (view.state == RunState::success && !flag_at(view.summary, "ok", true)) {
      view.state = RunState::failed;
    }
  }
  return view;
}

std::vector<std::string> gpus_of(const RunView& run) {
  std::vector<std::string> names;
  for (const auto& gpu : member(run.task.spec.identity, "gpus")) {
    if (gpu.is_string()) names.push_back(gpu.get<std::string>());
  }
  return names;
}

bool is_attempt(const std::optional<RunView>& run, const std::string& campaign_id,
                const RowState& row) {
  return run && run->campaign_id == campaign_id &&
         number_at(run->task.spec.identity, "attempt") == row.attempt;
}

bool processes_of(const tasks::Site& site, const std::string& run_id) {
  return !tasks::carrying(mark_of(site, run_id)).empty();
}

bool end_without_record(const tasks::Site& site, const std::string& run_id) {
  const tasks::TaskTree tree{{}, mark_of(site, run_id), false};
  const auto settle = [] { ::poll(nullptr, 0, 20); };
  const std::int64_t grace_ms = site.number("KILL_GRACE_SECS", 30) * 1000;
  return tasks::end_leftovers(tree, site.clock(), {grace_ms, false, settle}).survivors.empty();
}

bool can_be_read(Files& files, const fs::path& dir) {
  try {
    for (const char* name : {"spec.json", "status.json", "summary.json"}) {
      (void)files.read(dir / name);
    }
    return true;
  } catch (const Error&) {
    return false;
  }
}

int attempts_aside(Files& files, const fs::path& dir) {
  int last = 0;
  for (const auto& name : files.list(dir / "attempts")) {
    last = std::max(last, static_cast<int>(parse_integer(name).value_or(0)));
  }
  return last;
}

void put_attempt_aside(Files& files, const fs::path& dir) {
  if (!may_be_there(dir / "status.json")) return;
  int n = attempts_aside(files, dir);
  const bool half_done = n > 0 && !may_be_there(dir / "attempts" / attempt_name(n) / "status.json");
  if (!half_done) n += 1;
  const fs::path aside = dir / "attempts" / attempt_name(n);
  require_no_symlink(dir, aside);
  files.make_dirs(aside);
  // The training's summary belongs to the attempt that wrote it, not to the next one.
  if (may_be_there(dir / "out" / "summary.json")) {
    files.rename(dir / "out" / "summary.json", aside / "trainer-summary.json");
  }
  for (const char* name : attempt_files) {
    if (may_be_there(dir / name)) files.rename(dir / name, aside / name);
  }
}

void start_run(const tasks::Site& site, const Campaign& campaign, const Row& row,
               const Allotment& allotment) {
  Files& files = site.files();
  const fs::path dir = site.run_dir(row.run_id);
  tasks::TaskSpec spec = run_spec(site, campaign, row, allotment);
  spec.owner["kernel"] = evidence_before();
  // Elsewhere the run itself makes it: that may take long, or hang.
  files.make_dirs(tasks::run_out_of(spec) ? dir : dir / "out");
  const auto lock = FileLock::try_take(tasks::supervisor_lock(dir));
  if (!lock) {
    throw Error(Code::busy, "run '" + row.run_id + "' is going already, under another supervisor");
  }
  if (const auto before = look_at_run(files, dir)) {
    // Its supervisor may be gone while its command lives: then it is no attempt to put aside.
    if (!before->task.record.ended() && before->task.leader != tasks::Liveness::gone) {
      throw Error(Code::busy, "run '" + row.run_id + "' may still be going");
    }
  }
  put_attempt_aside(files, dir);
  tasks::write_task(files, site.clock(), dir, dir, spec);
  tasks::start_supervisor(dir, *lock);
}

}  // namespace workflow::sweep
