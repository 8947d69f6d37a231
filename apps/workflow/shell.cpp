// config, completion, help.
#include "apps/workflow/command.h"
#include "apps/workflow/help.h"
#include "client/repo_url.h"
#include "common/text.h"

namespace workflow::app {
namespace {

Outcome config(Context& context) {
  const client::Settings& settings = context.settings();
  const bool all = context.args().has("--all");
  Json values = Json::object();
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : client::setting_rows()) {
    const std::string key(row.key);
    const std::string origin = settings.origin(key);
    std::string value =
        settings.target() == "local" ? settings.text_for_local(key) : settings.text(key);
    if (key == "REPO_URL") value = client::shown_url(value);
    values[key] = {{"value", value}, {"origin", origin}};
    if (all || origin != "built-in") rows.push_back({key, value, origin});
  }
  Output& out = context.out();
  out.line("settings file  " + (settings.file().empty() ? "none" : settings.file().string()));
  if (!rows.empty()) out.rows({"key", "value", "from"}, std::move(rows));
  if (!all) out.note("built-in values are left out; --all shows them");
  return {{{"file", settings.file().string()}, {"values", values}}};
}

Outcome completion(Context& context) {
  const std::string script = completion_script(context.args().positional("shell"));
  context.out().bytes(script);
  return {{{"script", script}}};
}

Outcome help(Context& context) {
  const std::string name = context.args().positional("command");
  if (name.empty()) {
    context.out().bytes(overview_help());
    return {{{"commands", command_names()}}};
  }
  const Command* command = find_command(name);
  if (command == nullptr) {
    if (commands_of(name).empty()) throw no_such_command(name);
    context.out().bytes(family_help(name));
    Json names = Json::array();
    for (const Command* each : commands_of(name)) names.push_back(each->name);
    return {{{"commands", std::move(names)}}};
  }
  context.out().bytes(command_help(*command));
  return {{{"command", name}, {"help", command_help(*command)}}};
}

}  // namespace

const Family& shell_family() {
  static const Family family{"shell",
                             {{"config",
                               "every setting and where it comes from",
                               {},
                               {{"--all", "", "built-in values too"}},
                               config,
                               Dry::reads},
                              {"completion",
                               "a completion script",
                               {{"shell", "bash, zsh or fish"}},
                               {},
                               completion,
                               Dry::reads},
                              {"help",
                               "this, or a command's own help",
                               {{"command", "the command", false}},
                               {},
                               help,
                               Dry::reads}}};
  return family;
}

}  // namespace workflow::app
