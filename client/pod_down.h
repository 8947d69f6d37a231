#pragma once

#include <string>

#include "client/pods.h"

namespace workflow::client {

/// What would be lost if the target were given back now: `working[]` of what, id, since; `durable`
/// and `durable_reason`; `only_there[]` of run_id, logs, checkpoint (path), bytes: what neither
/// lies in LOCAL_ARTIFACTS_DIR, as a fetch has proven, nor on storage that outlives the pod;
/// `unread[]`.
[[nodiscard]] Json what_would_go(Session& session);

/// Why the pod may not be given back as things are, in a line; empty when it may.
[[nodiscard]] std::string objection(const Json& would_go);

struct PodDown {
  bool force = false;     ///< although something is at work
  std::string abandon{};  ///< the pod's name: whatever is lost with it
};

/// Gives the target's pod back: looks first (Error(refused) with what would be lost), tells the
/// pod's own record, then the provider, and waits until it no longer lists it. Returns name,
/// provider, id, state, cost and `would_go`. A pod that has ended already is no error.
[[nodiscard]] Json pod_down(Session& session, int interrupt_fd, const PodDown& request,
                            const OnEvent& on_event);

}  // namespace workflow::client
