#include "apps/workflow-agent/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "common/clock.h"
#include "common/error.h"
#include "common/pipe.h"
#include "tasks/process.h"

namespace workflow::agent {
namespace {

using State = protocol::Pieces::State;

/// After the command has ended, somebody may still hold its streams: so long without a byte is
/// taken for their end.
constexpr int after_end_ms = 100;
constexpr int look_every_ms = 50;  ///< whether the group has ended, where no event tells it

class Running {
 public:
  Running(const CommandSpec& spec, protocol::Pieces input, const OnOutput& on_output)
      : grace_ms_(spec.grace_ms), input_(input), on_output_(on_output) {
    Pipe in = make_pipe();
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    SpawnSpec spawn_spec;
    spawn_spec.argv = spec.argv;
    spawn_spec.env = environment_with(spec.env);
    spawn_spec.workdir = spec.workdir;
    spawn_spec.in = in.read.get();
    spawn_spec.out = out.write.get();
    spawn_spec.err = err.write.get();
    spawn_spec.new_session = true;
    spawn_spec.ends_with_us = true;  // also when we are killed
    const Spawned child = spawn(spawn_spec);
    if (child.failure) {
      end_.not_started = child.failure->words();
      end_.start_error = child.failure->error;
      return;
    }
    leader_ = child.pid;
    ended_fd_ = tasks::watch(tasks::reference(leader_));
    in_ = std::move(in.write);
    out_ = std::move(out.read);
    err_ = std::move(err.read);
    for (const int fd : {in_.get(), out_.get(), err_.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
  }

  CommandEnd wait() {
    if (leader_ < 0) return end_;
    while (!ended_) {
      turn(ended_fd_.valid() ? 60'000 : look_every_ms);
      if (input_.state() == State::cut || deaf_) {
        end_group();
        throw Error(Code::unreachable, "the client has gone; the command was ended");
      }
      ended_ = ::waitpid(leader_, &status_, WNOHANG) == leader_;
    }
    in_.reset();
    while ((out_.valid() || err_.valid()) && !deaf_ && turn(after_end_ms)) {
    }
    end_.status = ExitStatus::from_wait(status_);
    return end_;
  }

 private:
  /// Moves what can be moved; false when nothing came of the command for so long.
  bool turn(int limit_ms) {
    feed();
    // A client that goes is seen even while nobody takes what it sent.
    const bool takes = waiting_.empty() && !ended_;
    std::array<pollfd, 5> fds{
        {{ended_ ? -1 : input_.fd(), static_cast<short>((takes ? POLLIN : 0) | POLLRDHUP), 0},
         {waiting_.empty() ? -1 : in_.get(), POLLOUT, 0},
         {out_.get(), POLLIN, 0},
         {err_.get(), POLLIN, 0},
         {ended_ ? -1 : ended_fd_.get(), POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), limit_ms);
    if (takes && (fds[0].revents & POLLIN) != 0) {
      input_.pull();
    } else if ((fds[0].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
      gone();
    }
    const bool heard = fds[2].revents != 0 || fds[3].revents != 0;
    if (fds[2].revents != 0) drain(out_, false);
    if (fds[3].revents != 0) drain(err_, true);
    return heard;
  }

  void gone() {
    while (input_.state() != State::cut) input_.pull();
  }

  /// The client's pieces into the command's stdin; a piece that does not fit waits.
  void feed() {
    while (true) {
      if (waiting_.empty()) {
        const auto piece = input_.next();
        if (!piece) break;
        if (in_.valid()) waiting_ = *piece;
      }
      const ssize_t n = waiting_.empty() ? 0 : ::write(in_.get(), waiting_.data(), waiting_.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) {  // it reads no more
        in_.reset();
        waiting_.clear();
      } else {
        waiting_.erase(0, static_cast<std::size_t>(n));
      }
    }
    if (input_.state() == State::ended) in_.reset();
  }

  void drain(UniqueFd& fd, bool err) {
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) return fd.reset();
    deaf_ = deaf_ || !on_output_(err, {buffer.data(), static_cast<std::size_t>(n)});
  }

  [[nodiscard]] bool group_lives() {
    ::waitpid(leader_, &status_, WNOHANG);
    return ::kill(-leader_, 0) == 0;
  }

  void end_group() {
    in_.reset();
    out_.reset();
    err_.reset();
    ::kill(-leader_, SIGTERM);
    const std::int64_t until = system_clock().steady_ms() + grace_ms_;
    while (group_lives()) {
      if (system_clock().steady_ms() >= until) {
        ::kill(-leader_, SIGKILL);
        return;
      }
      ::poll(nullptr, 0, look_every_ms);
    }
  }

  std::int64_t grace_ms_;
  protocol::Pieces input_;
  const OnOutput& on_output_;
  CommandEnd end_;
  pid_t leader_ = -1;
  UniqueFd ended_fd_;
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  std::string waiting_;
  int status_ = 0;
  bool ended_ = false;
  bool deaf_ = false;
};

}  // namespace

CommandEnd run_command(const CommandSpec& spec, protocol::Pieces input, const OnOutput& on_output) {
  return Running(spec, input, on_output).wait();
}

}  // namespace workflow::agent
