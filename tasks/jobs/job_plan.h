#pragma once

#include <string>
#include <vector>

#include "tasks/record.h"

namespace workflow::tasks {

/// A command that makes the workspace ready, run by bash before the job's own.
struct BootstrapStep {
  std::string name;
  std::string run;
};

/// What happens in a job's process before it becomes the command; kept in the owner's part of its
/// spec. Paths and texts are any bytes.
struct JobPlan {
  fs::path workspace;
  std::string working_dir = ".";  ///< below the workspace
  std::vector<BootstrapStep> steps{};
  std::string inputs_glob{};  ///< the shipped files that a step depends on; empty: all of them
  std::string tree{};         ///< the snapshot that is shipped; empty: none
  std::vector<std::string> secrets{};  ///< names of variables whose values no record may have
  Json push{};                         ///< its `git_sha`, `head`, `dirty`
  Json site{};                         ///< settings and caller, as Site takes them

  [[nodiscard]] fs::path place() const { return (workspace / working_dir).lexically_normal(); }
};

[[nodiscard]] Json plan_json(const JobPlan& plan);
[[nodiscard]] JobPlan plan_from(const TaskSpec& spec);

}  // namespace workflow::tasks
