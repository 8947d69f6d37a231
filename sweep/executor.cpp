#include "sweep/executor.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>

#include "common/error.h"
#include "common/text.h"
#include "sweep/campaign.h"
#include "sweep/evidence.h"
#include "sweep/failure.h"
#include "sweep/gpus.h"
#include "sweep/row_index.h"
#include "sweep/run.h"
#include "tasks/follow.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t retry_pause_ms = 5'000;
// A run whose supervisor cannot be watched through the kernel is looked at this often.
constexpr std::int64_t look_again_ms = 5'000;

struct Going {
  std::size_t row = 0;
  std::vector<std::string> gpus;
  GpuWish wish;
  UniqueFd supervisor;
};

class Executor {
 public:
  Executor(Files& files, const Clock& clock, const fs::path& dir)
      : files_(files),
        clock_(clock),
        campaign_(read_campaign(files, dir)),
        site_(files, clock, campaign_.site_args),
        index_(files, clock, dir),
        manifest_(campaign_rows(files, dir, campaign_)),
        rows_(index_.load()),
        pool_(visible_gpus()) {
    if (rows_.size() != manifest_.size()) bug("campaign index and manifest differ");
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT}) sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  }

  int run() {
    say("campaign " + campaign_.id + ": " + std::to_string(rows_.size()) + " rows, " +
        (pool_.size() == 0 ? "no GPU: one at a time" : std::to_string(pool_.size()) + " GPUs"));
    if (!named_by_state()) {
      say("the state does not name this executor; nothing is started");
      return 1;
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) resume(i);
    while (!stopping_) {
      if (!breaker_open_) schedule();
      if (going_.empty() && (breaker_open_ || all_ended(rows_))) break;
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
  /// Whoever started us may have been killed before the state was written: then nobody knows of us,
  /// and another sweep may start at any moment.
  [[nodiscard]] bool named_by_state() const {
    const tasks::StateRecord record = site_.keeper().load_settled();
    const char* task = std::getenv("WF_TASK_ID");
    return record.campaign == campaign_.id && task != nullptr && executor_task(record) == task;
  }

  /// What an executor before this one left: running rows are adopted, ended ones recorded.
  void resume(std::size_t i) {
    RowState& row = rows_[i];
    if (fsm::is_ended(row.state)) return;
    const auto view = look(i);
    if (row.state == RunState::pending) {
      // The run's own record is on the disk before its command starts; the index may lag behind.
      RowState next = row;
      next.attempt += 1;
      next.state = RunState::running;
      if (!is_attempt(view, campaign_.id, next)) return waiting_.push_back(i);
      row = next;
    }
    if (!is_attempt(view, campaign_.id, row)) {
      // Its record may be gone while it lives: its processes carry where it writes.
      const std::string mark = "TRAIN_OUT_DIR=" + (site_.run_dir(row.run_id) / "out").string();
      if (!tasks::carrying(mark).empty()) return vanished(i);
      row.state = RunState::pending;  // announced, but never started
      row.attempt -= 1;
      waiting_.push_back(i);
    } else if (view->task.record.ended()) {
      ended(i, *view);
    } else {
      say(row.run_id + " is going; adopted");
      watch_run(i, *view);
    }
  }

  void watch_run(std::size_t i, const RunView& view) {
    Going going;
    going.row = i;
    going.wish = wish_of(i);
    going.supervisor = tasks::watch(view.task.record.supervisor);
    if (const auto taken = pool_.take(going.wish)) going.gpus = *taken;
    going_.push_back(std::move(going));
  }

  [[nodiscard]] GpuWish wish_of(std::size_t i) const {
    const std::string& own = manifest_[i].gpus;
    return parse_gpu_wish(own.empty() ? site_.text("SWEEP_GPUS_PER_RUN") : own).value_or(GpuWish{});
  }

  void schedule() {
    const std::int64_t now = clock_.steady_ms();
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      if (const auto at = not_before_.find(*it); at != not_before_.end() && at->second > now) {
        ++it;
        continue;
      }
      const GpuWish wish = wish_of(*it);
      auto gpus = pool_.take(wish);
      if (!gpus) return;  // rows start in the manifest's order; nobody overtakes
      const std::size_t row = *it;
      it = waiting_.erase(it);
      start(row, wish, std::move(*gpus));
    }
  }

  void start(std::size_t i, const GpuWish& wish, std::vector<std::string> gpus) {
    RowState& row = rows_[i];
    row.attempt += 1;
    row.state = RunState::running;
    row.started_at = utc_text(clock_.now_ms());
    row.result = Json::object();
    index_.append(row, false);  // announced first, for readers; the run's record is the proof
    try {
      start_run(site_, campaign_, manifest_[i], {.gpus = gpus, .attempt = row.attempt});
    } catch (const Error& fault) {
      if (fault.code() == Code::unreachable) {  // it may have started: its record will say
        say(row.run_id + ": " + fault.what());
        Going unsure;
        unsure.row = i;
        unsure.gpus = std::move(gpus);
        unsure.wish = wish;
        return going_.push_back(std::move(unsure));
      }
      pool_.give_back(gpus, wish);
      if (fault.code() == Code::busy) return put_back(i, fault.what());
      row.state = RunState::failed;
      row.ended_at = utc_text(clock_.now_ms());
      row.result = {{"reason", fault.what()}};
      index_.append(row);
      say(row.run_id + " could not be started: " + fault.what());
      return count(row);
    }
    say(row.run_id + " started" +
        (row.attempt > 1 ? ", attempt " + std::to_string(row.attempt) : std::string()) +
        (gpus.empty() ? "" : " on GPUs " + join(gpus, ",")));
    Going going;
    going.row = i;
    going.gpus = std::move(gpus);
    going.wish = wish;
    if (const auto view = look(i)) going.supervisor = tasks::watch(view->task.record.supervisor);
    // It may have ended before it could be watched.
    if (!going.supervisor.valid()) just_started_ = true;
    going_.push_back(std::move(going));
  }

  /// Somebody else has the run's directory: that is no failure of the row.
  void put_back(std::size_t i, const std::string& why) {
    RowState& row = rows_[i];
    row.attempt -= 1;
    row.state = RunState::pending;
    row.started_at.clear();
    index_.append(row);
    say(row.run_id + " waits: " + why);
    not_before_[i] = clock_.steady_ms() + retry_pause_ms;
    waiting_.push_front(i);
  }

  void wait() {
    const std::int64_t now = clock_.steady_ms();
    std::int64_t limit = 60'000;
    for (const auto& [row, at] : not_before_) {
      limit = std::min(limit, std::max<std::int64_t>(at - now, 0));
    }
    std::vector<pollfd> fds{{signals_.get(), POLLIN, 0}};
    for (const auto& going : going_) {
      if (!going.supervisor.valid()) limit = std::min(limit, just_started_ ? 0 : look_again_ms);
      fds.push_back({going.supervisor.get(), POLLIN, 0});
    }
    just_started_ = false;
    ::poll(fds.data(), fds.size(), static_cast<int>(limit));
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof info) > 0) stopping_ = true;
    std::erase_if(not_before_,
                  [&](const auto& entry) { return entry.second <= clock_.steady_ms(); });
  }

  void collect() {
    for (std::size_t k = 0; k < going_.size();) {
      Going& going = going_[k];
      pollfd ended_now{going.supervisor.get(), POLLIN, 0};
      const bool look_at_it = !going.supervisor.valid() || ::poll(&ended_now, 1, 0) > 0;
      const auto view = look_at_it ? settle(going.row) : std::nullopt;
      if (look_at_it && !view) {
        const Going done = std::move(going);
        going_.erase(going_.begin() + static_cast<std::ptrdiff_t>(k));
        pool_.give_back(done.gpus, done.wish);
        vanished(done.row);
        continue;
      }
      if (view && view->task.record.ended()) {
        const Going done = std::move(going);
        going_.erase(going_.begin() + static_cast<std::ptrdiff_t>(k));
        pool_.give_back(done.gpus, done.wish);
        ended(done.row, *view);
        continue;
      }
      if (view) going.supervisor = tasks::watch(view->task.record.supervisor);
      ++k;
    }
  }

  [[nodiscard]] std::optional<RunView> look(std::size_t i) const {
    return look_at_run(files_, site_.run_dir(rows_[i].run_id));
  }

  /// Looks at a run whose supervisor has ended; one that died gets another first. Nothing when
  /// its directory is gone: a training may delete anything.
  std::optional<RunView> settle(std::size_t i) const {
    const fs::path dir = site_.run_dir(rows_[i].run_id);
    try {
      (void)tasks::settle(files_, dir);
      return look(i);
    } catch (const Error& fault) {
      if (presence(dir / "status.json") != Presence::absent) throw;
      return std::nullopt;
    }
  }

  void vanished(std::size_t i) {
    RowState& row = rows_[i];
    row.state = RunState::lost;
    row.ended_at = utc_text(clock_.now_ms());
    row.result = {{"reason", "its directory is gone, and its record with it"}};
    index_.append(row);
    say(row.run_id + " lost: its directory is gone");
    count(row);
  }

  void ended(std::size_t i, const RunView& view) {
    RowState& row = rows_[i];
    row.state = view.state;
    row.started_at = text_at(view.summary, "started_at");
    row.ended_at = text_at(view.summary, "ended_at");
    row.result = index_result(view.summary);
    const std::string cls = text_at(member(row.result, "failure"), "class");
    const bool again = view.state != RunState::success && may_retry(i, view.state, cls);
    index_.append(row, false);
    say(row.run_id + " " + std::string(fsm::name(row.state)) +
        (cls.empty() ? "" : " (" + cls + ")") + (again ? "; tried again in 5 s" : ""));
    if (!again) return count(row);
    row.state = fsm::next(row.state, fsm::RunEvent::retry).value();
    index_.append(row, false);
    not_before_[i] = clock_.steady_ms() + retry_pause_ms;
    waiting_.push_front(i);
  }

  [[nodiscard]] bool may_retry(std::size_t i, RunState state, const std::string& cls) const {
    const bool by_order = state == RunState::cancelled || state == RunState::stopped;
    const std::int64_t limit =
        manifest_[i].max_retries ? *manifest_[i].max_retries : site_.number("SWEEP_MAX_RETRIES", 1);
    const std::int64_t allowed = cls == "oom_gpu" ? std::min<std::int64_t>(limit, 1) : limit;
    return !by_order && worth_retrying(cls) && rows_[i].attempt <= allowed;
  }

  void count(const RowState& row) {
    if (row.state == RunState::success) {
      failures_in_a_row_ = 0;
      return;
    }
    failures_in_a_row_ += 1;
    const std::int64_t limit =
        site_.flag("SWEEP_FAIL_FAST") ? 1 : site_.number("SWEEP_MAX_CONSECUTIVE_FAILURES", 5);
    if (limit > 0 && failures_in_a_row_ >= limit && !waiting_.empty()) {
      breaker_open_ = true;
      say(std::to_string(failures_in_a_row_) + " rows failed one after the other; no more start");
    }
  }

  void conclude() {
    index_.flush();  // a state that says completed must find the rows so
    const bool broken = !all_ended(rows_);
    tasks::Ask ask;
    ask.event = broken ? fsm::Event::breaker_open : fsm::Event::all_rows_ended;
    ask.by = site_.actor();
    ask.by.pid = ::getpid();
    ask.reason = broken ? std::to_string(failures_in_a_row_) + " rows failed one after the other"
                        : "every selected row has ended";
    try {
      tasks::StateKeeper keeper = site_.keeper();
      keeper.advance(ask, [&](const tasks::StateRecord& record) {
        if (record.campaign != campaign_.id) bug("the state is about another campaign");
        tasks::Evidence evidence = gather(site_, record);
        evidence.executor.holds = tasks::Liveness::alive;
        return evidence;
      });
      say(ask.reason);
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
  RowIndex index_;
  std::vector<Row> manifest_;
  std::vector<RowState> rows_;
  GpuPool pool_;
  UniqueFd signals_;
  std::deque<std::size_t> waiting_;
  std::map<std::size_t, std::int64_t> not_before_;
  std::vector<Going> going_;
  std::int64_t failures_in_a_row_ = 0;
  bool breaker_open_ = false;
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
