#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/error.h"
#include "common/json.h"

namespace workflow::client {

/// What a lost connection means to a call.
enum class Again {
  never,       ///< its outcome is unknown: it would destroy something if it were done twice
  once,        ///< asked once more: it only reads, or the agent knows the request by its token
  until_ended  ///< a follower: connects again and goes on where it was
};

/// Decides whether a call whose connection was lost is made again, waits in between, and remembers
/// where its follower was.
class Reconnect {
 public:
  /// `limit_ms`: how long the caller wants to wait in all (-1: for ever). `tell` is told in words
  /// and as an event; `interrupt_fd` ends the waiting (-1: none).
  Reconnect(Again again, std::int64_t limit_ms, int interrupt_fd,
            std::function<void(const std::string&, const Json&)> tell);

  /// Notes what has arrived.
  void heard(const Json& event);
  /// Whether the call is to be made again; true comes when it is time for it. Error(detached) at
  /// Ctrl-C.
  [[nodiscard]] bool again_after(const Error& fault);
  /// What a repeated call asks for: to go on at the byte, for the time that is left.
  void go_on(Json& args) const;

 private:
  Again again_;
  std::int64_t limit_ms_;
  int interrupt_fd_;
  std::function<void(const std::string&, const Json&)> tell_;
  std::int64_t begun_ms_;
  std::int64_t lost_ms_ = 0;  ///< when the connection was last lost; 0: it stands
  int losses_ = 0;            ///< since the call began
  int in_vain_ = 0;           ///< since something was last heard
  std::optional<std::int64_t> offset_;
  std::string of_;
};

}  // namespace workflow::client
