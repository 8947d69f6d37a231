#include "sweep/apply_plan.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

namespace workflow::sweep {
namespace {

/// All that a row which has not begun may still change; the line it stands in is no value.
bool same_values(const Row& a, const Row& b) {
  return a.sha256 == b.sha256 && std::tie(a.notes, a.gpus, a.timeout_secs, a.max_retries) ==
                                     std::tie(b.notes, b.gpus, b.timeout_secs, b.max_retries);
}

class Planner {
 public:
  explicit Planner(const ApplyAsk& ask) : ask_(ask) {
    for (std::size_t i = 0; i < ask.standing.size(); ++i) {
      const StandingRow& row = ask.standing[i];
      const auto [it, first] = position_.try_emplace(row.values->run_id, i);
      // A deleted row's id may have been given to another one.
      if (!first && row.state != RunState::deleted) it->second = i;
    }
    std::set<std::string_view> wanted;
    for (const Row& row : ask.rows) {
      wanted.insert(row.run_id);
      const auto at = position_.find(row.run_id);
      if (at == position_.end()) {
        add(row);
      } else {
        judge(at->second, row);
      }
    }
    for (std::size_t i = 0; i < ask.standing.size(); ++i) {
      if (!wanted.contains(ask.standing[i].values->run_id)) gone(i);
    }
  }

  std::vector<PlannedRow> plan;

 private:
  void step(ApplyStep step, std::optional<std::size_t> at, const Row& row, std::string note = {},
            bool busy = false) {
    plan.push_back({step, row.run_id, at, &row, std::move(note), busy});
  }

  void add(const Row& row) {
    switch (ask_.before ? ask_.before(row) : Before::nothing) {
      case Before::nothing:
        return step(ApplyStep::add, {}, row);
      case Before::ended_well:
        return step(ApplyStep::keep, {}, row, "it has ended well in an earlier sweep");
      case Before::other_values:
        if (ask_.force) return step(ApplyStep::anew, {}, row, "the earlier run goes to _bak");
        return step(ApplyStep::conflict, {}, row, "it has run already with other values");
      case Before::going:
        return step(ApplyStep::conflict, {}, row, "a run of that id is going", true);
    }
  }

  void judge(std::size_t i, const Row& row) {
    const StandingRow& now = ask_.standing[i];
    const bool same_run = now.values->sha256 == row.sha256;
    switch (now.state) {
      case RunState::pending:
        if (!same_values(*now.values, row)) step(ApplyStep::replace, i, row);
        return;
      case RunState::running:
        if (same_run) return;
        if (ask_.force) return step(ApplyStep::end_first, i, row, "it is ended first");
        return step(ApplyStep::conflict, i, row, "it is going with other values", true);
      case RunState::deleted:
        if (same_run) return step(ApplyStep::keep, i, row, "it was deleted and stays so");
        return add(row);
      case RunState::cancelled:
        if (same_run || !now.begun) return step(ApplyStep::take_back, i, row);
        [[fallthrough]];
      case RunState::success:
      case RunState::failed:
      case RunState::timed_out:
      case RunState::stopped:
      case RunState::lost:
        if (same_run) return;
        if (ask_.force) return step(ApplyStep::anew, i, row, "its run goes to _bak");
        return step(ApplyStep::conflict, i, row, "it has run already with other values");
    }
  }

  void gone(std::size_t i) {
    const StandingRow& now = ask_.standing[i];
    if (now.cloned || now.state == RunState::deleted || now.state == RunState::cancelled) return;
    PlannedRow planned{ApplyStep::keep, now.values->run_id, i};
    if (now.state == RunState::pending) {
      planned.step = ApplyStep::cancel;
    } else {
      planned.note = now.state == RunState::running ? "it goes on; run-stop ends it" : "it stays";
    }
    plan.push_back(std::move(planned));
  }

  const ApplyAsk& ask_;
  std::unordered_map<std::string_view, std::size_t> position_;
};

std::string_view change_name(const PlannedRow& row) {
  switch (row.step) {
    case ApplyStep::add:
      return "added";
    case ApplyStep::replace:
    case ApplyStep::end_first:
    case ApplyStep::anew:
      return "changed";
    case ApplyStep::take_back:
      return "back";
    case ApplyStep::cancel:
      return "gone";
    case ApplyStep::keep:
      return "kept";
    case ApplyStep::conflict:
      return "conflict";
  }
  return "";
}

}  // namespace

std::vector<PlannedRow> plan_apply(const ApplyAsk& ask) { return std::move(Planner(ask).plan); }

Json plan_json(const std::vector<PlannedRow>& plan, const std::vector<StandingRow>& standing) {
  Json out = Json::array();
  for (const PlannedRow& row : plan) {
    out.push_back({{"run_id", row.run_id},
                   {"change", change_name(row)},
                   {"state", row.row ? Json(fsm::name(standing[*row.row].state)) : Json()},
                   {"note", row.note}});
  }
  return out;
}

bool takes_away(const std::vector<PlannedRow>& plan) {
  return std::ranges::any_of(plan, [](const PlannedRow& row) {
    return row.step == ApplyStep::end_first || row.step == ApplyStep::anew ||
           row.step == ApplyStep::cancel;
  });
}

}  // namespace workflow::sweep
