#include "sweep/status.h"

#include "common/error.h"
#include "sweep/campaign.h"
#include "sweep/eta.h"
#include "sweep/evidence.h"
#include "sweep/executor_note.h"
#include "sweep/row_index.h"
#include "sweep/row_status.h"

namespace workflow::sweep {
namespace {

bool told_by_default(const RowState& row) {
  return row.state == RunState::running || fsm::ended_badly(row.state);
}

}  // namespace

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
  const bool lives = text_at(out, "state") == name(tasks::Liveness::alive);
  const Json note = lives ? read_note(site.files(), site.campaign_dir(campaign)) : Json();
  for (const char* key : {"gpus", "left_out", "paused"}) out[key] = member(note, key);
  return out;
}

std::string asked_campaign(const tasks::Site& site, const tasks::StateRecord& record,
                           const std::string& asked) {
  const std::string id = asked.empty() ? current_campaign(site, record) : asked;
  if (!id.empty()) return id;
  throw Error(Code::not_found, "no sweep was started here", "start one: workflow sweep-start");
}

namespace {

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
  const std::string id = asked_campaign(site, record, ask.campaign);
  const fs::path dir = site.campaign_dir(id);
  const Campaign campaign = read_campaign(site.files(), dir);
  std::vector<RowState> rows =
      selected(RowIndex(site.files(), site.clock(), dir).load(), ask.selection);
  const bool all = ask.all || ask.selection != Selection{};
  Json runs = Json::array();
  Json next = nullptr;
  std::int64_t bytes = 0;
  for (auto& row : rows) {
    Json live = Json::object();
    if (row.state == RunState::running) live = look_at_running(site, id, row);
    if (row.n <= ask.after || (!all && !told_by_default(row))) continue;
    if (static_cast<std::int64_t>(runs.size()) >= ask.limit || bytes >= ask.page_bytes) {
      if (next.is_null()) next = runs.back()["n"];
      continue;
    }
    Json shown = row_json(row, live);
    bytes += static_cast<std::int64_t>(dump_json(shown).size());
    runs.push_back(std::move(shown));
  }
  Json out = {{"campaign", campaign_summary(campaign)}, {"counts", count_rows(rows)}};
  out["executor"] = executor_json(site, record, id);
  const bool goes_on = text_at(out["executor"], "state") != name(tasks::Liveness::gone);
  const auto eta = goes_on ? eta_secs(rows, site.clock().now_ms()) : std::nullopt;
  out["eta_secs"] = eta ? Json(*eta) : Json();
  out["runs"] = std::move(runs);
  out["next"] = next;
  return out;
}

}  // namespace workflow::sweep
