// The only file that includes CLI11: it costs ten seconds to compile.
#include "apps/workflow/parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <deque>

#include "common/text.h"

namespace workflow::app {
namespace {

std::string long_name(std::string_view flag) { return std::string(flag.substr(0, flag.find(','))); }

/// A global flag whose value is the next word.
bool takes_next_word(std::string_view word) {
  return word == "--config" || word == "--target" || word == "--color";
}

/// `task run` is `task-run`, for every name with a hyphen.
void join_words(std::vector<std::string>& words) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (takes_next_word(words[i])) {
      ++i;
      continue;
    }
    if (words[i].empty() || words[i][0] == '-') continue;
    if (find_command(words[i]) != nullptr) return;
    for (std::size_t parts = 2; parts >= 1 && i + parts < words.size() + 1; --parts) {
      std::string joined = words[i];
      for (std::size_t k = 1; k <= parts && i + k < words.size(); ++k) joined += "-" + words[i + k];
      if (find_command(joined) == nullptr) continue;
      words[i] = joined;
      words.erase(
          words.begin() + static_cast<std::ptrdiff_t>(i) + 1,
          words.begin() + static_cast<std::ptrdiff_t>(std::min(i + 1 + parts, words.size())));
      return;
    }
    return;
  }
}

void add_globals(CLI::App& app, Globals& globals) {
  app.add_option("--config", globals.config, "workflow.env to read")->type_name("FILE");
  app.add_option("--target", globals.target, "where to work")->type_name("T");
  app.add_flag("--json", globals.json, "JSON on stdout");
  app.add_flag("-q,--quiet", globals.quiet, "no remarks");
  app.add_flag("-v,--verbose", globals.verbose, "say more");
  app.add_option("--color", globals.color, "colours")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  app.add_flag("-n,--dry-run", globals.dry_run, "say what would be done");
  app.add_flag("-y,--yes", globals.yes, "do not ask");
  app.add_flag("--no-input", globals.no_input, "never ask");
}

/// Where CLI11 puts what it reads for one command.
struct Slots {
  std::map<std::string, std::vector<std::string>> values;
  std::map<std::string, std::int64_t> switches;
  std::map<std::string, std::string> positionals;
};

void add_command(CLI::App& app, const Command& command, Slots& slots) {
  CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
  sub->fallthrough();
  sub->set_help_flag("");
  for (const auto& flag : command.flags) {
    const std::string name = long_name(flag.name);
    if (flag.value.empty()) {
      sub->add_flag(std::string(flag.name), slots.switches[name]);
    } else {
      sub->add_option(std::string(flag.name), slots.values[name])
          ->expected(flag.many ? CLI::detail::expected_max_vector_size : 1)
          ->allow_extra_args(false)  // else it takes the words after it, and '[a]' for a list
          ->multi_option_policy(flag.many ? CLI::MultiOptionPolicy::TakeAll
                                          : CLI::MultiOptionPolicy::Throw);
    }
  }
  for (const auto& positional : command.positionals) {
    // What takes many is what is left over: CLI11 would take '[a]' for a list.
    if (positional.many) {
      app.allow_extras();
    } else {
      sub->add_option(std::string(positional.name),
                      slots.positionals[std::string(positional.name)]);
    }
  }
}

/// The words that are left over for a positional that takes many.
std::vector<std::string> many_words(const CLI::App& app, const Command& command) {
  std::vector<std::string> words = app.remaining(true);
  for (const auto& word : words) {
    if (word.size() > 1 && word[0] == '-') {
      throw Error(Code::usage, "not understood: " + word,
                  "workflow help " + std::string(command.name));
    }
  }
  return words;
}

Arguments arguments_of(const Command& command, const Slots& slots) {
  Arguments arguments;
  for (const auto& flag : command.flags) {
    const std::string name = long_name(flag.name);
    if (flag.value.empty()) {
      if (slots.switches.at(name) > 0) arguments.flags[name] = {};
    } else if (const auto& values = slots.values.at(name); !values.empty()) {
      arguments.flags[name] = values;
    }
  }
  for (const auto& positional : command.positionals) {
    if (positional.many) continue;
    const auto& value = slots.positionals.at(std::string(positional.name));
    if (!value.empty()) arguments.positionals[std::string(positional.name)] = value;
    if (value.empty() && positional.required) {
      throw Error(Code::usage,
                  "'" + std::string(command.name) + "' needs " + std::string(positional.name) +
                      ": " + std::string(positional.help),
                  "workflow help " + std::string(command.name));
    }
  }
  return arguments;
}

std::map<std::string, std::string> settings_of(const Command& command, const Arguments& arguments) {
  std::map<std::string, std::string> settings;
  for (const auto& flag : command.flags) {
    const std::string name = long_name(flag.name);
    if (flag.setting.empty() || !arguments.has(name)) continue;
    settings[std::string(flag.setting)] = flag.value.empty() ? "1" : arguments.text(name);
  }
  return settings;
}

/// CLI11 says what it did not expect; we say what was probably meant.
Error friendly(const CLI::App& app, const CLI::ParseError& fault, const Command* command) {
  std::string text = fault.what();
  std::vector<std::string> known{"--config", "--target",  "--json", "--quiet",    "--verbose",
                                 "--color",  "--dry-run", "--yes",  "--no-input", "--help"};
  if (command != nullptr) {
    for (const auto& flag : command->flags) known.push_back(long_name(flag.name));
  }
  std::string hint =
      command == nullptr ? "workflow help" : "workflow help " + std::string(command->name);
  for (const auto& word : split(text, ' ')) {
    if (word.rfind("--", 0) != 0) continue;
    const std::string near = nearest(word.substr(0, word.find('=')), known);
    if (!near.empty() && near != word) hint = "did you mean " + near + "?";
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&fault) != nullptr) {
    text = "not understood: " + join(app.remaining(true), " ");
  }
  if (!text.empty() && text.back() == '.') text.pop_back();
  return Error(Code::usage, text, hint);
}

/// The first word that is no flag and no flag's value.
std::string first_word(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (takes_next_word(words[i])) {
      ++i;
    } else if (!words[i].empty() && words[i][0] != '-') {
      return words[i];
    }
  }
  return {};
}

}  // namespace

Parsed parse_command_line(std::vector<std::string> words) {
  Parsed parsed;
  std::vector<std::string> rest;
  const auto dashes = std::find(words.begin(), words.end(), "--");
  const bool has_rest = dashes != words.end();
  if (has_rest) {
    rest.assign(dashes + 1, words.end());
    words.erase(dashes, words.end());
  }
  join_words(words);
  const std::string first = first_word(words);
  const Command* command = find_command(first);
  const auto asks = [&](std::string_view a, std::string_view b) {
    return std::any_of(words.begin(), words.end(),
                       [&](const auto& word) { return word == a || word == b; });
  };
  parsed.help = asks("-h", "--help");
  parsed.version = asks("--version", "--version");
  parsed.help_for = first;
  if (parsed.version) return parsed;
  if (command == nullptr && !first.empty()) {
    if (!commands_of(first).empty()) return parsed;
    throw no_such_command(first);
  }
  if (parsed.help) return parsed;

  CLI::App app("workflow");
  app.set_help_flag("");
  app.fallthrough();
  add_globals(app, parsed.globals);
  Slots slots;
  if (command != nullptr) add_command(app, *command, slots);
  try {
    std::reverse(words.begin(), words.end());
    app.parse(std::move(words));
  } catch (const CLI::ParseError& fault) {
    const Error error = friendly(app, fault, command);
    const bool words_too_many = dynamic_cast<const CLI::ExtrasError*>(&fault) != nullptr;
    if (!words_too_many || has_rest || command == nullptr || !command->takes_rest) throw error;
    throw Error(error.code(), error.what(),
                "what is to run stands behind --: workflow " + std::string(command->name) +
                    " -- …\n" + error.hint());
  }
  if (command == nullptr) return parsed;
  parsed.command = command;
  parsed.arguments = arguments_of(*command, slots);
  parsed.arguments.words = many_words(app, *command);
  parsed.arguments.rest = std::move(rest);
  parsed.arguments.has_rest = has_rest;
  if (has_rest && !command->takes_rest) {
    throw Error(Code::usage, "'" + std::string(command->name) + "' takes no words behind --");
  }
  parsed.settings = settings_of(*command, parsed.arguments);
  return parsed;
}

}  // namespace workflow::app
