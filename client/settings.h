#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/env_file.h"
#include "client/settings_table.h"
#include "common/error.h"

// The settings of one invocation: flag, environment, workflow.env, built-in default, in this order
// (README, "Configuration"). What a key means stands in settings_table.h; what the target decides
// (which outputs directory is writable, what `~` is) is not known here.
namespace workflow::client {

/// Where settings come from. `flags` holds keys of the table (`--target` is WF_TARGET).
struct SettingsSources {
  std::optional<std::filesystem::path> config_flag;
  std::map<std::string, std::string> flags;
  Environment environment;
  std::filesystem::path working_dir;
};

/// Every key's value, checked. An empty value, wherever it stands, means the built-in default:
/// `SWEEP_LIMIT= workflow sweep-start` undoes the file's limit. Asking for a key that is not in the
/// table, or as another kind than the table says, is a bug.
class Settings {
 public:
  /// Finds and reads workflow.env and checks all that is set; throws one usage error with every
  /// fault. Searched: --config, $WORKFLOW_CONFIG, the working directory, its parents up to the git
  /// root; no file is no fault, a named file that is missing is one.
  [[nodiscard]] static Settings load(const SettingsSources& sources);

  /// The value. A default's ${KEY} is replaced, except where the target has yet to choose that
  /// key's default: then it stays for the target to fill in.
  [[nodiscard]] std::string text(std::string_view key) const;
  /// The value on target `local`: its own defaults; paths of the target then are of this machine,
  /// so relative ones are made absolute. `~/` stays.
  [[nodiscard]] std::string text_for_local(std::string_view key) const;
  /// What the target tries in this order: the value if it is set, else the default and, where that
  /// is not writable, the second default.
  [[nodiscard]] std::vector<std::string> candidates(std::string_view key, bool local = false) const;

  [[nodiscard]] bool flag(std::string_view key) const;
  /// 0 where there is neither value nor default; also of `count`.
  [[nodiscard]] std::int64_t seconds(std::string_view key) const;
  [[nodiscard]] std::int64_t count(std::string_view key) const;
  /// A path of this machine, made absolute from base_dir(), `~/` from $HOME; empty for none.
  [[nodiscard]] std::filesystem::path path_here(std::string_view key) const;
  /// The names of a key that lists variables.
  [[nodiscard]] std::vector<std::string> names(std::string_view key) const;

  /// True when a flag, the environment or the file gave a value that is not empty.
  [[nodiscard]] bool is_set(std::string_view key) const;
  /// "flag", "environment", "FILE:LINE" or "built-in".
  [[nodiscard]] std::string origin(std::string_view key) const;

  /// The target in one of the forms local, ssh:ALIAS, ssh://user@host:port, PROVIDER:ID: the first
  /// of WF_TARGET, LIUM_TARGET, OPS_DEFAULT_HOST that is set; empty when none is.
  [[nodiscard]] std::string target() const;

  /// The same settings with another value for one key, as a flag would give it; not checked.
  [[nodiscard]] Settings with(std::string_view key, std::string value,
                              const std::string& origin = "flag") const;

  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  /// The file that was read, absolute; empty when there is none.
  [[nodiscard]] const std::filesystem::path& file() const { return file_; }
  /// What relative paths of this machine start from: the file's directory, else the working one.
  [[nodiscard]] const std::filesystem::path& base_dir() const { return base_dir_; }

 private:
  struct Value {
    std::string text;
    std::string origin;
    Fault place;  ///< where a fault of the value is reported
  };

  void read_file(const std::filesystem::path& path, const std::string& shown,
                 const SettingsSources& sources);
  void check() const;
  [[nodiscard]] std::string expanded(std::string_view text, bool local) const;
  [[nodiscard]] std::string value(const SettingRow& row, bool local) const;

  std::map<std::string, Value, std::less<>> values_;
  std::vector<std::string> warnings_;
  std::filesystem::path file_;
  std::filesystem::path base_dir_;
  std::filesystem::path home_;
};

}  // namespace workflow::client
