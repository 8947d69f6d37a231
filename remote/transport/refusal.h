#pragma once

#include "common/error.h"

namespace workflow::transport {

/// libssh2 cannot do what this server or key asks for, but the system's ssh may: an algorithm, an
/// encrypted key, a second factor, a way through a proxy. Never thrown for a host key that is wrong
/// or a host that is down.
class NotForLibssh2 : public Error {
 public:
  explicit NotForLibssh2(const std::string& why)
      : Error(Code::precondition, "libssh2 cannot reach it: " + why,
              "WF_TRANSPORT=auto or openssh lets the system's ssh do it") {}
};

}  // namespace workflow::transport
