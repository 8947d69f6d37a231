#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/pipe.h"
#include "remote/transport/process_channel.h"
#include "remote/transport/send_queue.h"

namespace workflow::transport {
namespace {

constexpr std::size_t most_at_once = 1U << 20U;

/// A pipe of 64 KiB, as it is by itself, makes a copy wait at every turn. Linux only.
void widen(int fd) {
#ifdef F_SETPIPE_SZ
  ::fcntl(fd, F_SETPIPE_SZ, static_cast<int>(most_at_once));
#endif
  (void)fd;
}

class ProcessChannel final : public Channel {
 public:
  ProcessChannel(const std::vector<std::string>& argv, int interrupt_fd)
      : interrupt_fd_(interrupt_fd) {
    Pipe in = make_pipe();
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    widen(in.write.get());
    widen(out.write.get());
    const Spawned child = spawn({.argv = argv,
                                 .in = in.read.get(),
                                 .out = out.write.get(),
                                 .err = err.write.get(),
                                 .new_session = true});
    if (child.failure) {
      throw Error(Code::unreachable, child.failure->words());
    }
    pid_ = child.pid;
    in_ = std::move(in.write);
    out_ = std::move(out.read);
    err_ = std::move(err.read);
    ::fcntl(in_.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);
    ::fcntl(err_.get(), F_SETFL, O_NONBLOCK);
  }

  ~ProcessChannel() override {
    in_.reset();
    out_.reset();
    err_.reset();
    // The agent ends when its stdin does; we do not wait for it. A zombie ends with us.
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, WNOHANG);
  }

  void write(std::string_view bytes) override {
    if (in_.valid()) queued_.add(bytes);
  }
  [[nodiscard]] std::size_t unsent() const override { return queued_.size(); }
  void end_input() override { ending_ = true; }

  Chunk read(std::int64_t limit_ms, int wake_fd) override {
    const bool was_full = queued_.size() > refill_below;
    flush();
    if (was_full && queued_.size() <= refill_below) limit_ms = 0;
    Chunk chunk;
    std::array<pollfd, 5> fds{{{out_.get(), POLLIN, 0},
                               {err_.get(), POLLIN, 0},
                               {queued_.empty() ? -1 : in_.get(), POLLOUT, 0},
                               {interrupt_fd_, POLLIN, 0},
                               {wake_fd, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), static_cast<int>(limit_ms));
    if (fds[0].revents != 0) drain(out_, chunk.out);
    if (fds[1].revents != 0) drain(err_, chunk.err);
    chunk.interrupted = fds[3].revents != 0;
    chunk.ended = !out_.valid() && !err_.valid();
    return chunk;
  }

  ExitStatus exit() override {
    const int status = wait_for_child(pid_);
    pid_ = -1;
    return ExitStatus::from_wait(status);
  }

 private:
  void flush() {
    while (!queued_.empty() && in_.valid()) {
      const std::string_view next = queued_.next();
      const ssize_t n = ::write(in_.get(), next.data(), next.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) {  // it reads no more: its answer says why
        queued_.clear();
        in_.reset();
        return;
      }
      queued_.sent(static_cast<std::size_t>(n));
    }
    if (ending_ && queued_.empty()) in_.reset();
  }

  static void drain(UniqueFd& fd, std::string& into) {
    std::array<char, 65536> buffer;
    while (into.size() < most_at_once) {
      const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n <= 0) return fd.reset();
      into.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }

  int interrupt_fd_;
  pid_t pid_ = -1;
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  SendQueue queued_;
  bool ending_ = false;
};

}  // namespace

std::unique_ptr<Channel> process_channel(const std::vector<std::string>& argv, int interrupt_fd) {
  return std::make_unique<ProcessChannel>(argv, interrupt_fd);
}

}  // namespace workflow::transport
