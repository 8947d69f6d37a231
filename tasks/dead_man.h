#pragma once

#include <string>

#include "common/clock.h"
#include "common/files.h"
#include "common/json.h"

// The timer in a rented pod that ends it when nobody comes back. It belongs to the machine, not to
// a workflow: `~/.workflow/dead-man.json` says until when, the task `~/.workflow/dead-man` waits.
namespace workflow::tasks {

/// What a timer is to do.
struct DeadManWish {
  std::string provider;
  std::string pod_id{};   ///< that the caller means; another pod's timer is not set. Empty: any
  std::string ends_at{};  ///< RFC 3339; empty: disarmed, the process waits for another wish
};

/// Sets the timer and sees to its process. Answers as dead_man_state does; nothing is written where
/// the pod has no key of the provider, or no curl: `why` says so.
[[nodiscard]] Json arm_dead_man(Files& files, const Clock& clock, const DeadManWish& wish);

/// `armed` (its process is proven to live), `provider`, `pod_id`, `ends_at`, `why` it is not armed,
/// `asked` (how often the provider was asked), `last` (what it said).
[[nodiscard]] Json dead_man_state(Files& files);

/// The timer's own process: waits by the wall clock, which may jump, for what the file says each
/// time, then asks the provider again and again, ever more seldom, until the pod ends and we with
/// it. Never returns.
[[noreturn]] void be_dead_man(Files& files, const Clock& clock);

}  // namespace workflow::tasks
