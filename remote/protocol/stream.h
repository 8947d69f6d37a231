#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "common/json_fwd.h"

// Raw bytes on the wire, in both directions; docs/architecture.md, "The wire", specifies them.
// Towards the client: an event `bytes` with a `size`, and so many bytes behind its line. Towards
// the agent, behind the request: pieces, each its length in decimal, a newline and its bytes, and
// at last `0\n`. A stream that stops before that was cut: it has not come to its end.
namespace workflow::protocol {

/// The most that one event or piece carries.
constexpr std::size_t largest_piece = 1U << 20U;

/// What has come and not been taken yet. Views are valid until the next `feed`.
class Incoming {
 public:
  void feed(std::string_view bytes);
  /// The next line without its newline; nothing while it has not come whole.
  [[nodiscard]] std::optional<std::string_view> line();
  /// The next `n` bytes; nothing while they have not all come.
  [[nodiscard]] std::optional<std::string_view> bytes(std::size_t n);
  /// What there is of the next `n` bytes.
  [[nodiscard]] std::string_view some(std::size_t n);
  [[nodiscard]] std::size_t size() const { return have_.size() - at_; }

 private:
  std::string have_;
  std::size_t at_ = 0;      ///< taken up to here
  std::size_t looked_ = 0;  ///< no newline before this
};

/// A `bytes` event and its bytes.
[[nodiscard]] std::string bytes_event(Json about, std::string_view bytes);
/// How many bytes follow an event; 0 for every other event. Error(unreachable) for nonsense.
[[nodiscard]] std::size_t bytes_behind(const Json& event);

/// What stands before a piece of so many bytes towards the agent; of none, the mark of the end.
[[nodiscard]] std::string piece_head(std::size_t size);

/// The agent's side of it.
class Pieces {
 public:
  /// `begun`: what was read from `fd` together with the request.
  Pieces(int fd, Incoming& begun) : fd_(fd), in_(begun) {}

  enum class State { open, ended, cut };
  /// `ended` after the mark of the end was taken, `cut` when the client has gone.
  [[nodiscard]] State state() const { return state_; }
  /// One read(2). After the end it only notices that the client goes.
  void pull();
  /// The next whole piece; nothing while there is none.
  [[nodiscard]] std::optional<std::string_view> next();
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
  Incoming& in_;
  State state_ = State::open;
  std::size_t due_ = 0;  ///< of a piece whose length has come
  std::string buffer_{};
};

}  // namespace workflow::protocol
