#include "tasks/supervisor.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "common/error.h"
#include "common/text.h"
#include "tasks/beside.h"
#include "tasks/command_start.h"
#include "tasks/launcher_end.h"
#include "tasks/order.h"
#include "tasks/signal_inbox.h"
#include "tasks/status_file.h"
#include "tasks/store.h"
#include "tasks/task_tree.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t heartbeat_every_ms = 60'000;

class Supervisor {
 public:
  Supervisor(Files& files, const Clock& clock, SupervisorJob job)
      : files_(files), clock_(clock), job_(std::move(job)), status_(files, clock, spec_, job_.dir) {
    TaskView view = observe(files_, job_.dir);
    // We hold the lock: a task without any recorded supervisor has none but us.
    orphaned_ = view.orphaned() || view.record.supervisor.pid == 0;
    leader_lives_ = view.leader == Liveness::alive;
    spec_ = std::move(view.spec);
    record_ = std::move(view.record);
    record_.supervisor = reference(::getpid());
    record_.place = here();
    beside_.emplace(files_, job_.dir, spec_);
    grace_secs_ = spec_.grace_secs;
  }

  void run_new() {
    if (record_.state != TaskState::pending) bug("a task is started twice");
    try {
      run_command();
    } catch (const Error& fault) {
      say(std::string(not_started) + fault.what());
      throw;
    }
  }

  void run_orphan() {
    own_ = false;
    if (record_.ended() || !orphaned_) return say("nothing to adopt");
    UniqueFd leader = leader_lives_ ? watch(record_.leader) : UniqueFd();
    record_adoption();
    if (leader.valid()) {
      say("adopted");
      watch_leader(std::move(leader));
    }
    if (record_.started_ms) end_what_is_left();
    conclude();
  }

 private:
  void run_command() {
    // Orphans of the command become our children, so that none escapes and all are reaped.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const Spawned child = start();
    if (child.failure) {
      reap();
      return finish(fsm::TaskEvent::exit_bad, child.failure->words());
    }
    say("running");
    // Whoever asked before our pid was on the disk had nobody to send a signal to.
    if (presence(order_file(job_.dir)) == Presence::there) cancel();
    watch_leader();
    end_what_is_left();
    conclude();
  }

  Spawned start() {
    const Spawned child = start_command(spec_, job_.dir, job_.secrets, [this](pid_t pid) {
      record_.leader = reference(pid);
      record_.started_ms = clock_.now_ms();
      record_.state = fsm::next(record_.state, fsm::TaskEvent::start).value();
      if (spec_.timeout_secs > 0) deadline_ms_ = clock_.steady_ms() + spec_.timeout_secs * 1000;
      status_.write(record_);
    });
    std::fill(job_.secrets.begin(), job_.secrets.end(), std::string());
    return child;
  }

  void record_adoption() {
    if (spec_.timeout_secs > 0 && record_.started_ms) {
      // By the kernel's own clock: the wall's may have been set since.
      const auto ticks = static_cast<std::int64_t>(record_.leader.start);
      deadline_ms_ = ticks * 1000 / ::sysconf(_SC_CLK_TCK) + spec_.timeout_secs * 1000;
    }
    if (fs::exists(order_file(job_.dir))) cancel();
    status_.write(record_);
  }

  [[nodiscard]] TaskTree tree() const { return {record_.leader, task_marker(spec_), own_}; }

  void watch_leader(UniqueFd leader = {}) {
    while (!leader_ended_) {
      const std::int64_t now = clock_.steady_ms();
      if (now >= next_heartbeat_ms_) beat(now);
      act_on_time(now);
      end_launcher();
      beside_->turn(now);
      const std::int64_t wake =
          std::min({next_heartbeat_ms_, deadline_ms_, kill_ms_, beside_->next_ms()});
      std::vector<pollfd> fds{{signals_.fd(), POLLIN, 0}, {leader.get(), POLLIN, 0}};
      if (launcher_end_) {
        for (const int fd : launcher_end_->fds()) fds.push_back({fd, POLLIN, 0});
      }
      ::poll(fds.data(), fds.size(),
             static_cast<int>(std::clamp<std::int64_t>(wake - now, 0, longest_wait_ms())));
      if (fds[1].revents != 0) leader_ended_ = true;
      take_news();
    }
  }

  /// Where the kernel cannot tell of an end (no pidfd), the children are looked at again.
  [[nodiscard]] std::int64_t longest_wait_ms() const { return launcher_end_ ? 100 : 60'000; }

  /// Its children have ended: now the launcher is told, and need not be given long.
  void end_launcher() {
    if (!launcher_end_ || !launcher_end_->turn()) return;
    launcher_end_.reset();
    kill_ms_ = std::min(kill_ms_, clock_.steady_ms() + spec_.grace_secs * 1000);
    tree().signal_group(SIGTERM);
  }

  void beat(std::int64_t now) {
    // An observation, not a fact of its own: worth a rename, not a flush of the disk.
    if (next_heartbeat_ms_ != 0) status_.beat(record_);
    next_heartbeat_ms_ = now + heartbeat_every_ms;
  }

  void act_on_time(std::int64_t now) {
    if (leader_ended_) return;
    if (now >= deadline_ms_ && !why_) {
      reap();  // it may have ended by itself at the very same moment
      if (leader_ended_) return;
      why_ = fsm::TaskEvent::time_out;
      record_.reason = "limit " + human_duration(spec_.timeout_secs) + ", ended by TERM";
      end_leader(SIGTERM);
    }
    if (now >= kill_ms_) {
      kill_ms_ = never;
      if (const auto at = record_.reason.rfind("TERM"); at != std::string::npos) {
        record_.reason.replace(at, 4, "KILL after " + human_duration(grace_secs_));
      }
      end_leader(SIGKILL);
    }
  }

  void cancel() {
    if (own_) reap();  // it may have ended by itself before the order came
    if (leader_ended_ || why_) return;
    why_ = fsm::TaskEvent::cancel;
    const Order order = read_order(files_, job_.dir);
    record_.stopped_as = order.as;
    record_.ordered_class = order.cls;
    grace_secs_ = order.grace_secs.value_or(spec_.grace_secs);
    const std::string by = order.by.empty() ? "" : " by " + order.by;
    record_.reason = (order.reason.empty() ? "cancelled" + by : order.reason) + ", ended by TERM";
    end_leader(SIGTERM);
  }

  void end_leader(int signal) {
    deadline_ms_ = never;
    if (signal == SIGTERM) kill_ms_ = clock_.steady_ms() + grace_secs_ * 1000;
    if (signal == SIGTERM && flag_at(spec_.owner, "launcher")) {
      launcher_end_.emplace(record_.leader);
      return;
    }
    tree().signal_group(signal);
    if (signal == SIGKILL && !spec_.leader_only) {
      for (const auto& process : tree().others()) send_signal(process, SIGKILL);
    }
  }

  void take_news() {
    for (const int signal : signals_.take()) {
      if (signal == SIGTERM || signal == SIGINT) cancel();
    }
    reap();
  }

  void reap() {
    int status = 0;
    while (true) {
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid <= 0) return;
      if (pid != record_.leader.pid) continue;
      const ExitStatus ended = ExitStatus::from_wait(status);
      record_.exit_code = ended.code;
      record_.signal = ended.signal;
      leader_ended_ = true;
    }
  }

  /// Proof that nobody is left: whoever loses its parent below us becomes our child.
  [[nodiscard]] bool childless() {
    reap();
    return own_ && ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
  }

  /// What the leader left behind is ended, and who survives even that is named.
  void end_what_is_left() {
    // What a killed step was doing must not go on beside the next one; how an orphan ended, nobody
    // knows. A step that ends by itself may leave a service behind.
    const bool killed_step =
        spec_.kind == TaskKind::step && !why_ && (record_.signal.has_value() || !own_);
    if ((spec_.leader_only && !killed_step) || childless()) return;
    const auto settle = [this] {
      pollfd signals{signals_.fd(), POLLIN, 0};
      ::poll(&signals, 1, 20);
      take_news();
    };
    const Leftovers left =
        end_leftovers(tree(), clock_, {grace_secs_ * 1000, why_ && !launcher_end_, settle});
    if (left.found == 0) return;
    for (const auto& process : left.survivors) {
      record_.survivors.push_back(std::to_string(process.pid) + " " + command_line(process.pid));
    }
    record_.reason += (record_.reason.empty() ? "" : "; ") + left.text();
  }

  void conclude() {
    const fsm::TaskEvent event = ending();
    if (event == fsm::TaskEvent::vanish && record_.ending.empty()) {
      const bool started = record_.leader.pid != 0;
      record_.reason = started ? "exit status unknown: its supervisor died before it"
                               : "never started: its supervisor died first";
    }
    copy_last(event);
    finish(event, record_.reason);
  }

  [[nodiscard]] fsm::TaskEvent ending() const {
    using enum fsm::TaskEvent;
    if (why_) return *why_;
    for (const auto known : {exit_ok, exit_bad, time_out, cancel, vanish}) {
      if (record_.ending == fsm::name(known)) return known;  // the supervisor before us knew it
    }
    if (!own_) return vanish;
    return record_.exit_code == 0 ? exit_ok : exit_bad;
  }

  /// How it ended is on the disk before a copy that may take its time.
  void copy_last(fsm::TaskEvent event) {
    if (!run_out_of(spec_)) return;
    ended_ms_ = clock_.now_ms();
    record_.ending = fsm::name(event);
    try {
      status_.write(record_);
    } catch (const Error&) {
      // A full disk: the last record waits for room, this one only guards against our own death.
    }
    beside_->finish([this] { take_news(); });
    record_.ending.clear();
  }

  void finish(fsm::TaskEvent event, std::string reason) {
    const auto state = fsm::next(record_.state, event);
    if (!state) bug("a task cannot end so");
    record_.state = *state;
    if (event != fsm::TaskEvent::cancel) {
      record_.stopped_as.clear();
      record_.ordered_class.clear();
    }
    record_.reason = std::move(reason);
    record_.ended_ms = ended_ms_.value_or(clock_.now_ms());
    status_.write_last(record_);
    say("ended");  // first: whoever waits for this word may hold a lock that on_end needs
    if (job_.on_end) job_.on_end(job_.dir, spec_, record_);
    beside_->mirror();
  }

  void say(std::string_view word) {
    if (!job_.ready.valid()) return;
    [[maybe_unused]] const auto n = ::write(job_.ready.get(), word.data(), word.size());
    job_.ready.reset();
  }

  static constexpr std::int64_t never = INT64_MAX;

  Files& files_;
  const Clock& clock_;
  SupervisorJob job_;
  TaskSpec spec_;
  TaskRecord record_;
  StatusFile status_;  ///< of spec_
  std::optional<Beside> beside_;
  std::optional<std::int64_t> ended_ms_;  ///< when the command ended, while a copy goes on
  SignalInbox signals_{SIGCHLD, SIGTERM, SIGINT, SIGHUP};
  bool own_ = true;        ///< the command is our child
  bool orphaned_ = false;  ///< its supervisor is proven gone
  bool leader_lives_ = false;
  bool leader_ended_ = false;
  std::optional<fsm::TaskEvent> why_;  ///< set when it was we who ended it
  std::int64_t deadline_ms_ = never;
  std::int64_t kill_ms_ = never;
  std::int64_t grace_secs_ = 0;              ///< between TERM and KILL
  std::optional<LauncherEnd> launcher_end_;  ///< until its children have ended
  std::int64_t next_heartbeat_ms_ = 0;
};

}  // namespace

void supervise(Files& files, const Clock& clock, SupervisorJob job) {
  Supervisor(files, clock, std::move(job)).run_new();
}

void supervise_orphan(Files& files, const Clock& clock, SupervisorJob job) {
  Supervisor(files, clock, std::move(job)).run_orphan();
}

}  // namespace workflow::tasks
