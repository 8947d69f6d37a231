#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/spawn.h"

// The narrow seam between us and a target: start a shell command there, write to it, read from it.
// Implementations: local.cpp, libssh2.cpp, openssh.cpp; tests put one around it that fails at the
// n-th call.
namespace workflow::transport {

/// Whoever has much to write keeps at most `queue_limit` bytes queued and adds more below
/// `refill_below`.
constexpr std::size_t queue_limit = 2U << 20U;
constexpr std::size_t refill_below = 1U << 20U;

/// What one read brought.
struct Chunk {
  std::string out;
  std::string err;
  bool ended = false;        ///< both streams are at their end; `exit` is known
  bool interrupted = false;  ///< the interrupt descriptor became readable
};

/// One command at work on the target. Destroying it lets go of it, without waiting.
class Channel {
 public:
  virtual ~Channel() = default;
  /// Queues bytes for its stdin, however many; they leave while `read` waits.
  virtual void write(std::string_view bytes) = 0;
  /// Bytes that are still queued; none any more once its stdin is closed over there.
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  /// After what is queued, its stdin ends.
  virtual void end_input() = 0;
  /// Waits at most `limit_ms` for bytes or the end. Returns early, with nothing, when `wake_fd`
  /// (-1: none) becomes readable and when the queue has shrunk to `refill_below`.
  /// Error(unreachable) when the connection is lost.
  [[nodiscard]] virtual Chunk read(std::int64_t limit_ms, int wake_fd = -1) = 0;
  /// After `ended`: how the command ended.
  [[nodiscard]] virtual ExitStatus exit() = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Starts a command line for a POSIX shell. Error(unreachable) when the target does not answer.
  [[nodiscard]] virtual std::unique_ptr<Channel> open(const std::string& command) = 0;
  /// The target in words: `this machine`, `gpu7`.
  [[nodiscard]] virtual std::string target() const = 0;
  /// After `open`, how it was reached, in words: `libssh2`, `your own ssh connection`.
  [[nodiscard]] virtual std::string way() const { return target(); }
  /// After `open`, how long a word there and back takes; -1 where that is not known.
  [[nodiscard]] virtual std::int64_t round_trip_ms() const { return -1; }
};

/// This machine. Reads also end when `interrupt_fd` (-1: none) becomes readable.
[[nodiscard]] std::unique_ptr<Transport> local_transport(int interrupt_fd);

}  // namespace workflow::transport
