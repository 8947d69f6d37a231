#include "sweep/op_request.h"

#include <algorithm>
#include <csignal>

#include "common/error.h"
#include "common/file_lock.h"
#include "common/sha256.h"
#include "common/text.h"
#include "sweep/apply_request.h"
#include "sweep/campaign.h"
#include "sweep/cloned_row.h"
#include "sweep/evidence.h"
#include "sweep/executor.h"
#include "sweep/executor_start.h"
#include "sweep/op_facts.h"
#include "sweep/other_executor.h"

namespace workflow::sweep {
namespace {

using tasks::Liveness;

constexpr std::int64_t executor_ends_ms = 10'000;
constexpr std::int64_t apply_every_ms = 500;

fsm::Event event_of(OpKind kind) { return fsm::event_from(name(kind)).value(); }

/// Needs an executor to come of it: whatever waits must be started.
bool needs_executor(OpKind kind) { return kind != OpKind::run_stop && kind != OpKind::run_delete; }

std::size_t require_row(const Standing& now, const std::string& run_id) {
  if (const auto row = find_row(now.states, run_id)) return *row;
  std::vector<std::string> ids;
  for (const auto& row : now.states) ids.push_back(row.run_id);
  const std::string near = nearest(run_id, ids);
  throw Error(
      Code::not_found, "campaign " + now.campaign.id + " has no run '" + run_id + "'",
      near.empty() ? "workflow sweep-status --all shows its runs" : "did you mean '" + near + "'?");
}

class Request {
 public:
  Request(const tasks::Site& site, const OpAsk& ask, const tasks::Ask& state_ask)
      : site_(site), ask_(ask), state_ask_(state_ask) {}

  OpAsked run() {
    tasks::StateKeeper keeper = site_.keeper();
    if (known_and_over(keeper.load())) return result_;
    tasks::Ask ask = state_ask_;
    ask.event = event_of(ask_.kind);
    ask.reason = std::string(name(ask_.kind)) + (ask_.run_id.empty() ? "" : " " + ask_.run_id);
    ask.effect = [this](tasks::StateRecord& record) { begin(record); };
    const auto advanced = keeper.advance(ask, [this](const tasks::StateRecord& record) {
      tasks::Evidence evidence = gather(site_, record);
      const fsm::State truth = tasks::supported(record, evidence).state;
      if (!record.campaign.empty() && fsm::next(truth, event_of(ask_.kind))) {
        require_reach(record, evidence);
      }
      executor_ = evidence.executor.holds;
      return evidence;
    });
    result_.notes = advanced.notes;
    wake(advanced.after);
    return result_;
  }

 private:
  [[nodiscard]] OpStore store(const std::string& campaign) const {
    return {site_.files(), site_.clock(), site_.campaign_dir(campaign)};
  }

  /// A repeated request whose first answer was lost: nothing is started for it again.
  bool known_and_over(const tasks::StateRecord& record) {
    if (record.campaign.empty() || state_ask_.token.empty()) return false;
    result_.campaign_id = record.campaign;
    for (Operation& op : store(record.campaign).all()) {
      if (op.token != state_ask_.token || !is_over(op.state)) continue;
      result_.op = std::move(op);
      return true;
    }
    return false;
  }

  /// Under the state's lock.
  void begin(tasks::StateRecord& record) {
    if (record.campaign.empty()) {
      throw Error(Code::not_found, "no sweep was started here", "start one: workflow sweep-start");
    }
    const fs::path dir = site_.campaign_dir(record.campaign);
    if (may_be_there(stop_file(dir))) {
      throw Error(Code::busy, "campaign " + record.campaign + " is being stopped",
                  "workflow sweep-start goes on with its rows");
    }
    result_.campaign_id = record.campaign;
    Operation op{.kind = ask_.kind, .run_id = ask_.run_id, .ask = ask_.ask};
    op.by = state_ask_.by.user + "@" + state_ask_.by.host;
    op.token = state_ask_.token;
    if (op.kind == OpKind::sweep_apply) op.ask["manifest_sha256"] = sha256_hex(ask_.manifest);
    const bool repeated = std::ranges::any_of(store(record.campaign).all(), [&](const auto& old) {
      return !op.token.empty() && old.token == op.token;
    });
    if (!repeated) judge(record.campaign, op);
    // First: without the record's word for it, it ends again without having done anything.
    if (needs_executor(ask_.kind)) start_if_none(record, dir);
    result_.op =
        store(record.campaign)
            .add(std::move(op),
                 ask_.kind == OpKind::sweep_apply ? std::optional(ask_.manifest) : std::nullopt);
  }

  void judge(const std::string& campaign, Operation& op) {
    const Standing now(site_, campaign);
    if (op.kind == OpKind::sweep_apply) {
      return require_no_conflict(judge_apply(site_, now, ask_), text_at(op.ask, "manifest_name"));
    }
    // A clone that is asked for has its place in the order, and what comes behind it finds it.
    if (op.kind != OpKind::run_clone && now.cloned.contains(op.run_id)) return;
    const std::size_t row = require_row(now, op.run_id);
    if (op.kind == OpKind::run_clone) judge_clone(now, row, op);
  }

  void judge_clone(const Standing& now, std::size_t row, Operation& op) {
    const auto taken = [&](const std::string& id) {
      const auto known = find_row(now.states, id);
      return (known && now.states[*known].state != RunState::deleted) || now.cloned.contains(id) ||
             may_be_there(site_.run_dir(id));
    };
    std::string id = text_at(op.ask, "run_id");
    if (id.empty()) {
      id = clone_name(op.run_id, taken);
    } else if (require_id("run", id); taken(id)) {
      throw Error(Code::exists, "there is a run '" + id + "' already",
                  "give the clone another --name");
    }
    op.ask["run_id"] = id;
    op.result = {{"run_id", id}, {"n", nullptr}};
    CloneAsk clone{.run_id = id};
    for (const auto& word : member(op.ask, "set")) clone.set.push_back(word.get<std::string>());
    if (flag_at(op.ask, "warm_start")) require_warm_start(site_, op.run_id);
    (void)cloned_row(now.values[row], clone, rules_for(member(now.campaign.site_args, "settings")));
  }

  /// An executor that is just ending would not see it any more: its end is waited for.
  void start_if_none(tasks::StateRecord& record, const fs::path& dir) {
    if (record.state == fsm::State::sweep_running && executor_ == Liveness::alive) return;
    (void)FileLock::take(executor_lock(dir), executor_ends_ms);
    result_.started = start_executor(
        site_,
        {.campaign_id = record.campaign, .request = state_ask_.token, .secrets = ask_.secrets},
        record);
  }

  /// One that does not listen yet will look before it waits.
  void wake(const tasks::StateRecord& record) const {
    if (executor_ != Liveness::alive) return;
    try {
      const tasks::TaskView task = site_.tasks().view(executor_task(record));
      const tasks::ProcessRef& leader = task.record.leader;
      if (task.leader != Liveness::alive || !tasks::blocks(leader.pid, SIGUSR1)) return;
      tasks::send_signal(leader, SIGUSR1);
    } catch (const Error&) {
      // It is asked for all the same, and found at the executor's next look.
    }
  }

  const tasks::Site& site_;
  const OpAsk& ask_;
  const tasks::Ask& state_ask_;
  Liveness executor_ = Liveness::unknown;
  OpAsked result_;
};

bool executor_is_gone(const tasks::Site& site, const std::string& campaign) {
  const tasks::StateRecord record = site.keeper().load();
  if (record.campaign != campaign) return true;
  try {
    return executor_lives(site.tasks().view(executor_task(record))) == Liveness::gone;
  } catch (const Error& fault) {
    if (fault.code() != Code::not_found) throw;
    return true;
  }
}

}  // namespace

OpAsked ask_operation(const tasks::Site& site, const OpAsk& ask, const tasks::Ask& state_ask) {
  recover_record(site, state_ask);
  return Request(site, ask, state_ask).run();
}

Operation await_operation(const tasks::Site& site, const OpAsked& asked, std::int64_t limit_ms,
                          const std::function<bool()>& more) {
  const fs::path dir = site.campaign_dir(asked.campaign_id);
  const OpStore store(site.files(), site.clock(), dir);
  const std::int64_t until = site.clock().steady_ms() + limit_ms;
  std::int64_t apply_at = 0;  // it reads the whole campaign anew
  while (true) {
    Operation op = store.read(asked.op.id);
    if (is_over(op.state)) return op;
    if (!needs_executor(op.kind) && site.clock().steady_ms() >= apply_at &&
        executor_is_gone(site, asked.campaign_id)) {
      (void)apply_operations(site, dir);
      apply_at = site.clock().steady_ms() + apply_every_ms;
      op = store.read(asked.op.id);
      if (is_over(op.state)) return op;
    }
    if (site.clock().steady_ms() >= until || !more()) return op;
  }
}

Json show_operations(const tasks::Site& site, const std::string& campaign,
                     std::optional<std::int64_t> id) {
  if (!campaign.empty()) require_id("campaign", campaign);
  const std::string of = campaign.empty() ? current_campaign(site, site.keeper().load()) : campaign;
  if (of.empty()) {
    throw Error(Code::not_found, "no sweep was started here", "start one: workflow sweep-start");
  }
  (void)read_campaign(site.files(), site.campaign_dir(of));
  const OpStore store(site.files(), site.clock(), site.campaign_dir(of));
  if (id && !store.exists(*id)) {
    throw Error(Code::not_found, "campaign " + of + " has no operation " + std::to_string(*id),
                "workflow sweep-ops lists them");
  }
  Json operations = Json::array();
  for (const Operation& op : id ? std::vector{store.read(*id)} : store.all()) {
    operations.push_back(operation_json(op));
  }
  return {{"campaign", of}, {"operations", std::move(operations)}};
}

}  // namespace workflow::sweep
