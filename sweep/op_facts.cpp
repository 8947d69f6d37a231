#include "sweep/op_facts.h"

#include "common/error.h"
#include "common/file_lock.h"
#include "sweep/checkpoint.h"
#include "sweep/launch_line.h"
#include "sweep/run.h"

namespace workflow::sweep {

fs::path warm_start_place(const tasks::Site& site, const std::string& run_id) {
  const tasks::RunOut out = out_place(site, run_id);
  return out.sync && presence(out.train) == Presence::absent ? out.durable : out.train;
}

Before known_before(const tasks::Site& site, const Row& row) {
  const auto run = look_at_run(site.files(), site.run_dir(row.run_id));
  if (!run) return Before::nothing;
  const bool over = run->task.record.ended() || run->task.leader == tasks::Liveness::gone;
  if (!over) return Before::going;
  if (run->row_sha256 != row.sha256) return Before::other_values;
  return run->state == RunState::success ? Before::ended_well : Before::nothing;
}

std::string applied_manifest(const tasks::Site& site, const std::string& campaign_id) {
  std::string sha;
  const OpStore store(site.files(), site.clock(), site.campaign_dir(campaign_id));
  for (const Operation& op : store.all()) {
    const bool applies = op.state == OpState::completed || op.state == OpState::processing;
    if (op.kind == OpKind::sweep_apply && applies) sha = text_at(op.ask, "manifest_sha256");
  }
  return sha;
}

void give_up_operations(const tasks::Site& site, const std::string& campaign_id,
                        const std::string& reason) {
  const fs::path dir = site.campaign_dir(campaign_id);
  OpStore store(site.files(), site.clock(), dir);
  const FileLock lock = FileLock::take(executor_lock(dir), 30'000);
  for (Operation& op : store.all()) {
    if (is_over(op.state)) continue;
    op.state = OpState::superseded;
    op.reason = reason;
    op.finished_ms = site.clock().now_ms();
    store.write(op);
  }
}

std::set<std::string> cloned_ids(const std::vector<Operation>& operations) {
  std::set<std::string> ids;
  for (const Operation& op : operations) {
    if (op.kind == OpKind::run_clone) ids.insert(text_at(op.ask, "run_id"));
  }
  return ids;
}

void require_warm_start(const tasks::Site& site, const std::string& run_id) {
  const Json facts = resume_facts(out_place(site, run_id), site.live().has_value());
  const Json& resumable = member(facts, "resumable");
  if (!resumable.is_boolean() || resumable.get<bool>()) return;
  throw Error(Code::precondition,
              "'" + run_id + "' has nothing to begin from: " + text_at(facts, "resumable_reason"),
              "without --warm-start its clone begins anew");
}

std::optional<std::size_t> find_row(const std::vector<RowState>& rows, std::string_view run_id) {
  std::optional<std::size_t> deleted;
  for (std::size_t i = rows.size(); i-- > 0;) {
    if (rows[i].run_id != run_id) continue;
    if (rows[i].state != RunState::deleted) return i;
    if (!deleted) deleted = i;
  }
  return deleted;
}

}  // namespace workflow::sweep
