#pragma once

#include <string>

namespace workflow::pods {

/// The life of a loopback pod: its process `workflow loopback-init ID`. Starts sshd and keeps it,
/// ends the pod at its time, or at TERM, and then everything that was ever started in it; HUP makes
/// it read its record again. Its exit code; what went wrong is in the pod's log.
int loopback_init(const std::string& id);

}  // namespace workflow::pods
