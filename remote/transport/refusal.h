#pragma once

#include <stdexcept>
#include <string>

namespace workflow::transport {

/// libssh2 cannot do what this server or key asks for, but the system's ssh may: an algorithm, an
/// encrypted key, a second factor. Never thrown for a host key that is wrong or a host that is
/// down.
class NotForLibssh2 : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace workflow::transport
