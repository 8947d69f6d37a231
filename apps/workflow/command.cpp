#include "apps/workflow/command.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "client/bound_pod.h"
#include "common/text.h"
#include "fsm/workflow_machine.h"

namespace workflow::app {

std::string Arguments::text(std::string_view flag) const {
  const auto it = flags.find(flag);
  return it == flags.end() || it->second.empty() ? std::string() : it->second.back();
}

std::vector<std::string> Arguments::list(std::string_view flag) const {
  const auto it = flags.find(flag);
  return it == flags.end() ? std::vector<std::string>{} : it->second;
}

std::vector<std::string> Arguments::comma_list(std::string_view flag) const {
  std::vector<std::string> words;
  for (const auto& value : list(flag)) {
    for (auto& word : split(value, ',')) {
      if (!trim(word).empty()) words.emplace_back(trim(word));
    }
  }
  return words;
}

sweep::Selection Arguments::selection() const {
  return {.match = text("--match"),
          .start_at = text("--start-at"),
          .limit = count("--limit").value_or(0),
          .only = comma_list("--only")};
}

std::string Arguments::positional(std::string_view name) const {
  const auto it = positionals.find(name);
  return it == positionals.end() ? std::string() : it->second;
}

std::optional<std::int64_t> Arguments::seconds(std::string_view flag) const {
  if (!has(flag)) return std::nullopt;
  const auto value = parse_duration(text(flag));
  if (value) return value;
  throw Error(Code::usage, std::string(flag) + " '" + text(flag) + "' is not a duration",
              "write 90, 90s, 15m, 2h or 1d");
}

std::optional<std::int64_t> Arguments::count(std::string_view flag) const {
  if (!has(flag)) return std::nullopt;
  const auto value = parse_integer(text(flag));
  if (value && *value >= 0) return value;
  throw Error(Code::usage, std::string(flag) + " '" + text(flag) + "' is not a number from 0 on");
}

std::string Arguments::id(std::string_view flag, std::string_view name) const {
  const std::string by_flag = text(flag);
  const std::string by_place = positional(name);
  if (!by_flag.empty() && !by_place.empty() && by_flag != by_place) {
    throw Error(Code::usage, "two ids: '" + by_flag + "' and '" + by_place + "'",
                "give one of them");
  }
  if (by_flag.empty() && by_place.empty()) {
    throw Error(Code::usage, "an id is needed: " + std::string(flag) + " X, or just X");
  }
  return by_flag.empty() ? by_place : by_flag;
}

bool Arguments::wants_remote_code() const {
  const std::string choice = text("--exit-code");
  if (choice == "remote") return true;
  if (!has("--exit-code") || choice == "own") return false;
  throw Error(Code::usage, "--exit-code '" + choice + "'", "own or remote");
}

void Arguments::require_command() const {
  if (text("--cmd").empty() == rest.empty()) {
    throw Error(
        Code::usage,
        rest.empty() ? "what to run is missing" : "--cmd and words behind -- do not go together",
        "--cmd 'TEXT for bash', or -- PROGRAM WORD…");
  }
  for (const auto& entry : list("--env")) {
    const auto equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw Error(Code::usage, "--env '" + entry + "' is not K=V");
    }
  }
}

Context::Context(std::string_view command, Globals globals, Arguments arguments,
                 std::map<std::string, std::string> flag_settings, Output& output, int interrupt_fd)
    : command_(command),
      globals_(std::move(globals)),
      arguments_(std::move(arguments)),
      flag_settings_(std::move(flag_settings)),
      output_(output),
      interrupt_fd_(interrupt_fd) {}

const client::Settings& Context::settings() {
  if (!settings_) {
    client::SettingsSources sources;
    if (globals_.config) sources.config_flag = *globals_.config;
    sources.flags = flag_settings_;
    if (globals_.target) sources.flags["WF_TARGET"] = *globals_.target;
    sources.environment = [](std::string_view key) -> std::optional<std::string> {
      const char* value = std::getenv(std::string(key).c_str());
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    sources.working_dir = std::filesystem::current_path();
    const client::Settings own = client::Settings::load(sources);
    for (const auto& warning : own.warnings()) output_.warn(warning);
    settings_ = client::with_bound_pod(own);
  }
  return *settings_;
}

client::Session& Context::session() {
  if (!session_) {
    client::require_pod(settings(), fsm::event_from(command_));
    session_.emplace(settings(), interrupt_fd_);
    session_->on_remark([this](const std::string& text) { output_.note(text); });
  }
  return *session_;
}

void Context::retarget(const std::string& target) {
  settings_ = settings().with("WF_TARGET", target, "ledger");
  session_.reset();
}

Error Context::with_cost(const Error& error) const {
  if (error.code() != Code::detached || !settings_) return error;
  const std::string cost = client::cost_note(*settings_);
  if (cost.empty()) return error;
  const std::string hint = error.hint() + (error.hint().empty() ? "" : "\n") + cost;
  return {error.code(), error.what(), hint, error.details()};
}

void Context::confirm(const std::string& consequence) {
  if (globals_.yes) return;
  if (globals_.no_input || ::isatty(STDIN_FILENO) != 1) {
    throw Error(Code::refused, consequence, "give --yes if you mean it");
  }
  output_.ask(consequence + "; go on? [y/N] ");
  std::string answer;
  std::getline(std::cin, answer);
  if (!truthy(answer)) throw Error(Code::refused, "nothing was done");
}

const std::vector<const Family*>& families() {
  static const std::vector<const Family*> all{
      &state_family(), &pod_family(),        &rent_family(),     &task_family(), &job_family(),
      &sweep_family(), &operations_family(), &artifact_family(), &hand_family(), &shell_family()};
  return all;
}

const Command* find_command(std::string_view name) {
  for (const auto* family : families()) {
    for (const auto& command : family->commands) {
      if (command.name == name) return &command;
    }
  }
  return nullptr;
}

std::vector<const Command*> commands_of(std::string_view word) {
  std::vector<const Command*> found;
  for (const auto* family : families()) {
    for (const auto& command : family->commands) {
      if (command.name.substr(0, command.name.find('-')) == word && command.name != word) {
        found.push_back(&command);
      }
    }
  }
  return found;
}

Error no_such_command(const std::string& name) {
  const std::string near = nearest(name, command_names());
  return Error(Code::usage, "there is no command '" + name + "'",
               near.empty() ? "workflow help" : "did you mean '" + near + "'?");
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto* family : families()) {
    for (const auto& command : family->commands) names.emplace_back(command.name);
  }
  return names;
}

}  // namespace workflow::app
