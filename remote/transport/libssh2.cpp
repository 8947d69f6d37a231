#include <libssh2.h>
#include <poll.h>

#include <array>
#include <optional>

#include "common/clock.h"
#include "common/error.h"
#include "remote/transport/login_shell.h"
#include "remote/transport/pause.h"
#include "remote/transport/refusal.h"
#include "remote/transport/send_queue.h"
#include "remote/transport/ssh.h"
#include "remote/transport/ssh_session.h"

namespace workflow::transport {
namespace {

/// libssh2 tells a signal by name; the status 0 beside it means nothing.
int signal_number(const std::string& name) {
  for (int number = 1; number < 32; ++number) {
    if (signal_name(number) == name) return number;
  }
  return 0;
}

class SshChannel final : public Channel {
 public:
  SshChannel(std::shared_ptr<SshSession> session, const std::string& command)
      : session_(std::move(session)) {
    open();
    const int result = session_->complete(
        [&] {
          return libssh2_channel_process_startup(channel_, "exec", 4, command.data(),
                                                 static_cast<unsigned>(command.size()));
        },
        "the command");
    if (result != 0) {
      throw Error(Code::unreachable, "the target runs no commands: " + session_->last_error());
    }
  }

  ~SshChannel() override {
    if (channel_ == nullptr) return;
    // Never waits: whoever is over there sees its stdin end.
    libssh2_channel_close(channel_);
    libssh2_channel_free(channel_);
  }

  void write(std::string_view bytes) override {
    if (!closed_) queued_.add(bytes);
  }
  [[nodiscard]] std::size_t unsent() const override { return queued_.size(); }
  void end_input() override { ending_ = true; }

  Chunk read(std::int64_t limit_ms, int wake_fd) override {
    const std::int64_t deadline = system_clock().steady_ms() + limit_ms;
    while (true) {
      const bool was_full = queued_.size() > refill_below;
      flush();
      Chunk chunk;
      drain(0, chunk.out);
      drain(SSH_EXTENDED_DATA_STDERR, chunk.err);
      chunk.ended = libssh2_channel_eof(channel_) == 1;
      if (!chunk.out.empty() || !chunk.err.empty() || chunk.ended) return chunk;
      if (was_full && queued_.size() <= refill_below) return chunk;
      const std::int64_t left = deadline - system_clock().steady_ms();
      if (left <= 0 || wait(left, wake_fd, chunk.interrupted)) return chunk;
    }
  }

  ExitStatus exit() override {
    // Lost between the last byte and the status, the status would read as 0.
    const std::string what = "the end of the command";
    if (const int closed =
            session_->complete([&] { return libssh2_channel_close(channel_); }, what);
        closed != 0) {
      lost(closed);
    }
    if (const int ended =
            session_->complete([&] { return libssh2_channel_wait_closed(channel_); }, what);
        ended != 0) {
      lost(ended);
    }
    ExitStatus status;
    char* name = nullptr;
    std::size_t size = 0;
    libssh2_channel_get_exit_signal(channel_, &name, &size, nullptr, nullptr, nullptr, nullptr);
    if (name != nullptr) {
      status.signal = signal_number(std::string(name, size));
      libssh2_free(session_->get(), name);
    } else {
      status.code = libssh2_channel_get_exit_status(channel_);
    }
    return status;
  }

 private:
  void open() {
    session_->complete(
        [this] {
          channel_ = libssh2_channel_open_session(session_->get());
          return channel_ != nullptr ? 0 : libssh2_session_last_errno(session_->get());
        },
        "opening a channel");
    if (channel_ == nullptr) {
      throw opens_no_channel(session_->last_error());
    }
  }

  /// True when it was the interrupt or `wake_fd` and not the connection.
  [[nodiscard]] bool wait(std::int64_t limit_ms, int wake_fd, bool& interrupted) const {
    const int wanted = libssh2_session_block_directions(session_->get());
    short events = (wanted & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0 ? POLLOUT : 0;
    if ((wanted & LIBSSH2_SESSION_BLOCK_INBOUND) != 0 || events == 0) events |= POLLIN;
    std::array<pollfd, 3> fds{{{session_->socket(), events, 0},
                               {session_->interrupt_fd(), POLLIN, 0},
                               {wake_fd, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), static_cast<int>(limit_ms));
    interrupted = fds[1].revents != 0;
    return interrupted || fds[2].revents != 0;
  }

  void flush() {
    while (!queued_.empty()) {
      const std::string_view next = queued_.next();
      const auto n = libssh2_channel_write(channel_, next.data(), next.size());
      if (n == LIBSSH2_ERROR_EAGAIN || n == 0) return;  // 0: its window is full
      if (n == LIBSSH2_ERROR_CHANNEL_CLOSED || n == LIBSSH2_ERROR_CHANNEL_EOF_SENT) {
        closed_ = true;  // it reads no more: its answer says why
        queued_.clear();
        return;
      }
      if (n < 0) return lost(static_cast<int>(n));
      queued_.sent(static_cast<std::size_t>(n));
    }
    if (ending_ && !ended_input_ && libssh2_channel_send_eof(channel_) == 0) ended_input_ = true;
  }

  void drain(int stream, std::string& into) {
    std::array<char, 65536> buffer;
    while (into.size() < (1U << 20U)) {
      const auto n = libssh2_channel_read_ex(channel_, stream, buffer.data(), buffer.size());
      if (n == LIBSSH2_ERROR_EAGAIN || n == 0) return;
      if (n < 0) {
        return lost(static_cast<int>(n));
      }
      into.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }

  void lost(int code) const {
    if (code == LIBSSH2_ERROR_CHANNEL_CLOSED || code == LIBSSH2_ERROR_CHANNEL_EOF_SENT) return;
    throw Error(
        Code::unreachable,
        "the connection was lost: " + session_->last_error() + "; outcome unknown, nothing assumed",
        "look before you repeat it: workflow fsm-status");
  }

  std::shared_ptr<SshSession> session_;
  LIBSSH2_CHANNEL* channel_ = nullptr;
  SendQueue queued_;
  bool closed_ = false;
  bool ending_ = false;
  bool ended_input_ = false;
};

class Libssh2Transport final : public Transport {
 public:
  Libssh2Transport(Endpoint endpoint, int interrupt_fd)
      : endpoint_(std::move(endpoint)), interrupt_fd_(interrupt_fd) {}

  std::unique_ptr<Channel> open(const std::string& command) override {
    if (!session_) session_ = std::make_shared<SshSession>(endpoint_, interrupt_fd_);
    const std::string line = for_any_shell(command);
    // Each channel holds the session, and so do we.
    if (session_.use_count() > most_channels) {
      throw Error(Code::busy, std::to_string(most_channels) + " commands are at work on one " +
                                  "connection to " + endpoint_.where());
    }
    // The place of a channel that was just let go of becomes free a little later.
    const std::int64_t deadline = system_clock().steady_ms() + place_limit_ms;
    while (true) {
      try {
        const std::int64_t begun = system_clock().steady_ms();
        auto channel = std::make_unique<SshChannel>(session_, line);
        round_trip_ms_ = (system_clock().steady_ms() - begun) / 2;  // the channel, the command
        return channel;
      } catch (const Error&) {
        const bool full =
            libssh2_session_last_errno(session_->get()) == LIBSSH2_ERROR_CHANNEL_FAILURE;
        if (!full || system_clock().steady_ms() >= deadline) throw;
      }
      pause(20, interrupt_fd_);
    }
  }
  [[nodiscard]] std::string target() const override { return endpoint_.destination; }
  [[nodiscard]] std::string way() const override { return "libssh2"; }
  [[nodiscard]] std::int64_t round_trip_ms() const override { return round_trip_ms_; }

 private:
  // sshd allows 10 (MaxSessions), and others may share the connection's host.
  static constexpr long most_channels = 8;
  static constexpr std::int64_t place_limit_ms = 2'000;

  Endpoint endpoint_;
  int interrupt_fd_;
  std::shared_ptr<SshSession> session_;
  std::int64_t round_trip_ms_ = -1;
};

}  // namespace

std::unique_ptr<Transport> libssh2_transport(const Endpoint& endpoint, int interrupt_fd) {
  return std::make_unique<Libssh2Transport>(endpoint, interrupt_fd);
}

}  // namespace workflow::transport
