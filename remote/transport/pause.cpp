#include "remote/transport/pause.h"

#include <poll.h>

#include "common/error.h"

namespace workflow::transport {

void pause(std::int64_t ms, int interrupt_fd) {
  pollfd interrupt{interrupt_fd, POLLIN, 0};
  if (::poll(&interrupt, 1, static_cast<int>(ms)) > 0) throw Error(Code::detached, "detached");
}

}  // namespace workflow::transport
