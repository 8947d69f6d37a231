#include "sweep/executor.h"

#include <poll.h>

#include <csignal>
#include <cstdio>

#include "common/error.h"
#include "common/text.h"
#include "sweep/attempts.h"
#include "sweep/end_hook.h"
#include "sweep/executor_note.h"
#include "sweep/going_runs.h"
#include "sweep/gpu_desk.h"
#include "sweep/health.h"
#include "sweep/put_away.h"
#include "sweep/retry_policy.h"
#include "sweep/row_control.h"
#include "sweep/schedule.h"
#include "sweep/sweep_end.h"
#include "tasks/cancel.h"
#include "tasks/free_space.h"
#include "tasks/signal_inbox.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t longest_wait_ms = 60'000;
constexpr std::int64_t look_for_room_ms = 10'000;

using Say = std::function<void(const std::string&)>;

/// A run that its health ended is tried again as that policy says.
AttemptEnd::Again policy_of(const Json& health, const std::string& cls) {
  const std::string action = text_at(health, "action");
  if (text_at(health, "class") != cls) return AttemptEnd::Again::by_class;
  if (action == name(Action::retry)) return AttemptEnd::Again::yes;
  return action == name(Action::stop) ? AttemptEnd::Again::no : AttemptEnd::Again::by_class;
}

class Executor : public RowControl {
 public:
  Executor(Files& files, const Clock& clock, const fs::path& dir, Say say)
      : clock_(clock),
        dir_(dir),
        say_(std::move(say)),
        campaign_(read_campaign(files, dir)),
        site_(files, clock, campaign_.site_args),
        index_(
            files, clock, dir, [this](std::int64_t ms) { return told_to_stop(ms); }, say_),
        rows_(site_, campaign_, index_, dir),
        attempts_(site_, rows_),
        gpus_(site_, campaign_),
        schedule_(schedule_for(site_, gpus_.pool())),
        health_(site_, tasks::gpu_activity) {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      (void)schedule_.add(wish_of(site_, rows_.values(i)));
      learn(i);
    }
    note_.gpus = gpus_.text();
  }

  int run() {
    say_("campaign " + campaign_.id + ": " + std::to_string(rows_.size()) + " rows, " + note_.gpus);
    if (!names_this_executor(site_, campaign_)) {
      say_("the state does not name this executor; nothing is started");
      return 1;
    }
    find_rows();
    while (!stopping_) {
      start_what_fits();
      look_at_health();
      if (going_.empty() && (schedule_.breaker_open() || all_ended(rows_.states()))) break;
      going_.wait(signals_.fd(), quiet_ms());
      (void)told_to_stop(0);
      collect();
    }
    if (stopping_) {
      say_("told to stop; " + std::to_string(going_.size()) + " runs go on without me");
      return 0;
    }
    conclude();
    return 0;
  }

  [[nodiscard]] const std::vector<RowState>& rows() const override { return rows_.states(); }
  [[nodiscard]] const Row& values(std::size_t i) const override { return rows_.values(i); }

  void end(std::size_t i, const tasks::Order& order) override {
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

  void again(std::size_t i) override {
    rows_.again(i, true);
    enqueue(i);
  }

  std::size_t add(const Row& values, const Json& origin) override {
    const std::size_t i = rows_.add(values, origin);
    (void)schedule_.add(wish_of(site_, values));
    enqueue(i);
    return i;
  }

  void replace(std::size_t i, const Row& values) override {
    rows_.replace(i, values);
    schedule_.replace(i, wish_of(site_, values));
  }

  void remove(std::size_t i) override {
    trash_run(site_, rows_[i].run_id);
    rows_.removed(i);
  }

 private:
  /// What an executor before this one left: running rows are adopted, ended ones recorded.
  void find_rows() {
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

  void adopt(std::size_t i, const Sight& sight) {
    say_(rows_[i].run_id + " is going; adopted");
    schedule_.adopt(i, sight.view ? gpus_of(*sight.view) : std::vector<std::string>());
    if (!sight.view) return;
    if (const auto other = gpus_.adopt(*sight.view, schedule_.share(i))) {
      say_(rows_[i].run_id + " goes on although " + *other);
    }
  }

  /// A row that this machine can never serve fails now, and not at the end of the night.
  void enqueue(std::size_t i) {
    if (!schedule_.hopeless(i)) return schedule_.enqueue(i);
    const std::string why =
        "it wants " + wish_text(site_, rows_.values(i)) + " GPUs; this machine has " + gpus_.text();
    say_(rows_[i].run_id + " cannot start: " + why);
    give_up(i, fsm::RunEvent::exit_bad, why);
  }

  void start_what_fits() {
    const std::int64_t now = clock_.steady_ms();
    if (schedule_.waiting() > 0 && !schedule_.breaker_open()) look_around(now);
    while (const auto next = schedule_.next(now)) start(next->row, next->gpus);
  }

  /// Who else is on the GPUs, and whether the disk has room for one more run.
  void look_around(std::int64_t now) {
    ExecutorNote seen = note_;
    if (gpus_.look(schedule_.held(), now)) {
      schedule_.leave_out(gpus_.left_out());
      seen.left_out = gpus_.reasons();
      for (const auto& reason : seen.left_out) say_("left out: " + reason);
    }
    const auto space = tasks::short_of_space(site_);
    if (space) schedule_.hold(now + look_for_room_ms);
    seen.paused = space.value_or("");
    if (seen.paused != note_.paused) {
      say_(space ? "nothing starts: " + *space : "there is room again");
    }
    if (seen == note_) return;
    note_ = std::move(seen);
    write_note(site_.files(), dir_, note_);
  }

  void start(std::size_t i, const std::vector<std::string>& gpus) {
    rows_.announce(i);
    const RowState& row = rows_[i];
    try {
      if (const auto other = gpus_.take(row.run_id, gpus, schedule_.share(i))) {
        return put_back(i, *other);
      }
      start_run(site_, campaign_, rows_.values(i),
                {.gpus = gpus, .attempt = row.attempt, .origin = row.origin});
    } catch (const Error& fault) {
      return not_started(i, fault);
    }
    say_(row.run_id + " started" +
         (row.attempt > 1 ? ", attempt " + std::to_string(row.attempt) : std::string()) +
         (gpus.empty() ? "" : " on GPUs " + join(gpus, ",")));
    const auto view = rows_.look(i);
    if (!view) return going_.add(i);
    gpus_.runs(*view);
    going_.add(i, view->task.record.supervisor);
  }

  void not_started(std::size_t i, const Error& fault) {
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
  void put_back(std::size_t i, const std::string& why) {
    say_(rows_[i].run_id + " waits: " + why);
    gpus_.release(rows_[i].run_id);
    rows_.withdraw(i);
    schedule_.put_back(i, clock_.steady_ms());
  }

  void give_up(std::size_t i, fsm::RunEvent event, const std::string& reason) {
    gpus_.release(rows_[i].run_id);
    rows_.give_up(i, event, {{"reason", reason}});
    schedule_.failed_for_good(i, {});
    tell_breaker();
  }

  [[nodiscard]] std::int64_t quiet_ms() const {
    const std::int64_t now = clock_.steady_ms();
    const std::int64_t health = going_.empty() ? longest_wait_ms : health_.next_ms() - now;
    const bool shut_out = !note_.left_out.empty() && schedule_.waiting() > 0;
    return std::clamp<std::int64_t>(health, 0,
                                    schedule_.quiet_ms(now, shut_out ? 15'000 : longest_wait_ms));
  }

  /// Waits for a signal; true when one has come that ends this executor.
  bool told_to_stop(std::int64_t longest_ms) {
    pollfd inbox{signals_.fd(), POLLIN, 0};
    if (!stopping_) ::poll(&inbox, 1, static_cast<int>(longest_ms));
    for (const int signal : signals_.take()) stopping_ = stopping_ || signal != SIGUSR1;
    return stopping_;
  }

  void collect() {
    for (const std::size_t i : going_.take_ended()) take(i, attempts_.now(i));
  }

  void take(std::size_t i, const Sight& sight) {
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

  void ended(std::size_t i, const RunView& view) {
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
                                      clock_.steady_ms());
    say_(row.run_id + " " + std::string(fsm::name(row.state)) +
         (cls.empty() ? "" : " (" + cls + ")") +
         (wait ? "; tried again in " + human_duration(*wait / 1000) : ""));
    if (!wait) return tell_breaker();
    rows_.again(i, false);
    // The next row would only fill the disk again.
    if (cls == "disk_full") schedule_.hold(clock_.steady_ms() + *wait);
  }

  /// How long rows of its kind take.
  void learn(std::size_t i) {
    const Json& seconds = member(rows_[i].result, "seconds");
    if (rows_[i].state == RunState::success && seconds.is_number()) {
      schedule_.learn(i, seconds.get<double>());
    }
  }

  void look_at_health() {
    const std::int64_t now = clock_.steady_ms();
    if (going_.empty() || now < health_.next_ms()) return;
    std::vector<Watched> watched;
    for (const std::size_t i : going_.rows()) {
      watched.push_back({i, rows_[i].run_id, rows_[i].attempt});
    }
    for (const Finding& finding : health_.look(watched, now)) {
      const std::string& id = rows_[finding.row].run_id;
      say_(id + ": " + std::string(name(finding.action)) + ": " + finding.reason);
      rows_.note_health(finding.row, health_json(finding, clock_.now_ms()));
      if (finding.action != Action::retry && finding.action != Action::stop) continue;
      try {
        (void)tasks::order_cancel(site_.files(), site_.run_dir(id), order_of(finding));
      } catch (const Error& fault) {
        say_(id + " could not be ended: " + fault.what());
      }
    }
  }

  void tell_breaker() {
    if (!schedule_.breaker_open() || breaker_told_) return;
    breaker_told_ = true;
    say_(rows_failed() + "; no more start");
  }

  [[nodiscard]] std::string rows_failed() const {
    const FailureStreak& streak = schedule_.streak();
    return std::to_string(streak.rows) + " rows failed one after the other" +
           (streak.cls.empty() ? "" : " (" + streak.cls + ")");
  }

  void conclude() {
    index_.flush();  // a state that says completed must find the rows so
    const bool broken = !all_ended(rows_.states());
    const auto event = broken ? fsm::Event::breaker_open : fsm::Event::all_rows_ended;
    const std::string reason = broken ? rows_failed() : "every selected row has ended";
    try {
      end_sweep(site_, campaign_, event, reason);
      say_(reason);
    } catch (const Error& fault) {
      say_(std::string("the state was not moved: ") + fault.what());
    }
    const fsm::State state = broken ? fsm::State::sweep_stalled : fsm::State::sweep_completed;
    const Json told = end_event(site_, campaign_, rows_.states(), state, reason);
    if (const auto fault = tell_end(site_, campaign_, told)) say_(*fault);
  }

  const Clock& clock_;
  fs::path dir_;
  Say say_;
  Campaign campaign_;
  tasks::Site site_;
  tasks::SignalInbox signals_{SIGTERM, SIGINT, SIGUSR1};
  GoingRuns going_;
  PatientIndex index_;
  CampaignRows rows_;
  Attempts attempts_;
  GpuDesk gpus_;
  Schedule schedule_;
  HealthWatch health_;
  ExecutorNote note_;
  bool breaker_told_ = false;
  bool stopping_ = false;
};

}  // namespace

int execute_campaign(Files& files, const Clock& clock, const fs::path& campaign_dir) {
  const auto say = [&clock](const std::string& text) {
    std::printf("%s  %s\n", utc_text(clock.now_ms()).c_str(), text.c_str());
    std::fflush(stdout);
  };
  const auto lock = FileLock::try_take(campaign_dir / ".executor");
  if (!lock) {
    say("another executor has this campaign");
    return 1;
  }
  return Executor(files, clock, campaign_dir, say).run();
}

}  // namespace workflow::sweep
