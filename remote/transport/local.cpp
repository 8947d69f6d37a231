#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>

#include "common/error.h"
#include "common/pipe.h"
#include "remote/transport/transport.h"

namespace workflow::transport {
namespace {

class LocalChannel final : public Channel {
 public:
  LocalChannel(const std::string& command, int interrupt_fd) : interrupt_fd_(interrupt_fd) {
    Pipe in = make_pipe();
    Pipe out = make_pipe();
    Pipe err = make_pipe();
    const Spawned child = spawn({.argv = {"/bin/sh", "-c", command},
                                 .in = in.read.get(),
                                 .out = out.write.get(),
                                 .err = err.write.get(),
                                 // Ctrl-C is for us alone: what runs over there goes on.
                                 .new_session = true});
    if (child.failure) {
      throw Error(Code::unreachable,
                  "cannot " + child.failure->step + ": " + errno_text(child.failure->error));
    }
    pid_ = child.pid;
    in_ = std::move(in.write);
    out_ = std::move(out.read);
    err_ = std::move(err.read);
    ::fcntl(in_.get(), F_SETFL, O_NONBLOCK);
  }

  ~LocalChannel() override {
    in_.reset();
    out_.reset();
    err_.reset();
    // The agent ends when its stdin does; we do not wait for it. A zombie ends with us.
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, WNOHANG);
  }

  void write(std::string_view bytes) override { queued_ += bytes; }
  void end_input() override { ending_ = true; }

  Chunk read(std::int64_t limit_ms) override {
    flush();
    Chunk chunk;
    std::array<pollfd, 4> fds{{{out_.get(), POLLIN, 0},
                               {err_.get(), POLLIN, 0},
                               {queued_.empty() ? -1 : in_.get(), POLLOUT, 0},
                               {interrupt_fd_, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), static_cast<int>(limit_ms));
    if (fds[0].revents != 0) drain(out_, chunk.out);
    if (fds[1].revents != 0) drain(err_, chunk.err);
    chunk.interrupted = fds[3].revents != 0;
    chunk.ended = !out_.valid() && !err_.valid();
    return chunk;
  }

  ExitStatus exit() override {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return ExitStatus::from_wait(status);
  }

 private:
  void flush() {
    while (!queued_.empty() && in_.valid()) {
      const ssize_t n = ::write(in_.get(), queued_.data(), queued_.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EAGAIN) return;
      if (n < 0) {  // it reads no more: its answer says why
        queued_.clear();
        in_.reset();
        return;
      }
      queued_.erase(0, static_cast<std::size_t>(n));
    }
    if (ending_ && queued_.empty()) in_.reset();
  }

  static void drain(UniqueFd& fd, std::string& into) {
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n > 0) into.append(buffer.data(), static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) fd.reset();
  }

  int interrupt_fd_;
  pid_t pid_ = -1;
  UniqueFd in_;
  UniqueFd out_;
  UniqueFd err_;
  std::string queued_;
  bool ending_ = false;
};

class LocalTransport final : public Transport {
 public:
  explicit LocalTransport(int interrupt_fd) : interrupt_fd_(interrupt_fd) {}
  std::unique_ptr<Channel> open(const std::string& command) override {
    return std::make_unique<LocalChannel>(command, interrupt_fd_);
  }
  [[nodiscard]] std::string target() const override { return "this machine"; }

 private:
  int interrupt_fd_;
};

}  // namespace

std::unique_ptr<Transport> local_transport(int interrupt_fd) {
  return std::make_unique<LocalTransport>(interrupt_fd);
}

}  // namespace workflow::transport
