#include <algorithm>

#include "client/settings_table.h"

namespace workflow::client {
namespace {

constexpr std::string_view first_keys[] = {"WF_TARGET", "REPO_URL", "CHECKOUT_BRANCH"};

constexpr std::string_view head =
    "# Settings of workflow. Copy this file to workflow.env and take the '#' off the lines you\n"
    "# need; each shows its default. It is read, never executed: KEY=VALUE, 'literal quotes',\n"
    "# \"${VAR} of keys further up or of the environment\". A flag and the environment win over\n"
    "# it; an empty value means the default. Durations: 90, 15m, 2h, 1d. Flags: 1 or 0.\n"
    "# What is in force, and why: workflow config\n";

/// The default as the file's grammar writes it; ours need quotes only for spaces.
std::string written(std::string_view value) {
  const std::string text(value);
  return text.find(' ') == std::string::npos ? text : "\"" + text + "\"";
}

std::string entry(const SettingRow& row) {
  std::string note;
  if (!row.else_default.empty()) {
    note += "# where that is not writable: " + std::string(row.else_default) + "\n";
  }
  if (!row.local_default.empty()) {
    note += "# on target local: " + std::string(row.local_default) + "\n";
  }
  return "# " + std::string(row.meaning) + "\n" + note + "#" + std::string(row.key) + "=" +
         written(row.default_value) + "\n";
}

bool is_first(const SettingRow& row) {
  return std::ranges::find(first_keys, row.key) != std::ranges::end(first_keys);
}

std::string heading(std::string_view title) { return "\n# --- " + std::string(title) + "\n"; }

}  // namespace

std::string_view family_title(Family family) {
  switch (family) {
    case Family::target:
      return "target";
    case Family::pod:
      return "renting a pod";
    case Family::remote:
      return "places on the target";
    case Family::state:
      return "state and tmux";
    case Family::limits:
      return "limits";
    case Family::checkout:
      return "checkout";
    case Family::prepare:
      return "bootstrap";
    case Family::data:
      return "data";
    case Family::sweep:
      return "sweep";
    case Family::training:
      return "training";
    case Family::artifacts:
      return "artifacts";
  }
  return "";
}

std::string example_file() {
  std::string out(head);
  out += heading("start here: three lines");
  for (const auto key : first_keys) out += entry(setting_row(key));
  const SettingRow* previous = nullptr;
  for (const auto& row : setting_rows()) {
    if (is_first(row)) continue;
    if (previous == nullptr || previous->family != row.family) {
      out += heading(family_title(row.family));
    }
    out += entry(row);
    previous = &row;
  }
  return out;
}

}  // namespace workflow::client
