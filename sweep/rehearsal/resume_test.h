#pragma once

#include "sweep/manifest.h"
#include "sweep/rehearsal/trial.h"

namespace workflow::sweep {

/// What is known of a training's steps, as far as it has told them.
struct ToldSteps {
  std::optional<double> first;  ///< of the first attempt
  std::optional<double> saved;  ///< told before the last checkpoint was seen: it holds no earlier
  std::optional<double> again;  ///< the first of the second attempt
  std::string checkpoint{};     ///< the last one's path below out/
};

/// Whether the second attempt went on where the checkpoint was. Pure.
[[nodiscard]] Trial judge_resume(const ToldSteps& steps);

/// Runs the wish's row in a directory of its own until it has saved, ends it as run-stop would,
/// starts it again there, and compares their steps. Its directory is removed. A TERM to this
/// process ends the training too.
[[nodiscard]] Trial resume_trial(const TrialSite& at);

/// The row that a resume test is to run. Error(usage) where the manifest has faults, Error(
/// not_found) where it has no such row.
[[nodiscard]] Row row_to_resume(const tasks::Site& site, const std::string& manifest,
                                const std::string& file_name, const std::string& run_id);

}  // namespace workflow::sweep
