#pragma once

#include <optional>
#include <string>

#include "common/files.h"
#include "remote/pods/provider.h"

// Keys of providers: read, handed to the one provider they belong to, and never shown.
namespace workflow::pods {

/// XDG_CONFIG_HOME/workflow/credentials: `KEY=VALUE` lines, mode 0600.
[[nodiscard]] fs::path credentials_file();

/// A key such as RUNPOD_API_KEY: the environment's, else the file's; for LIUM_API_KEY at last that
/// of lium's own ~/.lium/config.ini. Error(precondition) that names the file when others may read
/// it or it is not understood, and when a key holds what no key holds. No text of an error has a
/// character of a key.
[[nodiscard]] std::optional<std::string> credential(const ProviderContext& context,
                                                    const std::string& key);

}  // namespace workflow::pods
