#pragma once

#include <string>
#include <vector>

#include "client/pods.h"

namespace workflow::client {

/// `orphans[]` of name, provider, id, why, ours, price_total_hr, and `unasked[]`: providers of
/// which nothing is known now. Ends nothing.
[[nodiscard]] Json orphans(const Settings& settings, int interrupt_fd);

struct GcRequest {
  bool really = false;                 ///< false: only told
  std::vector<std::string> strangers;  ///< names of pods that this ledger does not know
};
/// Ends what `orphans` finds: what is ours, and strangers by name. Returns the same with `ended[]`
/// and `faults[]`; what was ended is no orphan any more.
[[nodiscard]] Json gc(const Settings& settings, int interrupt_fd, const GcRequest& request,
                      const OnEvent& on_event);

}  // namespace workflow::client
