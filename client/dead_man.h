#pragma once

#include <string>

#include "client/session.h"

// The timer in a rented pod that ends it when nobody comes back: its own agent asks the provider
// for that, with the key that lies in the pod and is good for this pod alone.
namespace workflow::client {

/// Sets the timer of the pod that the session leads to, or moves it, to `ends_at` (RFC 3339); an
/// empty one disarms it. Answers `armed`, `provider`, `pod_id`, `ends_at`, `why` (for people, where
/// it is not armed), and what came of asking: `asked` (how often), `last`. Where the pod holds no
/// key of `provider` or has no curl, nothing is armed and only `workflow gc` ends the pod.
/// Error(unreachable) where the pod did not answer.
[[nodiscard]] Json arm_dead_man(Session& session, const std::string& provider,
                                const std::string& ends_at);

/// The same answer without a change; `armed` only while the timer's process is proven to live.
[[nodiscard]] Json dead_man(Session& session);

}  // namespace workflow::client
