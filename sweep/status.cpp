#include "sweep/status.h"

#include <algorithm>

#include "common/error.h"
#include "sweep/campaign.h"
#include "sweep/eta.h"
#include "sweep/evidence.h"
#include "sweep/metrics.h"
#include "sweep/row_index.h"
#include "sweep/run.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t live_metrics_tail = 16 * 1024;

using tasks::Liveness;

struct Counts {
  Json json = {{"total", 0},     {"pending", 0},   {"running", 0}, {"success", 0}, {"failed", 0},
               {"timed_out", 0}, {"cancelled", 0}, {"stopped", 0}, {"lost", 0},    {"skipped", 0}};
  void add(const RowState& row) {
    json["total"] = number_at(json, "total") + 1;
    const std::string key(row.skipped ? "skipped" : fsm::name(row.state));
    json[key] = number_at(json, key) + 1;
  }
};

/// What a running row's own record says now; the index may lag behind it.
void refresh(const tasks::Site& site, const std::string& campaign, RowState& row, Json& shown) {
  const fs::path dir = site.run_dir(row.run_id);
  std::optional<RunView> run;
  try {
    run = look_at_run(site.files(), dir);
  } catch (const Error& fault) {
    // One record that cannot be read hides no other row; of this one the index is the last word.
    shown["certainty"] = "unknown";
    shown["reason"] = fault.what();
    return;
  }
  if (!is_attempt(run, campaign, row)) {
    move(row, fsm::RunEvent::put_back);
    return;
  }
  move_to(row, run->state);
  if (run->task.record.ended()) {
    row.started_at = text_at(run->summary, "started_at");
    row.ended_at = text_at(run->summary, "ended_at");
    row.result = index_result(run->summary);
    return;
  }
  shown["certainty"] = run->task.certainty();
  shown["supervised"] = run->task.supervisor == Liveness::alive;
  if (run->task.orphaned() && run->task.leader == Liveness::gone) move(row, fsm::RunEvent::vanish);
  FileTail tail = read_tail(dir / "metrics.jsonl", live_metrics_tail);
  if (tail.offset > 0) tail.bytes.erase(0, tail.bytes.find('\n') + 1);
  row.result["metrics"] = read_metrics(tail.bytes).last;
}

Json row_json(const RowState& row) {
  Json out = {{"n", row.n},
              {"run_id", row.run_id},
              {"state", fsm::name(row.state)},
              {"config", row.config},
              {"seed", row.seed},
              {"attempt", row.attempt},
              {"started_at", row.started_at.empty() ? Json() : Json(row.started_at)},
              {"ended_at", row.ended_at.empty() ? Json() : Json(row.ended_at)}};
  if (row.skipped) out["skipped"] = true;
  out.update(row.result);
  return out;
}

Json executor_json(const tasks::Site& site, const tasks::StateRecord& record,
                   const std::string& campaign) {
  const bool current = record.campaign == campaign;
  const std::string id = current ? executor_task(record) : "sweep-" + campaign;
  Json out = {{"state", "gone"}, {"pid", nullptr}, {"heartbeat_at", nullptr}, {"task_id", id}};
  try {
    const tasks::TaskView view = site.tasks().view(id);
    const Json status = view.json();
    out["state"] = name(executor_lives(view));
    out["pid"] = member(status, "pid");
    out["heartbeat_at"] = member(status, "heartbeat_at");
  } catch (const Error& fault) {
    if (fault.code() != Code::not_found) throw;
  }
  return out;
}

bool told_by_default(const RowState& row) {
  return row.state != RunState::pending && row.state != RunState::success;
}

/// The rows that are asked for; the index's own order.
std::vector<RowState> selected(std::vector<RowState> rows, const Selection& selection) {
  if (selection == Selection{}) return rows;
  std::vector<std::string> ids;
  for (const auto& row : rows) ids.push_back(row.run_id);
  std::vector<RowState> chosen;
  for (const std::size_t i : select_rows(ids, selection)) chosen.push_back(std::move(rows[i]));
  return chosen;
}

}  // namespace

Json sweep_status(const tasks::Site& site, const StatusAsk& ask) {
  const tasks::StateRecord record = site.keeper().load();
  const std::string id = ask.campaign.empty() ? current_campaign(site, record) : ask.campaign;
  if (id.empty()) {
    throw Error(Code::not_found, "no sweep was started here", "start one: workflow sweep-start");
  }
  const fs::path dir = site.campaign_dir(id);
  const Campaign campaign = read_campaign(site.files(), dir);
  std::vector<RowState> rows =
      selected(RowIndex(site.files(), site.clock(), dir).load(), ask.selection);
  const bool all = ask.all || ask.selection != Selection{};
  Counts counts;
  Json runs = Json::array();
  Json next = nullptr;
  std::int64_t bytes = 0;
  for (auto& row : rows) {
    Json live = Json::object();
    if (row.state == RunState::running) refresh(site, id, row, live);
    counts.add(row);
    if (row.n <= ask.after || (!all && !told_by_default(row))) continue;
    if (static_cast<std::int64_t>(runs.size()) >= ask.limit || bytes >= ask.page_bytes) {
      if (next.is_null()) next = runs.back()["n"];
      continue;
    }
    Json shown = row_json(row);
    shown.update(live);
    bytes += static_cast<std::int64_t>(dump_json(shown).size());
    runs.push_back(std::move(shown));
  }
  Json out = {{"campaign", campaign_summary(campaign)}, {"counts", counts.json}};
  out["executor"] = executor_json(site, record, id);
  const auto eta = eta_secs(rows, site.clock().now_ms());
  out["eta_secs"] = eta ? Json(*eta) : Json();
  out["runs"] = std::move(runs);
  out["next"] = next;
  return out;
}

}  // namespace workflow::sweep
