#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/files.h"
#include "common/json.h"
#include "sweep/manifest.h"
#include "sweep/schedule.h"
#include "sweep/selection.h"
#include "tasks/site.h"

// A sweep as it was started: the manifest's bytes, which rows, with which settings. Frozen; what
// becomes of the rows is in rows.jsonl (row_index.h).
namespace workflow::sweep {

/// A campaign as campaign.json keeps it.
struct Campaign {
  std::string id;  ///< `<UTC>-<8 hex>`
  std::string manifest_name;
  std::string manifest_sha256;
  std::string git_sha;
  Selection selection{};
  std::int64_t started_ms = 0;
  Json by = Json::object();
  /// The request's settings, from which executor and runs build the same Site again.
  Json site_args = Json::object();
};

/// `<UTC>-<8 hex>`, of now.
[[nodiscard]] std::string new_campaign_id(const Clock& clock);

/// campaign.json: all of it.
[[nodiscard]] Json campaign_json(const Campaign& campaign);

/// What people see of it: id, manifest, git SHA, start.
[[nodiscard]] Json campaign_summary(const Campaign& campaign);

/// Writes campaign.json and manifest.csv into a directory that is not there yet.
void write_campaign(Files& files, const fs::path& dir, const Campaign& campaign,
                    std::string_view manifest);

/// Error(not_found) when no campaign is there.
[[nodiscard]] Campaign read_campaign(Files& files, const fs::path& dir);

/// stop.json in a campaign's directory: it is being stopped, or was. Rows that end then do not
/// complete it, and no executor takes it up again.
[[nodiscard]] fs::path stop_file(const fs::path& dir);

/// The lock of whoever has a campaign's rows in hand: its executor, or for a moment a command.
[[nodiscard]] fs::path executor_lock(const fs::path& dir);

/// The selected rows of a campaign's own manifest, in order.
[[nodiscard]] std::vector<Row> campaign_rows(Files& files, const fs::path& dir,
                                             const Campaign& campaign);

/// The rules a manifest is read by: with a command template a row needs no config.
[[nodiscard]] ManifestRules rules_for(const Json& settings);

/// A schedule by a campaign's settings, without rows.
[[nodiscard]] Schedule schedule_for(const tasks::Site& site, GpuPool pool);

/// The GPUs that a row asks for, by its column and else by the settings: N, 1/N or all.
[[nodiscard]] std::string wish_text(const tasks::Site& site, const Row& row);

/// What a row asks of the schedule.
[[nodiscard]] RowWish wish_of(const tasks::Site& site, const Row& row);

}  // namespace workflow::sweep
