#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/session.h"

namespace workflow::client {

/// What a rehearsal tries.
struct RehearseRequest {
  bool network = false;
  bool resume = false;              ///< also whether a row continues from its checkpoint
  std::string row{};                ///< of the manifest; empty: the first
  std::vector<std::string> only{};  ///< these trials; empty: all
  std::optional<std::int64_t> trial_secs{};
  std::optional<std::int64_t> wait_secs{};
};

/// The acceptance test of a pod, to its end: `task_id`, `state`, `created`, `trials[]` of number,
/// name, outcome (ok, warn, fail, skipped, unknown), text, hint, secs. Each trial comes as an event
/// `trial` when it is over. The same rehearsal that is going is joined.
[[nodiscard]] Json rehearse(Session& session, const RehearseRequest& request,
                            const OnEvent& on_event);

}  // namespace workflow::client
