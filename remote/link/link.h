#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "remote/link/input.h"
#include "remote/protocol/message.h"
#include "remote/transport/transport.h"

// Calls of the agent: one command is one exec and one round trip. Brings the agent there first
// when it is not.
namespace workflow::link {

/// The agent's executable for one kind of machine.
struct AgentImage {
  std::string_view bytes;
  std::string_view sha256;
  std::string_view machine;  ///< as `uname -m` prints it
};

/// The agent that this build carries.
[[nodiscard]] AgentImage own_agent();

/// The shell line that becomes a program in a directory of a target where that agent is; for a
/// person's terminal. What the person wrote is in it as base64 alone.
[[nodiscard]] std::string become_command(const AgentImage& agent, const std::string& dir,
                                         const std::vector<std::string>& words);

struct CallOptions {
  /// Told every event but the last, and but those of bytes.
  std::function<void(const Json&)> on_event{};
  /// Told the events of bytes, with them.
  std::function<void(const Json&, std::string_view)> on_bytes{};
  /// Goes to the agent behind the request, once it has greeted us.
  std::optional<Input> input{};
  /// Longest time without a byte from the agent; -1: no limit (a follower).
  std::int64_t silence_limit_ms = 60'000;
};

class Link {
 public:
  Link(std::unique_ptr<transport::Transport> transport, AgentImage agent)
      : transport_(std::move(transport)), agent_(agent) {}

  /// Sends a request and returns the data of its result. The agent's own error is thrown as it was
  /// there; no answer is Error(unreachable): the outcome is unknown; Ctrl-C is Error(detached).
  Json call(const protocol::Request& request, const CallOptions& options = {});

  [[nodiscard]] std::string target() const { return transport_->target(); }

 private:
  struct Answer;
  Answer attempt(const protocol::Request& request, const CallOptions& options);
  void upload(const std::string& machine);

  std::unique_ptr<transport::Transport> transport_;
  AgentImage agent_;
};

}  // namespace workflow::link
