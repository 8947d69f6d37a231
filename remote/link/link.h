#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "remote/link/agent_image.h"
#include "remote/link/input.h"
#include "remote/protocol/message.h"
#include "remote/transport/transport.h"

// Calls of the agent: one command is one exec and one round trip. Brings the agent there first
// when it is not.
namespace workflow::link {

/// The connection was lost after the agent had answered: whether the request was done is unknown.
class LostConnection : public Error {
 public:
  using Error::Error;
};

struct CallOptions {
  /// Told every event but the last, and but those of bytes.
  std::function<void(const Json&)> on_event{};
  /// Told the events of bytes, with them.
  std::function<void(const Json&, std::string_view)> on_bytes{};
  /// Goes to the agent behind the request, once it has greeted us.
  std::optional<Input> input{};
  /// Longest time without a byte from the agent, which says every three seconds that it lives.
  std::int64_t silence_limit_ms = 10'000;
  /// Longest time until it answers at all.
  std::int64_t hello_limit_ms = 30'000;
};

class Link {
 public:
  Link(std::unique_ptr<transport::Transport> transport, AgentImages agents)
      : transport_(std::move(transport)), agents_(std::move(agents)) {}

  /// Sends a request and returns the data of its result. The agent's own error is thrown as it was
  /// there; no answer is Error(unreachable), after its first word LostConnection: the outcome is
  /// unknown; Ctrl-C is Error(detached).
  Json call(const protocol::Request& request, const CallOptions& options = {});

  [[nodiscard]] std::string target() const { return transport_->target(); }
  /// How it is reached, in words.
  [[nodiscard]] std::string way() const { return transport_->way(); }
  /// After a call, how long a word there and back takes; -1 where that is not known.
  [[nodiscard]] std::int64_t round_trip_ms() const { return transport_->round_trip_ms(); }

 private:
  std::unique_ptr<transport::Transport> transport_;
  AgentImages agents_;
};

}  // namespace workflow::link
