#include "common/user_dirs.h"

#include <cstdlib>

namespace workflow {
namespace {

/// The variable when it is an absolute path, else below the home: the XDG base directories.
fs::path xdg(const char* variable, const char* below_home) {
  const char* set = std::getenv(variable);
  if (set != nullptr && *set == '/') return fs::path(set) / "workflow";
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : "/") / below_home / "workflow";
}

}  // namespace

fs::path cache_dir() { return xdg("XDG_CACHE_HOME", ".cache"); }

fs::path state_dir() { return xdg("XDG_STATE_HOME", ".local/state"); }

fs::path config_dir() { return xdg("XDG_CONFIG_HOME", ".config"); }

}  // namespace workflow
