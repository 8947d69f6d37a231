#pragma once

#include "apps/workflow-agent/call.h"

namespace workflow::agent {

/// Tells what on the target may go, and deletes it where the request says so.
Json clean(Reply& reply);

}  // namespace workflow::agent
