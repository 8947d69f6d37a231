#include "remote/link/input.h"

#include <poll.h>

#include "remote/protocol/stream.h"

namespace workflow::link {
namespace {

bool readable(int fd) {
  if (fd < 0) return true;
  pollfd in{fd, POLLIN, 0};
  return ::poll(&in, 1, 0) > 0;
}

}  // namespace

InputPump::InputPump(transport::Channel& channel, const std::optional<Input>& input)
    : channel_(channel), input_(input), ended_(!input) {}

bool InputPump::wants_more() const { return !ended_ && channel_.unsent() < transport::queue_limit; }

void InputPump::fill() {
  while (wants_more() && readable(input_->fd)) {
    const auto bytes = input_->next();
    ended_ = !bytes;
    // A piece of no bytes would be the end.
    if (!ended_ && bytes->empty()) continue;
    channel_.write(protocol::piece_head(ended_ ? 0 : bytes->size()));
    if (!ended_) channel_.write(*bytes);
  }
}

int InputPump::wake_fd() const { return wants_more() ? input_->fd : -1; }

}  // namespace workflow::link
