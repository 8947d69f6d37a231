#include "sweep/row_status.h"

#include <map>

#include "common/error.h"
#include "sweep/run.h"
#include "sweep/run_metrics.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t live_metrics_tail = 16 * 1024;

}  // namespace

Json look_at_running(const tasks::Site& site, const std::string& campaign, RowState& row) {
  const fs::path dir = site.run_dir(row.run_id);
  std::optional<RunView> run;
  try {
    run = look_at_run(site.files(), dir);
  } catch (const Error& fault) {
    // One record that cannot be read hides no other row; of this one the index is the last word.
    return {{"certainty", "unknown"}, {"reason", fault.what()}};
  }
  if (!is_attempt(run, campaign, row)) {
    if (processes_of(site, row.run_id)) {
      return {{"certainty", "unknown"}, {"reason", "its record is gone while it lives"}};
    }
    move(row, fsm::RunEvent::put_back);
    return Json::object();
  }
  move_to(row, run->state);
  if (run->task.record.ended()) {
    row.started_at = text_at(run->summary, "started_at");
    row.ended_at = text_at(run->summary, "ended_at");
    row.result = index_result(run->summary);
    return Json::object();
  }
  const bool orphan_gone = run->task.orphaned() && run->task.leader == tasks::Liveness::gone;
  if (orphan_gone) move(row, fsm::RunEvent::vanish);
  row.result["metrics"] = run_metrics(dir, run->task.spec, live_metrics_tail).last;
  return {{"certainty", run->task.certainty()},
          {"supervised", run->task.supervisor == tasks::Liveness::alive},
          {"gpus", gpus_of(*run)}};
}

Json row_json(const RowState& row, const Json& live) {
  const std::string& since = row.ended_at.empty() ? row.started_at : row.ended_at;
  Json out = {{"n", row.n},
              {"run_id", row.run_id},
              {"state", fsm::name(row.state)},
              {"config", row.config},
              {"seed", row.seed},
              {"attempt", row.attempt},
              {"attempts", row.attempt},
              {"since", since.empty() ? Json() : Json(since)},
              {"started_at", row.started_at.empty() ? Json() : Json(row.started_at)},
              {"ended_at", row.ended_at.empty() ? Json() : Json(row.ended_at)}};
  if (row.skipped) out["skipped"] = true;
  if (!row.health.is_null()) out["health"] = row.health;
  if (!row.origin.is_null()) out["origin"] = row.origin;
  out.update(row.result);
  out.update(live);
  return out;
}

Json count_rows(const std::vector<RowState>& rows) {
  std::map<RunState, std::int64_t> counts;
  std::int64_t skipped = 0;
  for (const RowState& row : rows) row.skipped ? skipped += 1 : counts[row.state] += 1;
  Json out = {{"total", rows.size()}};
  for (const RunState state : fsm::all_run_states()) {
    out[std::string(fsm::name(state))] = counts[state];
  }
  out["skipped"] = skipped;
  return out;
}

}  // namespace workflow::sweep
