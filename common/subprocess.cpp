#include "common/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "common/clock.h"
#include "common/error.h"
#include "common/fd_io.h"
#include "common/pipe.h"

namespace workflow {
namespace {

/// A killed process that a driver holds in the kernel is given up on after so long.
constexpr std::int64_t most_dying_ms = 2'000;

/// Reads what is there; closes the descriptor at the end of the stream.
void drain(UniqueFd& fd, std::string& into) {
  if (read_some(fd.get(), into) == ReadSome::end) fd.reset();
}

void feed(UniqueFd& fd, std::string_view& input) {
  const ssize_t n = ::write(fd.get(), input.data(), input.size());
  if (n > 0) input.remove_prefix(static_cast<std::size_t>(n));
  if (input.empty() || (n < 0 && errno != EINTR && errno != EAGAIN)) fd.reset();
}

}  // namespace

Captured capture(const CaptureSpec& spec) {
  Captured result;
  Pipe in = make_pipe();
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  const Spawned child = spawn({.argv = spec.argv,
                               .env = spec.env,
                               .workdir = spec.workdir,
                               .in = in.read.get(),
                               .out = out.write.get(),
                               .err = err.write.get(),
                               .keep = {},
                               .new_session = true});
  if (child.failure) {
    result.started = false;
    result.err = child.failure->words();
    return result;
  }
  in.read.reset();
  out.write.reset();
  err.write.reset();
  ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
  std::string_view input = spec.input;
  if (input.empty()) in.write.reset();

  const std::int64_t deadline = system_clock().steady_ms() + spec.limit_ms;
  while (out.read.valid() || err.read.valid()) {
    const std::int64_t left = deadline - system_clock().steady_ms();
    if (left <= 0) {
      result.timed_out = true;
      ::kill(-child.pid, SIGKILL);
      break;
    }
    std::array<pollfd, 4> fds{{{out.read.get(), POLLIN, 0},
                               {err.read.get(), POLLIN, 0},
                               {in.write.get(), POLLOUT, 0},
                               {spec.interrupt_fd, POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), static_cast<int>(std::min<std::int64_t>(left, 60'000))) <=
        0) {
      continue;
    }
    if (fds[3].revents != 0) {
      result.interrupted = true;
      ::kill(-child.pid, SIGKILL);
      break;
    }
    if (fds[0].revents != 0) drain(out.read, result.out);
    if (fds[1].revents != 0) drain(err.read, result.err);
    if (fds[2].revents != 0) feed(in.write, input);
  }
  int status = 0;
  // It may live on without its streams; most are gone a moment after them.
  auto rest = std::chrono::microseconds(100);
  for (pid_t ended = 0; (ended = ::waitpid(child.pid, &status, WNOHANG)) <= 0;) {
    if (ended < 0 && errno != EINTR) break;
    const std::int64_t now = system_clock().steady_ms();
    if (result.timed_out && now >= deadline + most_dying_ms) return result;
    if (now >= deadline && !result.timed_out) {
      result.timed_out = true;
      ::kill(-child.pid, SIGKILL);
    }
    std::this_thread::sleep_for(rest);
    rest = std::min(rest * 2, std::chrono::microseconds(5'000));
  }
  result.status = ExitStatus::from_wait(status);
  return result;
}

}  // namespace workflow
