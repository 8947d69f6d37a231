#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "client/session.h"
#include "sweep/selection.h"

namespace workflow::client {

/// What to bring home: one run, or the runs of a campaign as the target recorded it.
struct FetchRequest {
  std::string run{};
  std::string campaign{};        ///< empty: the state's
  std::string only{};            ///< `ok`, `failed`, or a state; empty: all that were started
  sweep::Selection selection{};  ///< of the campaign's rows
  bool checkpoints = false;
  bool verify = false;  ///< read every byte that is here already, at both ends
};

/// How far a fetch is; what was here already is in neither.
struct FetchProgress {
  std::int64_t files = 0;
  std::int64_t all_files = 0;
  std::int64_t bytes = 0;
  std::int64_t all_bytes = 0;
};
using OnFetched = std::function<void(const FetchProgress&)>;

/// Brings runs into LOCAL_ARTIFACTS_DIR, each as a whole or not at all (run_copy.h). Returns
/// artifacts_dir, campaign, pod_id, not_started, the sums files, bytes, sent_files, sent_bytes and
/// left_out, and runs[] with the same of each, put_aside, notes, missing, and `fault` of one that
/// could not be fetched. Error(not_found) when there is no such run or campaign, Error(busy) while
/// another fetch writes there, Error(precondition) when there is no room. After a lost connection
/// it goes on by itself.
[[nodiscard]] Json fetch(Session& session, const FetchRequest& request,
                         const OnFetched& on_fetched);

}  // namespace workflow::client
