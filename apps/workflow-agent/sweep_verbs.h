#pragma once

#include "apps/workflow-agent/call.h"

namespace workflow::agent {

/// Tells how a sweep goes, whenever that has changed, until it has ended or stalled.
Json sweep_follow(Reply& reply);

/// Every row of a campaign in pages, and the curves of its first runs.
Json sweep_report(Reply& reply);

}  // namespace workflow::agent
