#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "remote/link/link.h"
#include "remote/protocol/stream.h"

namespace workflow::link {

/// Nothing was heard, or not to the end: Error(unreachable), nothing assumed.
[[nodiscard]] Error unanswered(const std::string& target, const std::string& why);

/// What came of a request that was sent once.
struct Answer {
  std::optional<Json> result{};  ///< none: the agent did not even say hello
  std::string absent_machine{};  ///< set when the shell says that no agent is there
};

/// One request and what is heard behind it, over a channel on which the agent was called.
class Conversation {
 public:
  Conversation(transport::Channel& channel, std::string target, const std::string& nonce,
               const CallOptions& options);

  /// Sends it and listens to the end. Errors are those of Link::call.
  [[nodiscard]] Answer hold(const protocol::Request& request);

 private:
  [[nodiscard]] transport::Chunk listen();
  /// Takes the lines and bytes that are whole; true when the answer is.
  [[nodiscard]] bool take_whole();
  void take_line(std::string_view text);
  void take_event(std::string_view text);
  void judge(const transport::Chunk& chunk);
  [[nodiscard]] bool answered() const {
    return answer_.result.has_value() || !answer_.absent_machine.empty();
  }

  transport::Channel& channel_;
  std::string target_;
  const CallOptions& options_;
  std::string hello_;   ///< its first word
  std::string absent_;  ///< the shell's, where no agent is
  InputPump input_;
  protocol::Incoming incoming_;
  Answer answer_;
  std::optional<Json> announced_;  ///< an event whose bytes follow
  bool greeted_ = false;
  std::size_t banner_ = 0;  ///< bytes that came before its hello
  std::string complaint_;
  std::int64_t heard_ms_;
};

}  // namespace workflow::link
