#pragma once

#include <string>

#include "common/error.h"

namespace workflow::transport {

/// The login shell over there may be csh or fish: all of them pass a word in single quotes on. The
/// command must have none, no line break, `!` or backslash.
[[nodiscard]] inline std::string for_any_shell(const std::string& command) {
  if (command.find('\'') != std::string::npos) bug("a remote command with a single quote");
  return "exec /bin/sh -c '" + command + "'";
}

}  // namespace workflow::transport
