#pragma once

#include <string>
#include <vector>

#include "client/settings.h"
#include "common/json.h"
#include "remote/pods/job_rows.h"

namespace workflow::client {

/// What is asked of how many, and how long one target may take.
struct SurveyRequest {
  bool all = false;      ///< also targets on which nothing is open
  std::string target{};  ///< only this one, whether the record knows it or not
  std::int64_t limit_ms = 15'000;
};

/// Every job that this user's record or an asked target knows, newest first: what of a job is kept
/// in the record, with `note` and `certainty`. Targets are asked side by side; one that does not
/// answer leaves its jobs `unknown` with what was last known and when. Notes in the record what it
/// hears.
[[nodiscard]] Json survey_jobs(const Settings& settings, int interrupt_fd,
                               const SurveyRequest& request);

}  // namespace workflow::client
