#include "sweep/executor.h"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "common/error.h"
#include "common/text.h"
#include "sweep/campaign.h"
#include "sweep/patient_index.h"
#include "sweep/row_index.h"
#include "sweep/run.h"
#include "sweep/schedule.h"
#include "sweep/sweep_end.h"
#include "tasks/follow.h"
#include "tasks/signal_inbox.h"

namespace workflow::sweep {
namespace {

// A run whose supervisor cannot be watched through the kernel is looked at this often.
constexpr std::int64_t look_again_ms = 5'000;
constexpr const char* gone_with_its_directory = "its directory is gone, and its record with it";

/// A run that goes on, and what tells of its end; an invalid descriptor is looked at again.
struct Going {
  std::size_t row = 0;
  UniqueFd supervisor{};
};

class Executor {
 public:
  Executor(Files& files, const Clock& clock, const fs::path& dir)
      : files_(files),
        clock_(clock),
        campaign_(read_campaign(files, dir)),
        site_(files, clock, campaign_.site_args),
        index_(files, clock, dir, signals_.fd(), [this](const std::string& text) { say(text); }),
        manifest_(campaign_rows(files, dir, campaign_)),
        rows_(index_.load()),
        schedule_(schedule_for(site_, manifest_)) {
    if (rows_.size() != manifest_.size()) {
      throw Error(Code::precondition,
                  "'" + (dir / "rows.jsonl").string() + "' is of another manifest than this sweep",
                  "workflow fsm-reset CHECKED_OUT and sweep-start begin anew");
    }
  }

  int run() {
    say("campaign " + campaign_.id + ": " + std::to_string(rows_.size()) + " rows, " +
        (schedule_.gpu_count() == 0 ? "no GPU: one at a time"
                                    : std::to_string(schedule_.gpu_count()) + " GPUs"));
    if (!names_this_executor(site_, campaign_)) {
      say("the state does not name this executor; nothing is started");
      return 1;
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) resume(i);
    while (!stopping_) {
      while (const auto next = schedule_.next(clock_.steady_ms())) start(next->row, next->gpus);
      if (going_.empty() && (schedule_.breaker_open() || all_ended(rows_))) break;
      wait();
      collect();
    }
    if (stopping_) {
      say("told to stop; " + std::to_string(going_.size()) + " runs go on without me");
      return 0;
    }
    conclude();
    return 0;
  }

 private:
  /// What an executor before this one left: running rows are adopted, ended ones recorded.
  void resume(std::size_t i) {
    RowState& row = rows_[i];
    if (fsm::is_ended(row.state)) return;
    std::optional<RunView> view;
    try {
      view = look(i);
    } catch (const Error& fault) {
      if (row.state == RunState::pending) return schedule_.enqueue(i);  // its start will tell
      schedule_.adopt(i, {});
      return unreadable(i, fault);
    }
    if (row.state == RunState::pending) {
      // The run's own record is on the disk before its command starts; the index may lag behind.
      RowState next = row;
      announce(next);
      if (!is_attempt(view, campaign_.id, next)) return schedule_.enqueue(i);
      row = next;
    }
    if (!is_attempt(view, campaign_.id, row)) {
      // Its record may be gone while it lives.
      if (processes_of(site_, row.run_id)) return vanished(i, "its record is gone while it lives");
      withdraw(row);
      schedule_.enqueue(i);
    } else if (view->task.record.ended()) {
      ended(i, *view);
    } else {
      say(row.run_id + " is going; adopted");
      schedule_.adopt(i, gpus_of(*view));
      going_.push_back({i, tasks::watch(view->task.record.supervisor)});
    }
  }

  static void announce(RowState& row) {
    row.attempt += 1;
    move(row, fsm::RunEvent::start);
  }

  /// Announced, but never started.
  static void withdraw(RowState& row) {
    row.attempt -= 1;
    move(row, fsm::RunEvent::put_back);
    row.started_at.clear();
  }

  void start(std::size_t i, const std::vector<std::string>& gpus) {
    RowState& row = rows_[i];
    announce(row);
    row.started_at = utc_text(clock_.now_ms());
    row.result = Json::object();
    index_.append(row, false);  // announced first, for readers; the run's record is the proof
    try {
      start_run(site_, campaign_, manifest_[i], {.gpus = gpus, .attempt = row.attempt});
    } catch (const Error& fault) {
      return not_started(i, fault);
    }
    say(row.run_id + " started" +
        (row.attempt > 1 ? ", attempt " + std::to_string(row.attempt) : std::string()) +
        (gpus.empty() ? "" : " on GPUs " + join(gpus, ",")));
    Going going{i};
    if (const auto view = look(i)) going.supervisor = tasks::watch(view->task.record.supervisor);
    // It may have ended before it could be watched.
    if (!going.supervisor.valid()) just_started_ = true;
    going_.push_back(std::move(going));
  }

  void not_started(std::size_t i, const Error& fault) {
    RowState& row = rows_[i];
    if (fault.code() == Code::unreachable) {  // it may have started: its record will say
      say(row.run_id + ": " + fault.what());
      going_.push_back({i});
    } else if (fault.code() == Code::busy) {
      put_back(i, fault);
    } else if (fault.code() == Code::precondition && !index_.room()) {
      put_back(i, fault);  // no fault of the row's
    } else {
      say(row.run_id + " could not be started: " + fault.what());
      give_up(i, fsm::RunEvent::exit_bad, fault.what());
    }
  }

  void put_back(std::size_t i, const Error& fault) {
    RowState& row = rows_[i];
    say(row.run_id + " waits: " + fault.what());
    withdraw(row);
    index_.append(row);
    schedule_.put_back(i, clock_.steady_ms());
  }

  /// A row that ends without a record of its own.
  void give_up(std::size_t i, fsm::RunEvent event, const std::string& reason) {
    RowState& row = rows_[i];
    move(row, event);
    row.ended_at = utc_text(clock_.now_ms());
    row.result = {{"reason", reason}};
    index_.append(row);
    schedule_.failed_for_good(i);
    tell_breaker();
  }

  void wait() {
    std::int64_t limit = schedule_.quiet_ms(clock_.steady_ms(), 60'000);
    std::vector<pollfd> fds{{signals_.fd(), POLLIN, 0}};
    for (const auto& going : going_) {
      if (!going.supervisor.valid()) limit = std::min(limit, just_started_ ? 0 : look_again_ms);
      fds.push_back({going.supervisor.get(), POLLIN, 0});
    }
    just_started_ = false;
    ::poll(fds.data(), fds.size(), static_cast<int>(limit));
    if (!signals_.take().empty()) stopping_ = true;
  }

  void collect() {
    std::vector<Going> going = std::move(going_);
    going_.clear();
    for (Going& run : going) {
      pollfd ended_now{run.supervisor.get(), POLLIN, 0};
      if (run.supervisor.valid() && ::poll(&ended_now, 1, 0) <= 0) {
        going_.push_back(std::move(run));
      } else {
        look_again(run.row);
      }
    }
  }

  void look_again(std::size_t i) {
    std::optional<RunView> view;
    try {
      view = settle(i);
    } catch (const Error& fault) {
      return unreadable(i, fault);
    }
    if (!view) return vanished(i, gone_with_its_directory);
    if (view->task.record.ended()) return ended(i, *view);
    going_.push_back({i, tasks::watch(view->task.record.supervisor)});
  }

  [[nodiscard]] std::optional<RunView> look(std::size_t i) const {
    return look_at_run(files_, site_.run_dir(rows_[i].run_id));
  }

  /// Looks at a run whose supervisor has ended; one that died gets another first.
  std::optional<RunView> settle(std::size_t i) const {
    (void)tasks::settle(files_, site_.run_dir(rows_[i].run_id));
    return look(i);
  }

  /// A run without a record, or with bytes that are none: a training may do that to anything. While
  /// one of its processes lives, or the disk does not answer, it is looked at again.
  void unreadable(std::size_t i, const Error& fault) {
    const fs::path dir = site_.run_dir(rows_[i].run_id);
    if (presence(dir / "status.json") == Presence::absent) {
      return vanished(i, gone_with_its_directory);
    }
    if (can_be_read(files_, dir) && !processes_of(site_, rows_[i].run_id)) {
      return vanished(i, fault.what());
    }
    going_.push_back({i});
  }

  void vanished(std::size_t i, const std::string& why) {
    say(rows_[i].run_id + " lost: " + why);
    give_up(i, fsm::RunEvent::vanish, why);
  }

  /// Whoever was to start it was killed first: it has not run, and its turn is yet to come.
  void not_begun(std::size_t i) {
    say(rows_[i].run_id + " was announced and never started");
    withdraw(rows_[i]);
    index_.append(rows_[i]);
    schedule_.put_back(i, clock_.steady_ms());
  }

  void ended(std::size_t i, const RunView& view) {
    if (view.task.never_started()) return not_begun(i);
    RowState& row = rows_[i];
    move_to(row, view.state);
    row.started_at = text_at(view.summary, "started_at");
    row.ended_at = text_at(view.summary, "ended_at");
    row.result = index_result(view.summary);
    const std::string cls = text_at(member(row.result, "failure"), "class");
    const bool again = schedule_.ended(i, {view.state, cls, row.attempt}, clock_.steady_ms());
    index_.append(row, false);
    say(row.run_id + " " + std::string(fsm::name(row.state)) +
        (cls.empty() ? "" : " (" + cls + ")") + (again ? "; tried again in 5 s" : ""));
    if (!again) return tell_breaker();
    move(row, fsm::RunEvent::retry);
    index_.append(row, false);
  }

  void tell_breaker() {
    if (!schedule_.breaker_open() || breaker_told_) return;
    breaker_told_ = true;
    say(rows_failed() + "; no more start");
  }

  [[nodiscard]] std::string rows_failed() const {
    return std::to_string(schedule_.failures_in_a_row()) + " rows failed one after the other";
  }

  void conclude() {
    index_.flush();  // a state that says completed must find the rows so
    const bool broken = !all_ended(rows_);
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

  Files& files_;
  const Clock& clock_;
  Campaign campaign_;
  tasks::Site site_;
  tasks::SignalInbox signals_{SIGTERM, SIGINT};
  PatientIndex index_;
  std::vector<Row> manifest_;
  std::vector<RowState> rows_;
  Schedule schedule_;
  std::vector<Going> going_;
  bool breaker_told_ = false;
  bool stopping_ = false;
  bool just_started_ = true;
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
