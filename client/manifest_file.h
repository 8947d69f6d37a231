#pragma once

#include <string>

#include "client/settings.h"

namespace workflow::client {

/// The manifest of the settings.
struct ManifestFile {
  std::string bytes;
  std::string name;  ///< as the user wrote it
};

/// Reads SWEEP_CSV; Error(not_found) that says how to begin one.
[[nodiscard]] ManifestFile read_manifest(const Settings& settings);

}  // namespace workflow::client
