#include "sweep/campaign_runs.h"

#include "common/error.h"
#include "common/text.h"
#include "sweep/health.h"
#include "sweep/put_away.h"
#include "sweep/retry_policy.h"
#include "tasks/cancel.h"

namespace workflow::sweep {
namespace {

/// A run that its health ended is tried again as that policy says.
AttemptEnd::Again policy_of(const Json& health, const std::string& cls) {
  const std::string action = text_at(health, "action");
  if (text_at(health, "class") != cls) return AttemptEnd::Again::by_class;
  if (action == name(Action::retry)) return AttemptEnd::Again::yes;
  return action == name(Action::stop) ? AttemptEnd::Again::no : AttemptEnd::Again::by_class;
}

}  // namespace

CampaignRuns::CampaignRuns(const tasks::Site& site, const Campaign& campaign, PatientIndex& index,
                           const fs::path& dir, GpuDesk& gpus, Say say)
    : site_(site),
      campaign_(campaign),
      index_(index),
      gpus_(gpus),
      say_(std::move(say)),
      rows_(site, campaign, index, dir),
      attempts_(site, rows_),
      schedule_(schedule_for(site, gpus.pool())) {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    (void)schedule_.add(wish_of(site_, rows_.values(i)));
    learn(i);
  }
}

/// What an executor before this one left: running rows are adopted, ended ones recorded.
void CampaignRuns::find() {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (fsm::is_ended(rows_[i].state)) continue;
    const Sight sight = attempts_.found(i);
    if (sight.kind == Sight::Kind::waiting) {
      enqueue(i);
    } else if (sight.kind == Sight::Kind::never_began) {
      rows_.withdraw(i);
      enqueue(i);
    } else {
      if (sight.kind == Sight::Kind::going) adopt(i, sight);
      take(i, sight);
    }
  }
}

void CampaignRuns::adopt(std::size_t i, const Sight& sight) {
  say_(rows_[i].run_id + " is going; adopted");
  schedule_.adopt(i, sight.view ? gpus_of(*sight.view) : std::vector<std::string>());
  if (!sight.view) return;
  if (const auto other = gpus_.adopt(*sight.view, schedule_.share(i))) {
    say_(rows_[i].run_id + " goes on although " + *other);
  }
}

/// A row that this machine can never serve fails now, and not at the end of the night.
void CampaignRuns::enqueue(std::size_t i) {
  if (!schedule_.hopeless(i)) return schedule_.enqueue(i);
  const std::string why =
      "it wants " + wish_text(site_, rows_.values(i)) + " GPUs; this machine has " + gpus_.text();
  say_(rows_[i].run_id + " cannot start: " + why);
  rows_.give_up(i, fsm::RunEvent::exit_bad, {{"reason", why}});
}

void CampaignRuns::start_what_fits(std::int64_t now_ms) {
  give_orders();
  while (const auto next = schedule_.next(now_ms)) start(next->row, next->gpus);
}

void CampaignRuns::start(std::size_t i, const std::vector<std::string>& gpus) {
  rows_.announce(i);
  const RowState& row = rows_[i];
  if (const auto other = gpus_.take(row.run_id, gpus, schedule_.share(i))) {
    return put_back(i, *other);
  }
  try {
    start_run(
        site_, campaign_, rows_.values(i),
        {.gpus = gpus, .attempt = row.attempt, .origin = row.origin, .leases = &gpus_.leases()});
  } catch (const Error& fault) {
    return not_started(i, fault);
  }
  say_(row.run_id + " started" +
       (row.attempt > 1 ? ", attempt " + std::to_string(row.attempt) : std::string()) +
       (gpus.empty() ? "" : " on GPUs " + join(gpus, ",")));
  const auto view = rows_.look(i);
  if (!view) return going_.add(i);
  going_.add(i, view->task.record.supervisor);
}

void CampaignRuns::not_started(std::size_t i, const Error& fault) {
  if (fault.code() == Code::unreachable) {  // it may have started: its record will say
    say_(rows_[i].run_id + ": " + fault.what());
    going_.add(i);
  } else if (fault.code() == Code::busy ||
             (fault.code() == Code::precondition && !index_.room())) {  // no fault of the row's
    put_back(i, fault.what());
  } else {
    say_(rows_[i].run_id + " could not be started: " + fault.what());
    give_up(i, fsm::RunEvent::exit_bad, fault.what());
  }
}

/// It has not run, and its turn is yet to come.
void CampaignRuns::put_back(std::size_t i, const std::string& why) {
  say_(rows_[i].run_id + " waits: " + why);
  gpus_.release(rows_[i].run_id);
  rows_.withdraw(i);
  schedule_.put_back(i, site_.clock().steady_ms());
}

void CampaignRuns::give_up(std::size_t i, fsm::RunEvent event, const std::string& reason) {
  gpus_.release(rows_[i].run_id);
  rows_.give_up(i, event, {{"reason", reason}});
  schedule_.failed_for_good(i, {});
  tell_breaker();
}

void CampaignRuns::collect() {
  for (const std::size_t i : going_.take_ended()) take(i, attempts_.now(i));
}

void CampaignRuns::take(std::size_t i, const Sight& sight) {
  switch (sight.kind) {
    case Sight::Kind::going:
      return sight.view ? going_.add(i, sight.view->task.record.supervisor) : going_.add(i);
    case Sight::Kind::ended:
      return ended(i, *sight.view);
    case Sight::Kind::waiting:
    case Sight::Kind::never_began:
      return put_back(i, "announced and never started");
    case Sight::Kind::lost:
      say_(rows_[i].run_id + " lost: " + sight.why);
      return give_up(i, fsm::RunEvent::vanish, sight.why);
  }
}

void CampaignRuns::ended(std::size_t i, const RunView& view) {
  gpus_.release(rows_[i].run_id);
  rows_.ended(i, view);
  learn(i);
  const RowState& row = rows_[i];
  const std::string cls = text_at(member(row.result, "failure"), "class");
  if (!spends_budget(cls)) rows_.forgive(i);
  const auto wait = schedule_.ended(i,
                                    {.state = view.state,
                                     .failure_class = cls,
                                     .attempt = row.attempt - row.forgiven,
                                     .again = policy_of(row.health, cls)},
                                    site_.clock().steady_ms());
  say_(row.run_id + " " + std::string(fsm::name(row.state)) +
       (cls.empty() ? "" : " (" + cls + ")") +
       (wait ? "; tried again in " + human_duration(*wait / 1000) : ""));
  if (!wait) return tell_breaker();
  rows_.again(i, false);
}

/// How long rows of its kind take.
void CampaignRuns::learn(std::size_t i) {
  const Json& seconds = member(rows_[i].result, "seconds");
  if (rows_[i].state == RunState::success && seconds.is_number()) {
    schedule_.learn(i, seconds.get<double>());
  }
}

void CampaignRuns::end_for(std::size_t i, const Json& health,
                           const std::optional<tasks::Order>& order) {
  rows_.note_health(i, health);
  if (order) owed_[i] = *order;
  give_orders();
}

/// An order that could not be written, to a full disk say, is given again at the next turn.
void CampaignRuns::give_orders() {
  std::erase_if(owed_, [this](const auto& owed) {
    const std::string& id = rows_[owed.first].run_id;
    if (rows_[owed.first].state != RunState::running) return true;
    try {
      (void)tasks::order_cancel(site_.files(), site_.run_dir(id), owed.second);
      return true;
    } catch (const Error& fault) {
      if (told_owed_.insert(owed.first).second) {
        say_(id + " could not be ended yet: " + fault.what());
      }
      return false;
    }
  });
}

void CampaignRuns::end(std::size_t i, const tasks::Order& order) {
  if (rows_[i].state != RunState::pending) {
    (void)tasks::order_cancel(site_.files(), site_.run_dir(rows_[i].run_id), order);
    return;
  }
  const bool stop = order.as == fsm::name(RunState::stopped);
  const std::string by = order.by.empty() ? "" : " by " + order.by;
  rows_.give_up(
      i, stop ? fsm::RunEvent::stop : fsm::RunEvent::cancel,
      {{"reason", order.reason.empty() ? (stop ? "stopped" : "cancelled") + by : order.reason}});
  schedule_.drop(i);
}

void CampaignRuns::again(std::size_t i) {
  rows_.again(i, true);
  enqueue(i);
}

std::size_t CampaignRuns::add(const Row& values, const Json& origin) {
  const std::size_t i = rows_.add(values, origin);
  (void)schedule_.add(wish_of(site_, values));
  enqueue(i);
  return i;
}

void CampaignRuns::replace(std::size_t i, const Row& values) {
  rows_.replace(i, values);
  schedule_.replace(i, wish_of(site_, values));
}

void CampaignRuns::remove(std::size_t i) {
  trash_run(site_, rows_[i].run_id);
  rows_.removed(i);
}

void CampaignRuns::tell_breaker() {
  if (!schedule_.breaker_open() || breaker_told_) return;
  breaker_told_ = true;
  say_(breaker_text() + "; no more start");
}

std::string CampaignRuns::breaker_text() const {
  const FailureStreak& streak = schedule_.streak();
  return std::to_string(streak.rows) + " rows failed one after the other" +
         (streak.cls.empty() ? "" : " (" + streak.cls + ")");
}

}  // namespace workflow::sweep
