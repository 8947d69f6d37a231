#include "sweep/operations.h"

#include <algorithm>

#include "common/error.h"
#include "common/text.h"
#include "sweep/checkpoint.h"
#include "sweep/cloned_row.h"
#include "sweep/launch_line.h"

namespace workflow::sweep {
namespace {

/// The row is as it was when the operation began: nothing has been done to it.
bool as_found(const Json& found, const RowState& row) {
  return text_at(found, "state") == fsm::name(row.state) &&
         number_at(found, "attempt") == row.attempt && text_at(found, "ended_at") == row.ended_at;
}

Json found_json(const RowState& row) {
  return {{"n", row.n},
          {"state", fsm::name(row.state)},
          {"attempt", row.attempt},
          {"ended_at", row.ended_at}};
}

tasks::Order stop_order(const Operation& op) {
  tasks::Order order{.as = "stopped", .by = op.by};
  order.reason =
      (op.kind == OpKind::run_delete ? "ended, to be deleted, by " : "stopped by ") + op.by;
  if (member(op.ask, "grace_secs").is_number()) order.grace_secs = number_at(op.ask, "grace_secs");
  return order;
}

}  // namespace

Operations::Operations(const tasks::Site& site, const Campaign& campaign, Say say)
    : site_(site),
      campaign_id_(campaign.id),
      rules_(rules_for(member(campaign.site_args, "settings"))),
      store_(site.files(), site.clock(), site.campaign_dir(campaign.id)),
      say_(std::move(say)) {
  take_new();
}

/// By the next number: a look at the directory would cost more with every operation. What a number
/// in between has lost is found when an executor begins.
void Operations::take_new() {
  if (last_ == 0) {
    for (const auto id : store_.ids()) take(id);
  }
  while (store_.exists(last_ + 1)) take(last_ + 1);
}

void Operations::take(std::int64_t id) {
  Operation op = store_.read(id);
  last_ = id;
  if (op.kind == OpKind::run_clone) cloned_.insert(text_at(op.ask, "run_id"));
  if (op.damaged) say_(op_text(op) + ": " + op.reason);
  if (!is_over(op.state)) open_.emplace(id, std::move(op));
}

bool Operations::waiting() {
  take_new();
  return !open_.empty();
}

void Operations::turn(RowControl& rows) {
  take_new();
  if (open_.empty()) return;
  supersede();
  held_.clear();
  all_held_ = false;
  for (auto& [id, op] : open_) {
    if (is_over(op.state)) continue;  // only its record is still to be written
    if (!must_wait(op)) work(op, rows);
    if (!is_over(op.state)) hold_back(op);
  }
  std::erase_if(open_, [this](const auto& entry) {
    return is_over(entry.second.state) && save(entry.second);
  });
}

void Operations::supersede() {
  for (auto& [id, op] : open_) {
    if (op.state != OpState::pending) continue;
    for (auto later = open_.upper_bound(id); later != open_.end(); ++later) {
      const Operation& by = later->second;
      if (is_over(by.state) || by.run_id != op.run_id || !supersedes(by.kind, op.kind)) continue;
      finish(op, OpState::superseded, "superseded by " + op_text(by));
      break;
    }
  }
}

bool Operations::must_wait(const Operation& op) const {
  if (all_held_) return true;
  if (op.run_id.empty()) return op.state == OpState::pending && !held_.empty();
  return std::ranges::find(held_, op.run_id) != held_.end();
}

/// What comes behind an apply that has not begun cannot know which rows there will be.
void Operations::hold_back(const Operation& op) {
  if (!op.run_id.empty()) held_.push_back(op.run_id);
  if (op.kind == OpKind::run_clone) held_.push_back(text_at(op.ask, "run_id"));
  if (op.kind != OpKind::sweep_apply) return;
  if (op.state == OpState::pending) all_held_ = true;
  for (const auto& row : member(op.result, "plan")) held_.push_back(text_at(row, "run_id"));
}

void Operations::work(Operation& op, RowControl& rows) {
  try {
    if (op.kind == OpKind::sweep_apply) {
      apply(op, rows);
    } else {
      work_on_run(op, rows);
    }
  } catch (const std::exception& fault) {
    finish(op, OpState::failed, fault.what());
  }
}

void Operations::work_on_run(Operation& op, RowControl& rows) {
  const auto row = op.found.empty()
                       ? find_row(rows.rows(), op.run_id)
                       : std::optional(static_cast<std::size_t>(number_at(op.found, "n") - 1));
  if (!row || *row >= rows.rows().size()) {
    return finish(op, OpState::failed, "the campaign has no run '" + op.run_id + "'");
  }
  const bool taken_up = op.state == OpState::processing;
  if (!taken_up) {
    const OpRule rule = op_rule(op.kind, rows.rows()[*row].state);
    if (rule.step == OpStep::nothing || rule.step == OpStep::refuse) {
      op.result["done_already"] = rule.step == OpStep::nothing;
      return finish(op, OpState::skipped, std::string(rule.why));
    }
    if (op.kind == OpKind::run_delete) require_no_warm_child(rows, op.run_id);
    op.found = found_json(rows.rows()[*row]);
    if (!begin(op)) return;
  }
  go_on(op, rows, *row, taken_up);
}

void Operations::go_on(Operation& op, RowControl& rows, std::size_t row, bool taken_up) {
  switch (op.kind) {
    case OpKind::run_stop:
    case OpKind::run_delete: {
      if (!end(op, rows, row, stop_order(op))) return;
      const RunState state = rows.rows()[row].state;
      if (op.kind == OpKind::run_delete) {
        if (state != RunState::deleted) rows.remove(row);
        return finish(op, OpState::completed, "kept in _trash until workflow clean --yes trash");
      }
      op.result = resumable(op.run_id);
      if (state == RunState::stopped) return finish(op, OpState::completed);
      op.result["done_already"] = true;
      return finish(op, OpState::skipped, std::string(op_rule(op.kind, state).why));
    }
    case OpKind::run_resume:
      op.result = resumable(op.run_id);
      if (as_found(op.found, rows.rows()[row])) rows.again(row);
      return finish(op, OpState::completed);
    case OpKind::run_clone:
      return clone(op, rows, row, taken_up);
    case OpKind::sweep_apply:
      break;
  }
  bug("sweep-apply is about no single run");
}

/// True once the row has ended. One that is tried again meanwhile is told again.
bool Operations::end(const Operation& op, RowControl& rows, std::size_t row,
                     const tasks::Order& order) {
  const auto ended = [&] { return fsm::is_ended(rows.rows()[row].state); };
  if (ended()) return true;
  const int attempt = rows.rows()[row].attempt;
  const auto [told, first] = told_.try_emplace({op.id, row}, attempt);
  if (first || told->second != attempt || rows.rows()[row].state == RunState::pending) {
    told->second = attempt;
    rows.end(row, order);
  }
  return ended();
}

void Operations::clone(Operation& op, RowControl& rows, std::size_t row, bool taken_up) {
  const std::string id = text_at(op.ask, "run_id");
  const auto done = find_row(rows.rows(), id);
  const bool stands = done && rows.rows()[*done].state != RunState::deleted;
  if (stands && !taken_up) {
    throw Error(Code::exists, "the campaign has a run '" + id + "' already");
  }
  std::size_t added = done.value_or(0);
  if (!stands) {
    if (may_be_there(site_.run_dir(id))) {
      throw Error(Code::exists, "there is a run '" + id + "' of another campaign");
    }
    CloneAsk ask{.run_id = id};
    const bool warm = flag_at(op.ask, "warm_start");
    for (const auto& word : member(op.ask, "set")) ask.set.push_back(word.get<std::string>());
    if (warm) {
      require_warm_start(site_, op.run_id);
      ask.warm_start = warm_start_place(site_, op.run_id).string();
    }
    added = rows.add(cloned_row(rows.values(row), ask, rules_),
                     {{"parent", op.run_id}, {"warm_start", warm}, {"by", op.by}, {"op", op.id}});
  }
  op.result = {{"run_id", id}, {"n", rows.rows()[added].n}};
  finish(op, OpState::completed);
}

/// A clone that is to begin from this run's checkpoint still needs it.
void Operations::require_no_warm_child(const RowControl& rows, const std::string& run_id) const {
  const std::string mark =
      std::string(warm_start_name) + "=" + warm_start_place(site_, run_id).string();
  for (std::size_t i = 0; i < rows.rows().size(); ++i) {
    if (rows.rows()[i].state != RunState::pending) continue;
    const auto& env = rows.values(i).env;
    if (std::ranges::find(env, mark) == env.end()) continue;
    throw Error(Code::precondition,
                "'" + rows.rows()[i].run_id + "' is yet to begin from its checkpoint");
  }
}

Json Operations::resumable(const std::string& run_id) const {
  return resume_facts(out_place(site_, run_id), site_.live().has_value());
}

/// On the disk before anything is changed; false when the disk does not take it: later, then.
bool Operations::begin(Operation& op) {
  op.state = OpState::processing;
  op.started_ms = site_.clock().now_ms();
  if (save(op)) return true;
  op.state = OpState::pending;
  op.started_ms.reset();
  op.found = Json::object();
  return false;
}

void Operations::finish(Operation& op, OpState state, std::string reason) {
  op.state = state;
  op.reason = std::move(reason);
  op.finished_ms = site_.clock().now_ms();
  manifests_.erase(op.id);
  std::erase_if(told_, [&](const auto& told) { return told.first.first == op.id; });
  say_(op_text(op) + ", " + std::string(name(op.kind)) +
       (op.run_id.empty() ? "" : " " + op.run_id) + ": " + std::string(name(state)) +
       (op.reason.empty() ? "" : ": " + op.reason));
}

bool Operations::save(const Operation& op) {
  try {
    store_.write(op);
    return true;
  } catch (const Error& fault) {
    say_(op_text(op) + " cannot be recorded: " + fault.what());
    return false;
  }
}

}  // namespace workflow::sweep
