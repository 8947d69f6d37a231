#include "remote/pods/credentials.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "common/fd_io.h"
#include "common/text.h"
#include "common/user_dirs.h"

namespace workflow::pods {
namespace {

constexpr std::string_view program_prefix = "workflow-provider-";

struct KeyOf {
  std::string_view provider;
  std::string_view key;
};
constexpr std::array built_in{KeyOf{"runpod", "RUNPOD_API_KEY"}, KeyOf{"vast", "VAST_API_KEY"},
                              KeyOf{"lambda", "LAMBDA_API_KEY"}, KeyOf{"lium", "LIUM_API_KEY"}};

/// The bytes of a file that holds keys; nothing when there is none.
std::optional<std::string> private_bytes(const fs::path& path) {
  const UniqueFd file = open_regular(path);
  if (!file.valid()) return std::nullopt;
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || info.st_uid != ::geteuid()) {
    throw Error(Code::precondition, "'" + path.string() + "' belongs to another user",
                "keys are read from files of yours alone");
  }
  if ((info.st_mode & 077U) != 0) {
    throw Error(Code::precondition, "'" + path.string() + "' holds keys and others may read it",
                "chmod 600 " + shell_quote(path.string()));
  }
  std::string bytes;
  while (append_read(file.get(), 4096, bytes) > 0) {
  }
  return bytes;
}

std::string unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && value.front() == value.back() &&
                      (value.front() == '"' || value.front() == '\'');
  return std::string(quoted ? value.substr(1, value.size() - 2) : value);
}

std::optional<std::string> from_own_file(const std::string& key) {
  const fs::path path = credentials_file();
  const auto bytes = private_bytes(path);
  if (!bytes) return std::nullopt;
  std::optional<std::string> found;
  std::size_t number = 0;
  for (const auto& raw : split(*bytes, '\n')) {
    ++number;
    std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    if (line.substr(0, 7) == "export ") line = trim(line.substr(7));
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      throw Error(Code::precondition,
                  "line " + std::to_string(number) + " of '" + path.string() + "' is not KEY=VALUE",
                  "RUNPOD_API_KEY=…, one key a line");
    }
    if (trim(line.substr(0, equals)) == key) found = unquoted(trim(line.substr(equals + 1)));
  }
  return found;
}

/// `api_key` of the section `[api]` of lium's file.
std::optional<std::string> from_lium() {
  const char* home = std::getenv("HOME");
  const auto bytes = real_files().read(fs::path(home == nullptr ? "/" : home) / ".lium/config.ini");
  if (!bytes) return std::nullopt;
  bool in_api = false;
  for (const auto& raw : split(*bytes, '\n')) {
    const std::string_view line = trim(raw);
    if (!line.empty() && line.front() == '[') in_api = line == "[api]";
    const std::size_t equals = line.find_first_of("=:");
    if (in_api && equals != std::string_view::npos && trim(line.substr(0, equals)) == "api_key") {
      return std::string(trim(line.substr(equals + 1)));
    }
  }
  return std::nullopt;
}

/// A line break in a key would be a header of its own.
std::optional<std::string> checked(const std::string& name, std::optional<std::string> value) {
  if (!value) return std::nullopt;
  const std::string text(trim(*value));
  if (text.empty()) return std::nullopt;
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; })) {
    throw Error(Code::precondition, "'" + name + "' holds characters that no key has",
                "copy the key again; it is one line without blanks");
  }
  return text;
}

/// Names of the executables on the PATH that begin with `prefix`, without it.
std::vector<std::string> programs(std::string_view prefix) {
  std::vector<std::string> out;
  const char* path = std::getenv("PATH");
  for (const auto& dir : split(path == nullptr ? "" : path, ':')) {
    std::error_code gone;
    for (const auto& entry : fs::directory_iterator(dir, gone)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind(prefix, 0) != 0 || ::access(entry.path().c_str(), X_OK) != 0) continue;
      if (entry.is_regular_file(gone)) out.push_back(name.substr(prefix.size()));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

bool on_path(const std::string& name) {
  const auto found = programs(name);
  return !found.empty() && found.front().empty();
}

bool is_built_in(const std::string& name) {
  return name == "loopback" || std::any_of(built_in.begin(), built_in.end(),
                                           [&](const KeyOf& one) { return one.provider == name; });
}

}  // namespace

fs::path credentials_file() { return config_dir() / "credentials"; }

std::optional<std::string> credential(const ProviderContext& context, const std::string& key) {
  if (auto set = checked(key, context.value(key))) return set;
  if (auto kept = checked(key, from_own_file(key))) return kept;
  return key == "LIUM_API_KEY" ? checked(key, from_lium()) : std::nullopt;
}

std::vector<std::string> providers_with_credentials(const ProviderContext& context) {
  std::vector<std::string> out;
  for (const auto& [provider, key] : built_in) {
    const bool has_cli = provider != "lium" || on_path("lium");
    if (has_cli && credential(context, std::string(key))) out.emplace_back(provider);
  }
  for (const auto& name : programs(program_prefix)) {
    if (valid_id(name) && !is_built_in(name)) out.push_back(name);
  }
  return out;
}

}  // namespace workflow::pods
