#pragma once

#include "apps/workflow-agent/call.h"

namespace workflow::agent {

/// Tells how a sweep goes, whenever that has changed, until it has ended or stalled.
Json sweep_follow(Reply& reply);

}  // namespace workflow::agent
