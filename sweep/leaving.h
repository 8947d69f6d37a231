#pragma once

#include "common/json.h"
#include "tasks/site.h"

// What would go with a pod that is given back.
namespace workflow::sweep {

/// What is at work and what lies here, read only:
/// `working[]` of `{what, id, since}` (tasks, runs, the executor);
/// `durable` and `durable_reason`: whether the outputs outlive the pod, as far as the kernel tells;
/// `runs[]` of `{run_id, attempt fields as a fetch tells them, files[{path, bytes, mtime_ns}],
/// checkpoint{path, bytes}}`: logs, summaries and the last whole checkpoint of each;
/// `unread[]`: what could not be looked at, in words.
[[nodiscard]] Json leaving(const tasks::Site& site);

}  // namespace workflow::sweep
