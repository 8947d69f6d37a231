// sweep-apply, of the class in operations.h.
#include "common/error.h"
#include "sweep/operations.h"
#include "sweep/put_away.h"
#include "sweep/row_values.h"

namespace workflow::sweep {
namespace {

/// All or nothing: what stands in the way is named before anything is done.
void require_no_conflict(const std::vector<PlannedRow>& plan) {
  std::string text;
  for (const PlannedRow& row : plan) {
    if (row.step != ApplyStep::conflict) continue;
    text += (text.empty() ? "'" : "; '") + row.run_id + "': " + row.note;
  }
  if (!text.empty()) throw Error(Code::exists, text);
}

}  // namespace

std::vector<StandingRow> Operations::standing(const RowControl& rows) const {
  std::vector<StandingRow> out;
  for (std::size_t i = 0; i < rows.rows().size(); ++i) {
    const RowState& row = rows.rows()[i];
    out.push_back({&rows.values(i), row.state, row.attempt > 0, cloned_.contains(row.run_id)});
  }
  return out;
}

void Operations::apply(Operation& op, RowControl& rows) {
  auto manifest = manifests_.find(op.id);
  if (manifest == manifests_.end()) {
    manifest = manifests_
                   .emplace(op.id, parse_manifest(store_.manifest(op.id),
                                                  text_at(op.ask, "manifest_name"), rules_))
                   .first;
  }
  const std::vector<StandingRow> now = standing(rows);
  const std::vector<PlannedRow> plan =
      plan_apply({.standing = now,
                  .rows = manifest->second.rows,
                  .force = flag_at(op.ask, "force"),
                  .before = [this](const Row& row) { return known_before(site_, row); }});
  if (op.state == OpState::pending) {
    require_no_conflict(plan);
    op.result = {{"plan", plan_json(plan, now)}};
    op.found = {{"rows", now.size()}};
    if (!begin(op)) return;
  }
  bool all = true;
  for (const PlannedRow& planned : plan) {
    if (planned.step == ApplyStep::end_first) {
      tasks::Order order{.as = "stopped", .by = op.by};
      order.reason = "ended for other values by " + op_text(op) + " of " + op.by;
      // Its values are replaced when it is looked at again.
      (void)end(op, rows, *planned.row, order);
      all = false;
    } else {
      apply_step(op, rows, planned);
    }
  }
  if (!all) return;
  keep_manifest(op);
  finish(op, OpState::completed);
}

void Operations::keep_manifest(const Operation& op) {
  const std::string bytes = store_.manifest(op.id);
  const fs::path dir = site_.below("_manifests");
  site_.files().make_dirs(dir);
  site_.files().write(dir / ("sweep-" + utc_stamp(op.created_ms) + "-" + campaign_id_ + ".csv"),
                      bytes);
  site_.files().write(dir / "sweep-latest.csv", bytes);
}

void Operations::apply_step(const Operation& op, RowControl& rows, const PlannedRow& planned) {
  const Json origin = {{"by", op.by}, {"op", op.id}};
  switch (planned.step) {
    case ApplyStep::add:
      rows.add(*planned.values, origin);
      return;
    case ApplyStep::replace:
      return rows.replace(*planned.row, *planned.values);
    case ApplyStep::take_back:
      // Before it is queued: what it wants of the machine may be among them.
      if (values_json(rows.values(*planned.row)) != values_json(*planned.values)) {
        rows.replace(*planned.row, *planned.values);
      }
      return rows.again(*planned.row);
    case ApplyStep::anew:
      if (may_be_there(site_.run_dir(planned.run_id) / "status.json")) {
        move_run_aside(site_, planned.run_id);
      }
      if (planned.row) rows.remove(*planned.row);
      rows.add(*planned.values, origin);
      return;
    case ApplyStep::cancel: {
      tasks::Order order{.as = "cancelled", .by = op.by};
      order.reason = "gone from the manifest by " + op_text(op) + " of " + op.by;
      return rows.end(*planned.row, order);
    }
    case ApplyStep::end_first:
    case ApplyStep::keep:
    case ApplyStep::conflict:
      return;
  }
}

}  // namespace workflow::sweep
