#include "sweep/run_summary.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "common/error.h"
#include "common/mask.h"
#include "common/spawn.h"
#include "sweep/checkpoint.h"
#include "sweep/failure.h"
#include "sweep/kernel_evidence.h"
#include "sweep/run.h"
#include "sweep/run_metrics.h"

namespace workflow::sweep {
namespace {

constexpr std::string_view summary_schema = "workflow.run-summary/1";
constexpr std::string_view old_summary_schema = "workflow.task/1";
constexpr std::int64_t longest_trainer_summary = 1 << 20;
constexpr int deepest_trainer_summary = 64;
constexpr std::int64_t judged_tail = 256 * 1024;
constexpr std::int64_t counted_log = 256LL << 20;
constexpr std::int64_t read_metrics_limit = 64LL << 20;

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

/// A log may lack the very line that says so.
bool disk_is_full(const fs::path& dir) {
  constexpr std::uintmax_t one_page = 4096;
  std::error_code unknown;
  const fs::space_info space = fs::space(dir, unknown);
  return !unknown && space.available < one_page;
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
  if (failure.cls == "exit" && disk_is_full(dir)) {
    return {{"class", "disk_full"}, {"evidence", "no room is left on the disk of its log"}};
  }
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

/// What became of the last copy of a local_sync run; null for a run that is not copied.
Json last_copy(Files& files, const fs::path& dir, const tasks::TaskSpec& spec) {
  const auto out = tasks::run_out_of(spec);
  if (!out || !out->sync) return nullptr;
  Json sync = tasks::read_sync(files, dir);
  if (flag_at(sync, "last")) return sync;
  return {{"ok", false}, {"last", true}, {"reason", "there is no record of its last copy"}};
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
