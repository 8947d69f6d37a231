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
#include "tasks/gpu_hold.h"
#include "tasks/jobs/job_record.h"
#include "tasks/leader_end.h"
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
      : files_(files),
        clock_(clock),
        job_(std::move(job)),
        status_(files, clock, spec_, job_.dir),
        end_(clock, spec_, record_) {
    TaskView view = observe(files_, job_.dir);
    // We hold the lock: a task without any recorded supervisor has none but us.
    orphaned_ = view.orphaned() || view.record.supervisor.pid == 0;
    leader_lives_ = view.leader == Liveness::alive;
    spec_ = std::move(view.spec);
    record_ = std::move(view.record);
    record_.supervisor = reference(::getpid());
    record_.place = here();
    beside_.emplace(files_, job_.dir, spec_, record_.log_hole,
                    [this](const FileHole& hole, const std::string& fault) {
                      record_.log_hole = hole;
                      record_.log_fault = fault;
                      status_.beat(record_);  // on a full disk the next one says it
                    });
    gpu_leases_ = gpu_leases_of(spec_);
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
    name_gpu_holder();
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
    name_gpu_holder();
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
      if (spec_.timeout_secs > 0) end_.set_limit(clock_.steady_ms() + spec_.timeout_secs * 1000);
      status_.write(record_);
    });
    if (spec_.kind != TaskKind::sweep) job_.secrets.clear();
    return child;
  }

  void record_adoption() {
    if (spec_.timeout_secs > 0 && record_.started_ms) {
      // By the kernel's own clock: the wall's may have been set since.
      const auto ticks = static_cast<std::int64_t>(record_.leader.start);
      end_.set_limit(ticks * 1000 / ::sysconf(_SC_CLK_TCK) + spec_.timeout_secs * 1000);
    }
    if (may_be_there(order_file(job_.dir))) cancel();
    status_.write(record_);
  }

  [[nodiscard]] TaskTree tree() const { return {record_.leader, task_marker(spec_), own_}; }

  void watch_leader(UniqueFd leader = {}) {
    while (!leader_ended_) {
      const std::int64_t now = clock_.steady_ms();
      if (now >= next_heartbeat_ms_) beat(now);
      act_on_time(now);
      beside_->turn(now);
      const std::int64_t wake = std::min({next_heartbeat_ms_, end_.next_ms(), beside_->next_ms()});
      std::vector<pollfd> fds{{signals_.fd(), POLLIN, 0}, {leader.get(), POLLIN, 0}};
      for (const int fd : end_.fds()) fds.push_back({fd, POLLIN, 0});
      ::poll(fds.data(), fds.size(),
             static_cast<int>(std::clamp<std::int64_t>(wake - now, 0, end_.longest_wait_ms())));
      if (fds[1].revents != 0) leader_ended_ = true;
      take_news();
    }
  }

  void beat(std::int64_t now) {
    // An observation, not a fact of its own: worth a rename, not a flush of the disk.
    if (next_heartbeat_ms_ != 0) status_.beat(record_);
    next_heartbeat_ms_ = now + heartbeat_every_ms;
  }

  void act_on_time(std::int64_t now) {
    if (end_.limit_is_over(now)) {
      reap();  // it may have ended by itself at the very same moment
      if (!leader_ended_) end_.time_out(tree());
    }
    if (!leader_ended_) end_.turn(now, tree());
  }

  void cancel() {
    if (own_) reap();  // it may have ended by itself before the order came
    if (leader_ended_) return;
    const Order order = read_order(files_, job_.dir);
    if (!end_.why()) return end_.cancel(order, tree());
    end_.hasten(order);
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
        spec_.kind == TaskKind::step && !end_.why() && (record_.signal.has_value() || !own_);
    if ((spec_.leader_only && !killed_step) || childless()) return;
    const auto settle = [this] {
      pollfd signals{signals_.fd(), POLLIN, 0};
      ::poll(&signals, 1, 20);
      take_news();
    };
    const Leftovers left =
        end_leftovers(tree(), clock_, {end_.grace_ms(), end_.group_was_told(), settle});
    if (left.found == 0) return;
    for (const auto& process : left.survivors) {
      record_.survivors.push_back(std::to_string(process.pid) + " " + command_line(process.pid));
    }
    record_.reason += (record_.reason.empty() ? "" : "; ") + left.text();
  }

  void name_gpu_holder() {
    if (gpu_leases_) gpu_leases_->runs_as(job_.dir, {record_.leader, record_.supervisor});
  }

  /// Before the end is told: who waits for that may take them at once.
  void release_gpus() {
    if (gpu_leases_) gpu_leases_->release(job_.dir);
    gpu_leases_.reset();
  }

  void conclude() {
    release_gpus();
    const fsm::TaskEvent event = ending();
    if (event == fsm::TaskEvent::vanish && record_.ending.empty()) {
      const bool started = record_.leader.pid != 0;
      record_.reason = started ? "exit status unknown: its supervisor died before it"
                               : "never started: its supervisor died first";
    }
    if (event == fsm::TaskEvent::exit_bad && spec_.kind == TaskKind::job) {
      if (auto why = job_failure(files_, job_.dir); !why.empty()) record_.reason = std::move(why);
    }
    beside_->end_log();
    copy_last(event);
    finish(event, record_.reason);
  }

  [[nodiscard]] fsm::TaskEvent ending() const {
    using enum fsm::TaskEvent;
    if (end_.why()) return *end_.why();
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
    release_gpus();
    status_.write_last(record_);
    say("ended");  // first: whoever waits for this word may hold a lock that on_end needs
    if (job_.on_end) job_.on_end(job_.dir, spec_, record_, job_.secrets);
    beside_->mirror();
  }

  void say(std::string_view word) {
    if (!job_.ready.valid()) return;
    [[maybe_unused]] const auto n = ::write(job_.ready.get(), word.data(), word.size());
    job_.ready.reset();
  }

  Files& files_;
  const Clock& clock_;
  SupervisorJob job_;
  TaskSpec spec_;
  TaskRecord record_;
  StatusFile status_;  ///< of spec_
  LeaderEnd end_;      ///< of spec_ and record_
  std::optional<Beside> beside_;
  std::optional<GpuLeases> gpu_leases_;
  std::optional<std::int64_t> ended_ms_;  ///< when the command ended, while a copy goes on
  SignalInbox signals_{SIGCHLD, SIGTERM, SIGINT, SIGHUP};
  bool own_ = true;        ///< the command is our child
  bool orphaned_ = false;  ///< its supervisor is proven gone
  bool leader_lives_ = false;
  bool leader_ended_ = false;
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
