#pragma once

#include "apps/workflow-agent/call.h"

namespace workflow::agent {

/// Runs a command with the client's stdin; it ends with the connection.
Json exec(Reply& reply);
/// Writes what the client sends below a path here.
Json copy_in(Reply& reply);
/// Sends what is at some paths here.
Json copy_out(Reply& reply);

}  // namespace workflow::agent
