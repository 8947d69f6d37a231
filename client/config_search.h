#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "client/env_file.h"

// Which workflow.env is meant, and its bytes.
namespace workflow::client {

/// A file that was found: its absolute path, and the name that messages show.
struct ConfigFile {
  std::filesystem::path path;
  std::string shown;
};

/// Searches --config, $WORKFLOW_CONFIG, then workflow.env in `working_dir` and its parents, ending
/// at the first directory that has .git. A named file that is missing is a usage error. In a
/// parent, a file of another user (neither we, root, nor the owner of working_dir) is passed over
/// with a warning: in a shared /tmp anyone can leave one for us.
[[nodiscard]] std::optional<ConfigFile> find_config(
    const std::optional<std::filesystem::path>& flag, const Environment& environment,
    const std::filesystem::path& working_dir, std::vector<std::string>& warnings);

/// The bytes of a configuration file; unreadable, a directory or beyond 1 MiB is a usage error.
[[nodiscard]] std::string read_config(const ConfigFile& file);

}  // namespace workflow::client
