#include "sweep/executor.h"

#include <poll.h>

#include <csignal>
#include <cstdio>

#include "common/error.h"
#include "common/text.h"
#include "sweep/campaign_rows.h"
#include "sweep/going_runs.h"
#include "sweep/put_away.h"
#include "sweep/retry_policy.h"
#include "sweep/row_control.h"
#include "sweep/schedule.h"
#include "sweep/sweep_end.h"
#include "tasks/cancel.h"
#include "tasks/signal_inbox.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t longest_wait_ms = 60'000;
constexpr const char* gone_with_its_directory = "its directory is gone, and its record with it";

class Executor : public RowControl {
 public:
  Executor(Files& files, const Clock& clock, const fs::path& dir)
      : clock_(clock),
        campaign_(read_campaign(files, dir)),
        site_(files, clock, campaign_.site_args),
        index_(
            files, clock, dir, [this](std::int64_t ms) { return told_to_stop(ms); },
            [this](const std::string& text) { say(text); }),
        rows_(site_, campaign_, index_, dir),
        schedule_(schedule_for(site_)) {
    for (std::size_t i = 0; i < rows_.size(); ++i) schedule_.add(wish_of(site_, rows_.values(i)));
  }

  int run() {
    say("campaign " + campaign_.id + ": " + std::to_string(rows_.size()) + " rows, " +
        (schedule_.pool().size() == 0 ? "no GPU: one at a time"
                                      : std::to_string(schedule_.pool().size()) + " GPUs"));
    if (!names_this_executor(site_, campaign_)) {
      say("the state does not name this executor; nothing is started");
      return 1;
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) resume(i);
    while (!stopping_) {
      while (const auto next = schedule_.next(clock_.steady_ms())) start(next->row, next->gpus);
      if (going_.empty() && (schedule_.breaker_open() || all_ended(rows_.states()))) break;
      going_.wait(signals_.fd(), schedule_.quiet_ms(clock_.steady_ms(), longest_wait_ms));
      (void)told_to_stop(0);
      collect();
    }
    if (stopping_) {
      say("told to stop; " + std::to_string(going_.size()) + " runs go on without me");
      return 0;
    }
    conclude();
    return 0;
  }

  [[nodiscard]] const std::vector<RowState>& rows() const override { return rows_.states(); }
  [[nodiscard]] const Row& values(std::size_t i) const override { return rows_.values(i); }

  void end(std::size_t i, const tasks::Order& order) override {
    if (rows_[i].state == RunState::pending) {
      const bool stop = order.as == fsm::name(RunState::stopped);
      const std::string by = order.by.empty() ? "" : " by " + order.by;
      rows_.give_up(i, stop ? fsm::RunEvent::stop : fsm::RunEvent::cancel,
                    {{"reason", order.reason.empty() ? (stop ? "stopped" : "cancelled") + by
                                                     : order.reason}});
      schedule_.drop(i);
    } else {
      (void)tasks::order_cancel(site_.files(), site_.run_dir(rows_[i].run_id), order);
    }
  }

  void again(std::size_t i) override {
    rows_.again(i, true);
    schedule_.enqueue(i);
  }

  std::size_t add(const Row& values, const Json& origin) override {
    const std::size_t i = rows_.add(values, origin);
    (void)schedule_.add(wish_of(site_, values));
    schedule_.enqueue(i);
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
  void resume(std::size_t i) {
    learn(i);
    if (fsm::is_ended(rows_[i].state)) return;
    std::optional<RunView> view;
    try {
      if (rows_[i].state == RunState::pending) rows_.catch_up(i);
      if (rows_[i].state == RunState::pending) return schedule_.enqueue(i);
      view = rows_.look(i);
    } catch (const Error& fault) {
      if (rows_[i].state == RunState::pending) return schedule_.enqueue(i);  // its start will tell
      schedule_.adopt(i, {});
      return unreadable(i, fault);
    }
    if (!rows_.is_current(i, view)) {
      // Its record may be gone while it lives.
      if (processes_of(site_, rows_[i].run_id)) {
        return vanished(i, "its record is gone while it lives");
      }
      rows_.withdraw(i);
      schedule_.enqueue(i);
    } else if (view->task.record.ended()) {
      ended(i, *view);
    } else {
      say(rows_[i].run_id + " is going; adopted");
      schedule_.adopt(i, gpus_of(*view));
      going_.add(i, view->task.record.supervisor);
    }
  }

  void start(std::size_t i, const std::vector<std::string>& gpus) {
    rows_.announce(i);
    const RowState& row = rows_[i];
    try {
      start_run(site_, campaign_, rows_.values(i), {.gpus = gpus, .attempt = row.attempt});
    } catch (const Error& fault) {
      return not_started(i, fault);
    }
    say(row.run_id + " started" +
        (row.attempt > 1 ? ", attempt " + std::to_string(row.attempt) : std::string()) +
        (gpus.empty() ? "" : " on GPUs " + join(gpus, ",")));
    if (const auto view = rows_.look(i)) {
      going_.add(i, view->task.record.supervisor);
    } else {
      going_.add(i);
    }
  }

  void not_started(std::size_t i, const Error& fault) {
    if (fault.code() == Code::unreachable) {  // it may have started: its record will say
      say(rows_[i].run_id + ": " + fault.what());
      going_.add(i);
    } else if (fault.code() == Code::busy ||
               (fault.code() == Code::precondition && !index_.room())) {  // no fault of the row's
      put_back(i, fault.what());
    } else {
      say(rows_[i].run_id + " could not be started: " + fault.what());
      give_up(i, fsm::RunEvent::exit_bad, fault.what());
    }
  }

  /// It has not run, and its turn is yet to come.
  void put_back(std::size_t i, const std::string& why) {
    say(rows_[i].run_id + " waits: " + why);
    rows_.withdraw(i);
    schedule_.put_back(i, clock_.steady_ms());
  }

  void give_up(std::size_t i, fsm::RunEvent event, const std::string& reason) {
    rows_.give_up(i, event, {{"reason", reason}});
    schedule_.failed_for_good(i, {});
    tell_breaker();
  }

  /// Waits for a signal; true when one has come that ends this executor.
  bool told_to_stop(std::int64_t longest_ms) {
    pollfd inbox{signals_.fd(), POLLIN, 0};
    if (!stopping_) ::poll(&inbox, 1, static_cast<int>(longest_ms));
    for (const int signal : signals_.take()) stopping_ = stopping_ || signal != SIGUSR1;
    return stopping_;
  }

  void collect() {
    for (const std::size_t i : going_.take_ended()) look_again(i);
  }

  void look_again(std::size_t i) {
    std::optional<RunView> view;
    try {
      view = rows_.settle(i);
    } catch (const Error& fault) {
      return unreadable(i, fault);
    }
    if (!view) return vanished(i, gone_with_its_directory);
    if (view->task.record.ended()) return ended(i, *view);
    going_.add(i, view->task.record.supervisor);
  }

  /// A run without a record, or with bytes that are none: a training may do that to anything. While
  /// one of its processes lives, or the disk does not answer, it is looked at again.
  void unreadable(std::size_t i, const Error& fault) {
    const fs::path dir = site_.run_dir(rows_[i].run_id);
    if (presence(dir / "status.json") == Presence::absent) {
      return vanished(i, gone_with_its_directory);
    }
    if (can_be_read(site_.files(), dir) && !processes_of(site_, rows_[i].run_id)) {
      return vanished(i, fault.what());
    }
    going_.add(i);
  }

  void vanished(std::size_t i, const std::string& why) {
    say(rows_[i].run_id + " lost: " + why);
    give_up(i, fsm::RunEvent::vanish, why);
  }

  void ended(std::size_t i, const RunView& view) {
    if (view.task.never_started()) {  // whoever was to start it was killed first
      return put_back(i, "announced and never started");
    }
    rows_.ended(i, view);
    learn(i);
    const RowState& row = rows_[i];
    const std::string cls = text_at(member(row.result, "failure"), "class");
    if (!spends_budget(cls)) rows_.forgive(i);
    const auto wait = schedule_.ended(
        i, {.state = view.state, .failure_class = cls, .attempt = row.attempt - row.forgiven},
        clock_.steady_ms());
    say(row.run_id + " " + std::string(fsm::name(row.state)) +
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

  void tell_breaker() {
    if (!schedule_.breaker_open() || breaker_told_) return;
    breaker_told_ = true;
    say(rows_failed() + "; no more start");
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
      say(reason);
    } catch (const Error& fault) {
      say(std::string("the state was not moved: ") + fault.what());
    }
  }

  void say(const std::string& text) const {
    std::printf("%s  %s\n", utc_text(clock_.now_ms()).c_str(), text.c_str());
    std::fflush(stdout);
  }

  const Clock& clock_;
  Campaign campaign_;
  tasks::Site site_;
  tasks::SignalInbox signals_{SIGTERM, SIGINT, SIGUSR1};
  GoingRuns going_;
  PatientIndex index_;
  CampaignRows rows_;
  Schedule schedule_;
  bool breaker_told_ = false;
  bool stopping_ = false;
};

}  // namespace

int execute_campaign(Files& files, const Clock& clock, const fs::path& campaign_dir) {
  const auto lock = FileLock::try_take(campaign_dir / ".executor");
  if (!lock) {
    std::printf("another executor has this campaign\n");
    return 1;
  }
  return Executor(files, clock, campaign_dir).run();
}

}  // namespace workflow::sweep
