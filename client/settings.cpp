#include "client/settings.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <iterator>
#include <utility>

#include "client/config_search.h"
#include "common/text.h"

namespace workflow::client {
namespace {

namespace fs = std::filesystem;

/// The row of a key that is asked for as one of `kinds`.
const SettingRow& row_of(std::string_view key, std::initializer_list<Kind> kinds) {
  const SettingRow& row = setting_row(key);
  if (std::find(kinds.begin(), kinds.end(), row.kind) == kinds.end()) {
    bug("setting '" + std::string(key) + "' is asked for as another kind than its row's");
  }
  return row;
}

std::string unknown_key(std::string_view shown, const EnvEntry& entry) {
  std::string text =
      std::string(shown) + ":" + std::to_string(entry.line) + ": unknown key '" + entry.key + "'";
  const std::string near = nearest_setting(entry.key);
  return near.empty() ? text : text + "; did you mean '" + near + "'?";
}

/// True for `word:` at the start, and for local, which needs no more.
bool has_scheme(std::string_view target) {
  if (target == "local") return true;
  const auto colon = target.find(':');
  return colon != std::string_view::npos && valid_id(target.substr(0, colon));
}

/// What may stand before a number that is an id, not a port.
constexpr std::string_view schemes[] = {"ssh", "loopback", "lium", "runpod", "vast", "lambda"};

/// An ssh host that carries a port ("host:22", "user@host:22") rather than a scheme.
bool has_port(std::string_view host) {
  const auto colon = host.rfind(':');
  if (colon == std::string_view::npos || host.find(':') != colon) return false;
  const auto port = host.substr(colon + 1);
  return !port.empty() &&
         std::all_of(port.begin(), port.end(), [](unsigned char c) { return std::isdigit(c); }) &&
         std::ranges::find(schemes, host.substr(0, colon)) == std::end(schemes);
}

std::string ssh_target(const std::string& host) {
  if (has_port(host)) return "ssh://" + host;
  return has_scheme(host) ? host : "ssh:" + host;
}

}  // namespace

Settings Settings::load(const SettingsSources& sources) {
  Settings settings;
  const fs::path working_dir = fs::absolute(sources.working_dir).lexically_normal();
  settings.base_dir_ = working_dir;
  if (sources.environment) settings.home_ = sources.environment("HOME").value_or("");
  if (const auto file =
          find_config(sources.config_flag, sources.environment, working_dir, settings.warnings_)) {
    settings.read_file(file->path, file->shown, sources);
  }
  // Weakest first: a later source replaces an earlier one, an empty value included.
  for (const auto& row : setting_rows()) {
    const std::string key(row.key);
    if (auto value = sources.environment ? sources.environment(key) : std::nullopt) {
      settings.values_[key] = {std::move(*value), "environment", {"environment", 0, 0, {}}};
    }
  }
  for (const auto& [key, value] : sources.flags) {
    settings.values_[std::string(setting_row(key).key)] = {value, "flag", {"flag", 0, 0, {}}};
  }
  settings.check();
  return settings;
}

void Settings::read_file(const fs::path& path, const std::string& shown,
                         const SettingsSources& sources) {
  EnvFile file = parse_env_file(read_config({path, shown}), shown, sources.environment);
  file_ = path;
  base_dir_ = path.parent_path();
  for (const auto& warning : file.warnings) warnings_.push_back(warning.text());
  for (auto& entry : file.entries) {
    if (find_setting(entry.key) != nullptr) {
      values_[entry.key] = {std::move(entry.value),
                            shown + ":" + std::to_string(entry.line),
                            {shown, entry.line, entry.column, {}}};
    } else if (has_our_prefix(entry.key)) {
      warnings_.push_back(unknown_key(shown, entry));
    }
  }
}

void Settings::check() const {
  std::vector<Fault> faults;
  for (const auto& row : setting_rows()) {
    if (!is_set(row.key)) continue;
    const Value& value = values_.find(row.key)->second;
    if (auto message = value_fault(row, value.text)) {
      faults.push_back(value.place);
      faults.back().message = std::move(*message);
    }
  }
  if (faults.empty()) return;
  throw faults_error(faults, std::to_string(faults.size()) +
                                 (faults.size() == 1 ? " fault" : " faults") +
                                 ", nothing was done");
}

bool Settings::is_set(std::string_view key) const {
  const auto found = values_.find(setting_row(key).key);
  return found != values_.end() && !found->second.text.empty();
}

std::string Settings::origin(std::string_view key) const {
  return is_set(key) ? values_.find(key)->second.origin : "built-in";
}

std::string Settings::value(const SettingRow& row, bool local) const {
  if (is_set(row.key)) return values_.find(row.key)->second.text;
  const bool own = local && !row.local_default.empty();
  return expanded(own ? row.local_default : row.default_value, local);
}

/// Defaults refer to keys of the table only, and never in a circle.
std::string Settings::expanded(std::string_view text, bool local) const {
  std::string out;
  for (auto at = text.find("${"); at != std::string_view::npos; at = text.find("${")) {
    const auto end = text.find('}', at);
    const SettingRow& row = setting_row(text.substr(at + 2, end - at - 2));
    const bool open = !local && !is_set(row.key) && !row.else_default.empty();
    out += text.substr(0, at);
    out += open ? std::string(text.substr(at, end + 1 - at))
                : (local ? text_for_local(row.key) : value(row, false));
    text.remove_prefix(end + 1);
  }
  return out + std::string(text);
}

std::string Settings::text(std::string_view key) const { return value(setting_row(key), false); }

std::string Settings::text_for_local(std::string_view key) const {
  const SettingRow& row = setting_row(key);
  std::string text = value(row, true);
  const bool relative = row.kind == Kind::path_there && !text.empty() && text.front() != '/' &&
                        text != "~" && !text.starts_with("~/");
  return relative ? (base_dir_ / text).lexically_normal().string() : text;
}

std::vector<std::string> Settings::candidates(std::string_view key, bool local) const {
  const SettingRow& row = setting_row(key);
  std::vector<std::string> list{local ? text_for_local(key) : text(key)};
  const bool chosen = is_set(key) || (local && !row.local_default.empty());
  if (!chosen && !row.else_default.empty()) list.push_back(expanded(row.else_default, local));
  return list;
}

bool Settings::flag(std::string_view key) const {
  return truthy(value(row_of(key, {Kind::flag}), false));
}

std::int64_t Settings::seconds(std::string_view key) const {
  return parse_duration(value(row_of(key, {Kind::seconds}), false)).value_or(0);
}

std::int64_t Settings::count(std::string_view key) const {
  return parse_integer(value(row_of(key, {Kind::count, Kind::positive}), false)).value_or(0);
}

fs::path Settings::path_here(std::string_view key) const {
  const std::string text = value(row_of(key, {Kind::path_here}), false);
  if (text.empty()) return {};
  const bool from_home = text.starts_with("~/") && !home_.empty();
  return (from_home ? home_ / text.substr(2) : base_dir_ / text).lexically_normal();
}

std::vector<std::string> Settings::names(std::string_view key) const {
  return setting_names(value(row_of(key, {Kind::names}), false));
}

Settings Settings::with(std::string_view key, std::string value, const std::string& origin) const {
  Settings other = *this;
  other.values_[std::string(setting_row(key).key)] = {std::move(value), origin, {origin, 0, 0, {}}};
  return other;
}

std::string Settings::target() const {
  if (is_set("WF_TARGET")) return text("WF_TARGET");
  if (is_set("LIUM_TARGET")) {
    const std::string pod = text("LIUM_TARGET");
    return has_scheme(pod) ? pod : "lium:" + pod;
  }
  return is_set("OPS_DEFAULT_HOST") ? ssh_target(text("OPS_DEFAULT_HOST")) : std::string();
}

}  // namespace workflow::client
