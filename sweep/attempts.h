#pragma once

#include <optional>
#include <string>

#include "sweep/campaign_rows.h"

namespace workflow::sweep {

/// How a row's attempt stands.
struct Sight {
  enum class Kind {
    waiting,      ///< it has not begun
    going,        ///< `view` is empty when its record cannot be read just now
    ended,        ///< `view` has its summary
    never_began,  ///< whoever was to start it was killed first
    lost,         ///< it has ended without a record: `why`
  };
  Kind kind = Kind::waiting;
  std::optional<RunView> view{};
  std::string why{};
};

/// Looks at the runs of a campaign, whatever a training or a crash has done to their records.
class Attempts {
 public:
  Attempts(const tasks::Site& site, CampaignRows& rows) : site_(site), rows_(rows) {}

  /// What an executor before this one left of a row that has not ended.
  [[nodiscard]] Sight found(std::size_t row);
  /// A row that was going, whose supervisor has ended or cannot be watched.
  [[nodiscard]] Sight now(std::size_t row);

 private:
  [[nodiscard]] static Sight of(RunView view);
  [[nodiscard]] Sight unreadable(std::size_t row, const std::string& fault) const;

  const tasks::Site& site_;
  CampaignRows& rows_;
};

}  // namespace workflow::sweep
