#pragma once

#include <string>
#include <vector>

#include "common/files.h"
#include "common/json.h"

namespace workflow::sweep {

/// What an executor tells of itself beside its rows: executor.json of its campaign.
struct ExecutorNote {
  std::string gpus{};                   ///< what it has to give
  std::vector<std::string> left_out{};  ///< GPUs that others use, each with the evidence
  std::string paused{};                 ///< why nothing starts now; empty while rows may start
  friend bool operator==(const ExecutorNote&, const ExecutorNote&) = default;
};

/// Writes it; quiet where that is not possible: it is no record.
void write_note(Files& files, const fs::path& campaign_dir, const ExecutorNote& note);

/// `gpus`, `left_out`, `paused`; null without one.
[[nodiscard]] Json read_note(Files& files, const fs::path& campaign_dir);

}  // namespace workflow::sweep
