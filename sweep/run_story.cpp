#include "sweep/run_story.h"

#include <algorithm>

#include "common/error.h"
#include "common/json_lines.h"
#include "common/text.h"
#include "sweep/campaign.h"
#include "sweep/earlier_runs.h"
#include "sweep/evidence.h"
#include "sweep/operations.h"
#include "sweep/row_status.h"
#include "sweep/run.h"
#include "sweep/status.h"
#include "tasks/follow.h"

namespace workflow::sweep {
namespace {

constexpr std::size_t most_changes = 200;
constexpr std::size_t most_said = 200;
constexpr std::int64_t executor_log_tail = 16LL << 20;

Json values_of(const Row& row) {
  Json out = {{"line", row.line},   {"config", row.config},
              {"seed", row.seed},   {"overrides", row.overrides},
              {"notes", row.notes}, {"env", row.env},
              {"gpus", row.gpus}};
  if (row.timeout_secs) out["timeout_secs"] = *row.timeout_secs;
  if (row.max_retries) out["max_retries"] = *row.max_retries;
  return out;
}

void keep_last(Json& list, std::size_t most) {
  if (list.size() > most) list.erase(list.begin(), list.end() - static_cast<std::ptrdiff_t>(most));
}

/// The lines of the index about one row, in one pass.
Json changes_of(Files& files, const fs::path& dir, std::int64_t n) {
  Json changes = Json::array();
  each_json_line(files.read(dir / "rows.jsonl").value_or(""), [&](Json&& line) {
    if (number_at(line, "row") == n && member(line, "at").is_string()) {
      changes.push_back(std::move(line));
    }
  });
  keep_last(changes, most_changes);
  return changes;
}

/// What the executors of a campaign said about a run: `{at, text}`, without its name.
Json said_about(const tasks::Site& site, const std::string& campaign, const std::string& run_id) {
  Json said = Json::array();
  const tasks::TaskStore store = site.tasks();
  std::string task = "sweep-" + campaign;
  for (int n = 2; store.exists(task); ++n) {
    const FileTail log = read_tail(store.dir(task) / "stdout.log", executor_log_tail);
    for (const std::string& line : split(log.bytes, '\n')) {
      const std::size_t at = line.find("  ");
      if (at == std::string::npos || line.compare(at + 2, run_id.size(), run_id) != 0) continue;
      std::string_view rest = std::string_view(line).substr(at + 2 + run_id.size());
      if (rest.empty() || (rest[0] != ' ' && rest[0] != ':')) continue;
      rest.remove_prefix(rest[0] == ':' ? 1 : 0);
      said.push_back({{"at", line.substr(0, at)}, {"text", trim(rest)}});
    }
    task = "sweep-" + campaign + "-" + std::to_string(n);
  }
  keep_last(said, most_said);
  return said;
}

/// What was asked of the run while the campaign went.
Json operations_on(const tasks::Site& site, const fs::path& dir, const std::string& run_id) {
  Json asked = Json::array();
  for (const Operation& op : OpStore(site.files(), site.clock(), dir).all()) {
    if (op.run_id == run_id) asked.push_back(operation_json(op));
  }
  keep_last(asked, most_changes);
  return asked;
}

/// Why a row that is pending has not been started yet.
Json waiting(const tasks::Site& site, const tasks::StateRecord& record,
             const std::vector<RowState>& rows, const RowState& row, const std::string& campaign) {
  std::int64_t before = 0;
  std::int64_t running = 0;
  for (const RowState& other : rows) {
    running += other.state == RunState::running ? 1 : 0;
    before += other.state == RunState::pending && other.n < row.n ? 1 : 0;
  }
  const Json executor = executor_json(site, record, campaign);
  Json out = {
      {"pending_before", before}, {"running", running}, {"executor", text_at(executor, "state")}};
  for (const char* key : {"paused", "left_out"}) out[key] = member(executor, key);
  if (presence(stop_file(site.campaign_dir(campaign))) == Presence::there) out["stopped"] = true;
  if (record.campaign == campaign && record.state == fsm::State::sweep_stalled) {
    out["stalled"] = record.reason;
  }
  return out;
}

void tell_row(const tasks::Site& site, const std::string& run_id, Json& story) {
  const tasks::StateRecord record = site.keeper().load();
  const std::string id = current_campaign(site, record);
  if (id.empty()) return;
  Files& files = site.files();
  const fs::path dir = site.campaign_dir(id);
  const Campaign campaign = read_campaign(files, dir);
  std::vector<RowState> rows = RowIndex(files, site.clock(), dir).load();
  const auto at = find_row(rows, run_id);
  if (!at) return;
  RowState& row = rows[*at];
  Json live = Json::object();
  if (row.state == RunState::running) live = look_at_running(site, id, row);
  story["campaign"] = campaign_summary(campaign);
  story["row"] = row_json(row, live);
  const std::vector<Row> values = with_later(campaign_rows(files, dir, campaign), rows);
  if (*at < values.size()) {
    story["values"] = values_of(values[*at]);
    story["before"] = earlier_runs(site, values[*at], campaign);
  }
  story["changes"] = changes_of(files, dir, row.n);
  story["said"] = said_about(site, id, run_id);
  story["operations"] = operations_on(site, dir, run_id);
  if (row.state == RunState::pending) story["waits"] = waiting(site, record, rows, row, id);
}

/// What stands in the run's own directory; false when it was never started.
bool tell_record(const tasks::Site& site, const std::string& run_id, Json& story) {
  Files& files = site.files();
  const fs::path dir = site.run_dir(run_id);
  if (!may_be_there(dir / "status.json")) return false;
  (void)tasks::settle(files, dir);
  const auto run = look_at_run(files, dir);
  if (!run) return false;
  for (const auto& name : files.list(dir / "attempts")) {
    if (auto summary = read_summary(files, dir / "attempts" / name)) {
      (*summary)["aside"] = "attempts/" + name;
      story["earlier_attempts"].push_back(*std::move(summary));
    }
  }
  story["state"] = fsm::name(run->state);
  story["status"] = run->task.json();
  if (!run->summary.empty()) story["summary"] = run->summary;
  return true;
}

}  // namespace

Json run_story(const tasks::Site& site, const std::string& run_id) {
  Json story = {{"run_id", run_id},   {"dir", site.run_dir(run_id).string()},
                {"state", nullptr},   {"status", nullptr},
                {"summary", nullptr}, {"earlier_attempts", Json::array()}};
  const bool started = tell_record(site, run_id, story);
  try {
    tell_row(site, run_id, story);
  } catch (const Error& fault) {
    // A campaign that cannot be read hides no run that has its own record.
    if (!started) throw;
    story["fault"] = fault.what();
  }
  const Json& row = member(story, "row");
  if (!started && row.is_null()) {
    throw Error(Code::not_found, "no run '" + run_id + "' has been started here",
                "workflow sweep-status --all shows the rows");
  }
  // The row is ahead of the record while its next attempt waits.
  if (!row.is_null()) story["state"] = text_at(row, "state");
  return story;
}

}  // namespace workflow::sweep
