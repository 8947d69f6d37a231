#include "tasks/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "common/error.h"
#include "common/spawn.h"
#include "common/text.h"
#include "tasks/store.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t heartbeat_every_ms = 60'000;
constexpr std::int64_t after_kill_ms = 5'000;

class Supervisor {
 public:
  Supervisor(Files& files, const Clock& clock, SupervisorJob job)
      : files_(files), clock_(clock), job_(std::move(job)) {
    TaskView view = observe(files_, job_.dir);
    // We hold the lock: a task without any recorded supervisor has none but us.
    orphaned_ = view.orphaned() || view.record.supervisor.pid == 0;
    leader_lives_ = view.leader == Liveness::alive;
    spec_ = std::move(view.spec);
    record_ = std::move(view.record);
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    record_.supervisor = reference(::getpid());
    record_.place = here();
  }

  void run_new() {
    if (record_.state != TaskState::pending) bug("a task is started twice");
    // Orphans of the command become our children, so that none escapes and all are reaped.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const Spawned child = start_command();
    if (child.failure) {
      reap();
      return finish(fsm::TaskEvent::exit_bad,
                    "cannot " + child.failure->step + ": " + errno_text(child.failure->error));
    }
    say("running");
    // Whoever asked before our pid was on the disk had nobody to send a signal to.
    if (presence(order_file(job_.dir)) == Presence::there) cancel();
    watch_until([this] { return leader_ended_; }, UniqueFd());
    end_leftovers();
    conclude();
  }

  void run_orphan() {
    own_ = false;
    if (record_.ended() || !orphaned_) return say("nothing to adopt");
    UniqueFd leader = leader_lives_ ? watch(record_.leader) : UniqueFd();
    record_adoption();
    if (leader.valid()) {
      say("adopted");
      watch_until([this] { return leader_ended_; }, std::move(leader));
    }
    if (record_.started_ms) end_leftovers();
    conclude();
  }

 private:
  Spawned start_command() {
    const UniqueFd log(
        ::open((job_.dir / "stdout.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!log.valid()) throw_errno("cannot open '" + (job_.dir / "stdout.log").string() + "'");
    std::vector<std::string> set = {"PYTHONUNBUFFERED=1"};
    set.insert(set.end(), spec_.env.begin(), spec_.env.end());
    set.insert(set.end(), job_.secrets.begin(), job_.secrets.end());
    set.insert(set.end(), {"WF_TASK_ID=" + spec_.task_id, marker()});
    SpawnSpec spec;
    spec.argv = spec_.argv;
    if (spec.argv.empty()) spec.argv = {"bash", (job_.dir / "command.sh").string()};
    spec.env = environment_with(set);
    spec.workdir = spec_.workdir;
    spec.out = log.get();
    spec.err = log.get();
    spec.new_session = true;
    spec.before_exec = [this](pid_t pid) {
      record_.leader = reference(pid);
      record_.started_ms = clock_.now_ms();
      record_.state = fsm::next(record_.state, fsm::TaskEvent::start).value();
      if (spec_.timeout_secs > 0) deadline_ms_ = clock_.steady_ms() + spec_.timeout_secs * 1000;
      write_record();
    };
    Spawned child = spawn(spec);
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
    write_record();
  }

  [[nodiscard]] std::string marker() const { return "WF_TASK_TOKEN=" + spec_.token; }

  template <class Done>
  void watch_until(Done done, UniqueFd leader) {
    while (!done()) {
      const std::int64_t now = clock_.steady_ms();
      if (now >= next_heartbeat_ms_) beat(now);
      act_on_time(now);
      const std::int64_t wake = std::min({next_heartbeat_ms_, deadline_ms_, kill_ms_});
      std::array<pollfd, 2> fds{{{signals_.get(), POLLIN, 0}, {leader.get(), POLLIN, 0}}};
      ::poll(fds.data(), fds.size(),
             static_cast<int>(std::clamp<std::int64_t>(wake - now, 0, 60'000)));
      if (fds[1].revents != 0) leader_ended_ = true;
      read_signals();
      reap();
    }
  }

  void beat(std::int64_t now) {
    // An observation, not a fact of its own: worth a rename, not a flush of the disk.
    if (next_heartbeat_ms_ != 0) {
      record_.heartbeat_ms = clock_.now_ms();
      try {
        files_.write(job_.dir / "status.json", pretty_json(status_json(spec_, record_, job_.dir)),
                     {.durable = false});
      } catch (const Error&) {
        // A full disk must not end the watch: the next beat or the last record says it.
      }
    }
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
        record_.reason.replace(at, 4, "KILL after " + human_duration(spec_.grace_secs));
      }
      end_leader(SIGKILL);
    }
  }

  void cancel() {
    if (own_) reap();  // it may have ended by itself before the order came
    if (leader_ended_ || why_) return;
    why_ = fsm::TaskEvent::cancel;
    record_.reason = "cancelled, ended by TERM";
    const auto order = files_.read(order_file(job_.dir));
    if (order) {
      try {
        const Json asked = parse_json(*order, "order.json");
        record_.stopped_as = text_at(asked, "as");
        if (const std::string by = text_at(asked, "by"); !by.empty()) {
          record_.reason = "cancelled by " + by + ", ended by TERM";
        }
      } catch (const Error&) {
        // Whoever asked, asked for an end.
      }
    }
    end_leader(SIGTERM);
  }

  void end_leader(int signal) {
    deadline_ms_ = never;
    if (signal == SIGTERM) kill_ms_ = clock_.steady_ms() + spec_.grace_secs * 1000;
    if (start_time(record_.leader.pid) == record_.leader.start) {
      ::kill(-record_.leader.pid, signal);
    }
    if (signal == SIGKILL && !spec_.leader_only) {
      for (const auto& process : others()) send_signal(process, SIGKILL);
    }
  }

  void read_signals() {
    signalfd_siginfo info{};
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT) cancel();
    }
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

  /// Every process of this task but the leader and us. A task that was started from within this
  /// one has a supervisor of its own and is not ours to end.
  [[nodiscard]] std::vector<ProcessRef> others() const {
    std::vector<ProcessRef> found;
    // The tree below another's child counts only while that child lives: its number is soon given
    // to a stranger.
    if (own_ || start_time(record_.leader.pid) == record_.leader.start) {
      found = descendants(own_ ? ::getpid() : record_.leader.pid, is_supervisor);
    }
    for (const auto& process : carrying(marker())) {
      const bool known = std::any_of(found.begin(), found.end(),
                                     [&](const auto& other) { return other.pid == process.pid; });
      if (!known && process.pid != ::getpid()) found.push_back(process);
    }
    return found;
  }

  /// What the leader left behind would hold the GPU of the next run: TERM, grace, KILL, and who
  /// survives even that is named.
  void end_leftovers() {
    if (spec_.leader_only || childless()) return;
    std::vector<ProcessRef> left = others();
    if (left.empty()) return;
    std::size_t count = left.size();
    const auto all = [&](int signal, std::int64_t limit_ms) {
      for (const auto& process : left) {
        // Our TERM to the group has reached it: a second one is "quit at once" to many trainers.
        const bool told = signal == SIGTERM && why_ && ::getpgid(process.pid) == record_.leader.pid;
        if (!told) send_signal(process, signal);
      }
      deadline_ms_ = kill_ms_ = never;
      const std::int64_t until = clock_.steady_ms() + limit_ms;
      while (!(left = others()).empty() && clock_.steady_ms() < until) {
        pollfd signals{signals_.get(), POLLIN, 0};
        ::poll(&signals, 1, 20);
        read_signals();
        reap();
      }
    };
    all(SIGTERM, spec_.grace_secs * 1000);
    if (!left.empty()) all(SIGKILL, after_kill_ms);
    for (const auto& process : left) {
      record_.survivors.push_back(std::to_string(process.pid) + " " + command_line(process.pid));
    }
    count = std::max(count, left.size());  // they may have started others meanwhile
    if (!record_.reason.empty()) record_.reason += "; ";
    record_.reason += "ended " + std::to_string(count - left.size()) + " of " +
                      std::to_string(count) + " processes it left behind";
  }

  void conclude() {
    if (why_) return finish(*why_, record_.reason);
    if (!own_) {
      const bool started = record_.leader.pid != 0;
      return finish(fsm::TaskEvent::vanish,
                    started ? "exit status unknown: its supervisor died before it"
                            : "never started: its supervisor died first");
    }
    const bool ok = record_.exit_code == 0;
    finish(ok ? fsm::TaskEvent::exit_ok : fsm::TaskEvent::exit_bad, record_.reason);
  }

  void finish(fsm::TaskEvent event, std::string reason) {
    const auto state = fsm::next(record_.state, event);
    if (!state) bug("a task cannot end so");
    record_.state = *state;
    if (event != fsm::TaskEvent::cancel) record_.stopped_as.clear();
    record_.reason = std::move(reason);
    record_.ended_ms = clock_.now_ms();
    write_last_record();
    say("ended");  // first: whoever waits for this word may hold a lock that on_end needs
    if (job_.on_end) job_.on_end(job_.dir, spec_, record_);
  }

  /// An exit code exists nowhere but here: on a full disk it waits for room.
  void write_last_record() {
    while (presence(job_.dir) != Presence::absent) {
      try {
        return write_record();
      } catch (const Error&) {
        ::poll(nullptr, 0, 2000);
      }
    }
  }

  /// The directory may have been made anew for another task since: its record is not ours.
  [[nodiscard]] bool ours() const {
    const auto spec = files_.read(job_.dir / "spec.json");
    return !spec || spec->find("\"" + spec_.token + "\"") != std::string::npos;
  }

  void write_record() {
    if (!ours()) return;
    record_.heartbeat_ms = clock_.now_ms();
    files_.write(job_.dir / "status.json", pretty_json(status_json(spec_, record_, job_.dir)));
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
  UniqueFd signals_;
  bool own_ = true;        ///< the command is our child
  bool orphaned_ = false;  ///< its supervisor is proven gone
  bool leader_lives_ = false;
  bool leader_ended_ = false;
  std::optional<fsm::TaskEvent> why_;  ///< set when it was we who ended it
  std::int64_t deadline_ms_ = never;
  std::int64_t kill_ms_ = never;
  std::int64_t next_heartbeat_ms_ = 0;
};

}  // namespace

fs::path order_file(const fs::path& dir) { return dir / "order.json"; }

void supervise(Files& files, const Clock& clock, SupervisorJob job) {
  Supervisor(files, clock, std::move(job)).run_new();
}

void supervise_orphan(Files& files, const Clock& clock, SupervisorJob job) {
  Supervisor(files, clock, std::move(job)).run_orphan();
}

}  // namespace workflow::tasks
