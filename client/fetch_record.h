#pragma once

#include <map>
#include <optional>
#include <string>

#include "common/files.h"
#include "common/json.h"
#include "remote/sync/entry.h"

namespace workflow::client {

/// A file that was fetched, as it was on the target, and the SHA-256 that was found at both ends.
struct FetchedFile {
  sync::Entry entry;
  std::string sha256;
  bool only_here = false;  ///< the target has it no more, or it was not asked for again
};

/// fetch.json in a fetched run's directory: what of it was proven to be here, and of which attempt
/// it is. It comes to be in the same instant as the tree that it speaks of.
struct FetchRecord {
  /// run_id, campaign, row_sha256, attempt, created_at and state, as the target told them; pod_id,
  /// target, fetched_at, left_out, missing.
  Json about = Json::object();
  std::map<std::string, FetchedFile> files;  ///< by path below the run
};

inline constexpr const char* fetch_schema = "workflow.fetch/1";
inline constexpr const char* fetch_record_name = "fetch.json";

[[nodiscard]] Json fetch_record_json(const FetchRecord& record);

/// Nothing where there is none, or none that this build can read.
[[nodiscard]] std::optional<FetchRecord> read_fetch_record(const fs::path& run_dir);

/// Both are of the same attempt of the same row of the same campaign.
[[nodiscard]] bool same_attempt(const Json& about, const Json& other);

}  // namespace workflow::client
