#pragma once

#include <functional>
#include <optional>
#include <string>

#include "remote/transport/transport.h"

namespace workflow::link {

/// What goes to the agent behind a request: a file, a tree, our own stdin.
struct Input {
  int fd = -1;  ///< where more comes from; -1: more is always there at once
  /// The next bytes, at most protocol::largest_piece; nothing at the end. With an `fd` it is only
  /// called when that is readable.
  std::function<std::optional<std::string>()> next{};
};

/// Moves an input into a channel, with a bounded queue between them.
class InputPump {
 public:
  InputPump(transport::Channel& channel, const std::optional<Input>& input);

  /// Queues what there is and what there is room for.
  void fill();
  /// What the channel's next read should also wait for; -1: nothing.
  [[nodiscard]] int wake_fd() const;

 private:
  [[nodiscard]] bool wants_more() const;

  transport::Channel& channel_;
  const std::optional<Input>& input_;
  bool ended_;
};

}  // namespace workflow::link
