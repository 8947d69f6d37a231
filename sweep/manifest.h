#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

// A sweep as its user wrote it, selected and judged: pure text in, values out. It must not know
// where a manifest lies, who runs it or how a run is started.
namespace workflow::sweep {

/// One run asked for; `sha256` is of the JSON array [run_id, config, seed, overrides, env], with
/// env an array of its words: two rows with the same hash are the same run.
struct Row {
  std::size_t line = 0;
  std::string run_id;
  std::string config;
  std::int64_t seed = 0;
  std::string overrides;  ///< as written; splits as shell words
  std::string notes;
  std::string gpus;                          ///< "", N, 1/N or all
  std::optional<std::int64_t> timeout_secs;  ///< 0 turns the limit off
  std::optional<int> max_retries;
  std::vector<std::string> env;  ///< K=V each
  std::string sha256;
};

/// The rows in the order of the file; every run_id once.
struct Manifest {
  std::vector<Row> rows;
};

/// What depends on the settings: with a command template a row needs no config.
struct ManifestRules {
  bool config_required = true;
};

/// The rows of a manifest (contract, "Sweep manifest"); throws faults_error with every fault.
[[nodiscard]] Manifest parse_manifest(std::string_view bytes, std::string_view file_name,
                                      const ManifestRules& rules = {});

/// The faults parse_manifest would throw, in line order; empty for a good manifest.
[[nodiscard]] std::vector<Fault> manifest_faults(std::string_view bytes, std::string_view file_name,
                                                 const ManifestRules& rules = {});

/// A starter manifest with its columns explained; it parses without faults.
[[nodiscard]] std::string manifest_template();

}  // namespace workflow::sweep
