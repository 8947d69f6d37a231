#include "sweep/run.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "common/error.h"
#include "common/mask.h"
#include "common/spawn.h"
#include "common/text.h"
#include "sweep/checkpoint.h"
#include "sweep/failure.h"
#include "sweep/kernel_evidence.h"
#include "sweep/run_metrics.h"
#include "tasks/launch.h"
#include "tasks/supervisor.h"

namespace workflow::sweep {
namespace {

constexpr std::string_view summary_schema = "workflow.run-summary/1";
constexpr std::string_view old_summary_schema = "workflow.task/1";
constexpr std::int64_t longest_trainer_summary = 1 << 20;
constexpr int deepest_trainer_summary = 64;
constexpr std::int64_t judged_tail = 256 * 1024;
constexpr std::int64_t counted_log = 256LL << 20;
constexpr std::int64_t read_metrics_limit = 64LL << 20;

/// status.json last: while it is there, the attempt counts as not yet moved.
constexpr std::array<const char*, 8> attempt_files{"summary.json",  "stdout.log", "command.sh",
                                                   "metrics.jsonl", "order.json", "sync.json",
                                                   "spec.json",     "status.json"};

std::string attempt_name(int n) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04d", n);
  return text.data();
}

std::int64_t count_lines(const fs::path& log, std::int64_t bytes) {
  const UniqueFd fd = open_regular(log);
  std::array<char, 65536> buffer;
  std::int64_t lines = 0;
  while (fd.valid() && bytes > 0) {
    const ssize_t n = ::read(fd.get(), buffer.data(),
                             std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(bytes)));
    if (n <= 0) break;
    lines += std::count(buffer.data(), buffer.data() + n, '\n');
    bytes -= n;
  }
  return lines;
}

Json failure_json(const fs::path& dir, const tasks::TaskSpec& spec,
                  const tasks::TaskRecord& record) {
  if (!record.ordered_class.empty()) return {{"class", record.ordered_class}};
  const fs::path log = dir / "stdout.log";
  const FileTail tail = read_tail(log, judged_tail);
  Ending ending;
  ending.exit_code = record.exit_code;
  if (record.signal) ending.signal = signal_name(*record.signal);
  ending.timed_out = record.state == tasks::TaskState::timed_out;
  ending.cancelled = record.state == tasks::TaskState::cancelled;
  ending.lost = record.state == tasks::TaskState::lost;
  ending.kernel = evidence_after(member(spec.owner, "kernel"), system_clock());
  ending.pid = record.leader.pid;
  ending.ended_ms = record.ended_ms.value_or(0);
  const bool counted = tail.offset <= counted_log && record.log_hole.size() == 0;
  const Failure failure =
      classify(ending, tail.bytes, tail.offset, counted ? count_lines(log, tail.offset) : 0);
  Json out = {{"class", failure.cls}};
  if (failure.offset >= 0) {
    out["line"] = failure.line;
    out["offset"] = failure.offset;
    if (counted) out["line_number"] = failure.line_number;
  }
  if (!failure.reason.empty()) out["reason"] = failure.reason;
  if (!failure.evidence.empty()) out["evidence"] = failure.evidence;
  return out;
}

Json trainer_summary(Files& files, const fs::path& file) {
  try {
    if (read_tail(file, 0).size > longest_trainer_summary) return nullptr;
    const auto bytes = files.read(file);
    if (bytes && nesting(*bytes) > deepest_trainer_summary) return nullptr;
    return bytes ? parse_json(*bytes, "out/summary.json") : Json();
  } catch (const Error&) {
    return nullptr;  // the training's own file; a torn one says nothing
  }
}

/// No secret's value in a record: this process was started with them, or it cannot tell and leaves
/// the training's own words out.
void hide_secrets(const tasks::TaskSpec& spec, Json& summary) {
  std::vector<std::string> values;
  for (const auto& name : member(spec.owner, "secret_names")) {
    const std::string text = name.is_string() ? name.get<std::string>() : std::string();
    if (text.empty()) continue;
    const char* value = std::getenv(text.c_str());
    if (value == nullptr) {
      if (member(summary, "failure").is_object()) summary["failure"].erase("line");
      summary["metrics"] = nullptr;
      summary["trainer"] = nullptr;
      return;
    }
    values.emplace_back(value);
  }
  const Mask mask(std::move(values));
  if (mask.empty()) return;
  for (const char* key : {"failure", "metrics", "trainer"}) mask.apply(summary[key]);
}

void write_if_it_can(Files& files, const fs::path& file, const Json& value) {
  try {
    files.write(file, pretty_json(value));
  } catch (const Error&) {
    // It can be made again from what is there.
  }
}

/// What became of the last copy of a local_sync run; null for a run that is not copied.
Json last_copy(Files& files, const fs::path& dir, const tasks::TaskSpec& spec) {
  const auto out = tasks::run_out_of(spec);
  if (!out || !out->sync) return nullptr;
  Json sync = tasks::read_sync(files, dir);
  if (flag_at(sync, "last")) return sync;
  return {{"ok", false}, {"last", true}, {"reason", "there is no record of its last copy"}};
}

RunState run_state(const tasks::TaskRecord& record) {
  return fsm::run_state_from(record.state_name()).value_or(RunState::lost);
}

}  // namespace

std::optional<Json> read_summary(Files& files, const fs::path& dir) {
  const fs::path file = dir / "summary.json";
  const auto bytes = files.read(file);
  if (!bytes) return std::nullopt;
  Json summary = parse_json(*bytes, file.string());
  const std::string schema = text_at(summary, "schema");
  if (schema == summary_schema || schema == old_summary_schema) return summary;
  throw Error(
      Code::precondition,
      "'" + file.string() + "' is no summary of a run: " +
          (schema.empty() ? "it has no schema of ours"
                          : "its schema is '" + schema + "', which this build does not know"),
      "something else wrote it; move it away and it is written again");
}

std::optional<RunView> look_at_run(Files& files, const fs::path& dir) {
  if (!fs::exists(dir / "status.json") || !fs::exists(dir / "spec.json")) return std::nullopt;
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
  return !tasks::carrying("TRAIN_OUT_DIR=" + out_place(site, run_id).train.string()).empty();
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
  if (!fs::exists(dir / "status.json")) return;
  int n = attempts_aside(files, dir);
  const bool half_done = n > 0 && !fs::exists(dir / "attempts" / attempt_name(n) / "status.json");
  if (!half_done) n += 1;
  const fs::path aside = dir / "attempts" / attempt_name(n);
  require_no_symlink(dir, aside);
  files.make_dirs(aside);
  // The training's summary belongs to the attempt that wrote it, not to the next one.
  if (fs::exists(dir / "out" / "summary.json")) {
    files.rename(dir / "out" / "summary.json", aside / "trainer-summary.json");
  }
  for (const char* name : attempt_files) {
    if (fs::exists(dir / name)) files.rename(dir / name, aside / name);
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

Json run_summary(Files& files, const fs::path& dir, const tasks::TaskSpec& spec,
                 const tasks::TaskRecord& record) {
  Json summary = tasks::status_json(spec, record, dir);
  const bool done = record.state == tasks::TaskState::success;
  const Json sync = last_copy(files, dir, spec);
  const bool ok = done && (sync.is_null() || flag_at(sync, "ok"));
  summary["schema"] = summary_schema;
  summary["ok"] = ok;
  summary["failure"] = done ? Json() : failure_json(dir, spec, record);
  if (record.reason.empty()) summary["reason"] = member(summary["failure"], "reason");
  if (!sync.is_null()) summary["sync"] = sync;
  if (done && !ok) {
    const std::string cls = flag_at(sync, "no_room") ? "disk_full" : "data";
    summary["failure"] = {{"class", cls}};
    summary["reason"] = cls + ": not all of out/ is durable: " + text_at(sync, "reason") +
                        "; it is whole in '" + text_at(spec.identity, "train_out_dir") + "'";
  }
  summary["attempts"] = attempts_aside(files, dir) + 1;
  if (record.started_ms && record.ended_ms) {
    summary["seconds"] = static_cast<double>(*record.ended_ms - *record.started_ms) / 1000.0;
  }
  summary["metrics"] = run_metrics(dir, spec, read_metrics_limit).last;
  summary["trainer"] = trainer_summary(files, tasks::trainer_summary_file(dir, spec));
  if (!ok) summary.update(resume_facts(dir, spec));
  hide_secrets(spec, summary);
  return summary;
}

void summarize_run(Files& files, const fs::path& dir, const tasks::TaskSpec& spec,
                   const tasks::TaskRecord& record) {
  files.write(dir / "summary.json", pretty_json(run_summary(files, dir, spec, record)));
}

Json index_result(const Json& summary) {
  Json out = Json::object();
  for (const char* key :
       {"exit_code", "signal", "reason", "failure", "metrics", "seconds", "git_sha", "gpus"}) {
    if (!member(summary, key).is_null()) out[key] = member(summary, key);
  }
  return out;
}

}  // namespace workflow::sweep
