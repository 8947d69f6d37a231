#include "apps/workflow/help.h"

#include <algorithm>

#include "common/text.h"
#include "fsm/workflow_machine.h"

namespace workflow::app {
namespace {

struct GlobalFlag {
  std::string_view name;
  std::string_view help;
};

constexpr GlobalFlag global_flags[] = {
    {"--config FILE", "settings; else $WORKFLOW_CONFIG, ./workflow.env, a parent's"},
    {"--target T", "where to work: local, ssh:ALIAS or ssh://user@host:port"},
    {"--json", "one JSON document on stdout, everything else on stderr"},
    {"-q, --quiet", "no remarks"},
    {"-v, --verbose", "say more; -vv still more"},
    {"--color WHEN", "auto, always or never; NO_COLOR is respected"},
    {"-n, --dry-run", "say what would be done, and do nothing"},
    {"-y, --yes", "do not ask for confirmation"},
    {"--no-input", "never ask: refuse instead"},
    {"--version", "print the version"},
    {"-h, --help", "this, or a command's own help"}};

std::string flag_text(const Flag& flag) {
  std::string text;
  for (const auto& name : split(flag.name, ',')) text = text.empty() ? name : name + ", " + text;
  if (!flag.value.empty()) text += " " + std::string(flag.value);
  return text;
}

std::string usage(const Command& command) {
  std::string text = "workflow " + std::string(command.name);
  for (const auto& positional : command.positionals) {
    std::string shown = lower(positional.name) == positional.name ? std::string(positional.name)
                                                                  : std::string(positional.name);
    std::transform(shown.begin(), shown.end(), shown.begin(), ::toupper);
    if (positional.many) shown += "…";
    text += positional.required ? " " + shown : " [" + shown + "]";
  }
  if (!command.flags.empty()) text += " [flags]";
  if (command.takes_rest) text += " [-- PROGRAM WORD…]";
  return text;
}

std::string rows(const std::vector<std::pair<std::string, std::string>>& lines) {
  std::size_t width = 0;
  for (const auto& [left, right] : lines) width = std::max(width, text_width(left));
  std::string text;
  for (const auto& [left, right] : lines) text += "  " + padded(left, width + 2) + right + "\n";
  return text;
}

/// Where the machine allows the command; nothing for commands it does not know.
std::string legality(const Command& command) {
  const auto event = fsm::event_from(command.name);
  if (!event) return {};
  const auto states = fsm::legal_in(*event);
  std::vector<std::string> names;
  for (const auto state : states) names.emplace_back(fsm::name(state));
  if (states.size() == fsm::all_states().size()) return "legal in every state\n";
  return "legal in " + join(names, ", ") + "\n";
}

}  // namespace

std::string overview_help() {
  std::string text =
      "workflow runs ML experiments on machines that are not yours.\n\n"
      "usage: workflow [flags] COMMAND [flags]\n";
  for (const auto* family : families()) {
    text += "\n" + std::string(family->title) + "\n";
    std::vector<std::pair<std::string, std::string>> lines;
    for (const auto& command : family->commands) {
      lines.emplace_back(command.name, command.summary);
    }
    text += rows(lines);
  }
  text += "\nflags of every command, before or after its name\n";
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& flag : global_flags) lines.emplace_back(flag.name, flag.help);
  text += rows(lines);
  text +=
      "\nthe usual way: pod-up, bootstrap, checkout, sweep-start, sweep-watch\n"
      "'workflow task run' is the same as 'workflow task-run', for every such name\n"
      "workflow help COMMAND tells more; workflow.env.example explains the settings\n";
  return text;
}

std::string family_help(std::string_view word) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const Command* command : commands_of(word)) {
    lines.emplace_back(command->name, command->summary);
  }
  return "usage: workflow " + std::string(word) + "-… [flags]\n\n" + rows(lines);
}

std::string command_help(const Command& command) {
  std::string text = std::string(command.summary) + "\n\nusage: " + usage(command) + "\n";
  std::vector<std::pair<std::string, std::string>> lines;
  for (const auto& positional : command.positionals) {
    std::string shown(positional.name);
    std::transform(shown.begin(), shown.end(), shown.begin(), ::toupper);
    lines.emplace_back(shown, positional.help);
  }
  for (const auto& flag : command.flags) {
    std::string help(flag.help);
    if (!flag.setting.empty()) help += " (" + std::string(flag.setting) + ")";
    lines.emplace_back(flag_text(flag), help);
  }
  if (!lines.empty()) text += "\n" + rows(lines);
  if (const std::string where = legality(command); !where.empty()) text += "\n" + where;
  if (!command.example.empty()) text += "\nfor example: " + std::string(command.example) + "\n";
  return text;
}

std::string completion_script(const std::string& shell) {
  const std::string names = join(command_names(), " ");
  if (shell == "bash") {
    return "# eval \"$(workflow completion bash)\"\n"
           "_workflow() { [ \"$COMP_CWORD\" -eq 1 ] && "
           "COMPREPLY=($(compgen -W '" +
           names +
           "' -- \"${COMP_WORDS[1]}\")) || "
           "COMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")); }\n"
           "complete -F _workflow workflow\n";
  }
  if (shell == "zsh") {
    return "# eval \"$(workflow completion zsh)\"\n"
           "_workflow() { (( CURRENT == 2 )) && compadd -- " +
           names +
           " || _files; }\n"
           "compdef _workflow workflow\n";
  }
  if (shell == "fish") {
    std::string text = "# workflow completion fish | source\n";
    for (const auto* family : families()) {
      for (const auto& command : family->commands) {
        text += "complete -c workflow -n __fish_use_subcommand -f -a " + std::string(command.name) +
                " -d " + shell_quote(command.summary) + "\n";
      }
    }
    return text;
  }
  throw Error(Code::usage, "no completion for the shell '" + shell + "'", "bash, zsh or fish");
}

}  // namespace workflow::app
