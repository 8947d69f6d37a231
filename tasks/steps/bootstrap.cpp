#include <unistd.h>

#include "common/error.h"
#include "common/text.h"
#include "tasks/steps/step.h"

namespace workflow::tasks {
namespace {

/// A program that bootstrap looks for, and how it tells its version.
struct Tool {
  const char* name;
  const char* version_flag;
  bool needed;
  const char* package;
};

constexpr Tool tools[] = {{"git", "--version", true, "git"},
                          {"tmux", "-V", false, "tmux"},
                          {"rsync", "--version", false, "rsync"},
                          {"curl", "--version", false, "curl"}};

struct Found {
  Json claims = Json::object();
  std::vector<std::string> missing;   ///< needed
  std::vector<std::string> packages;  ///< that would bring what is missing, needed or not
  std::vector<std::string> shown;     ///< every tool with its version
};

/// What people are shown of it: the tools that matter, versions without their last part.
std::string short_summary(const Json& tools) {
  std::vector<std::string> parts;
  for (const char* name : {"git", "tmux", "python"}) {
    const std::string version = text_at(member(tools, name), "version");
    if (version.empty()) continue;
    const auto numbers = split(version, '.');
    parts.push_back(std::string(name) + " " +
                    (numbers.size() > 2 ? numbers[0] + "." + numbers[1] : version));
  }
  return join(parts, ", ");
}

/// The first word of a version text that begins with a digit.
std::string version_in(const std::string& text) {
  for (const auto& word : split(text.substr(0, text.find('\n')), ' ')) {
    if (!word.empty() && word[0] >= '0' && word[0] <= '9') return word;
  }
  return {};
}

void note(Found& found, const std::string& name, const std::string& path,
          const std::string& version) {
  found.claims[name] = {{"path", path}, {"version", version}};
  found.shown.push_back(name + " " + version);
}

Found look(const Step& step) {
  Found found;
  for (const Tool& tool : tools) {
    const auto path = step.ask({"sh", "-c", "command -v \"$0\"", tool.name});
    if (!path || path->empty()) {
      if (tool.needed) found.missing.push_back(tool.name);
      found.packages.push_back(tool.package);
      continue;
    }
    note(found, tool.name, *path,
         version_in(step.ask({tool.name, tool.version_flag}).value_or("")));
  }
  const std::string python = step.site().text("REMOTE_PYTHON_BIN");
  const auto path = step.ask({"sh", "-c", "command -v \"$0\"", python});
  if (!path || path->empty()) {
    found.missing.push_back(python);
    found.packages.push_back("python3");
    found.packages.push_back("python3-venv");
    return found;
  }
  note(found, "python", *path, version_in(step.ask({*path, "--version"}).value_or("")));
  if (!step.ask({*path, "-c", "import venv, ensurepip"})) {
    found.missing.push_back("the module venv of " + python);
    found.packages.push_back("python3-venv");
  }
  return found;
}

void install(const Step& step) {
  std::vector<std::string> argv{"apt-get", "install", "-y", "--no-install-recommends", "--"};
  for (auto& package : split(step.site().text("APT_PACKAGES"), ' ')) {
    if (!package.empty()) argv.push_back(package);
  }
  const std::vector<std::string> quiet{"DEBIAN_FRONTEND=noninteractive"};
  if (::geteuid() != 0) {
    argv.insert(argv.begin(), {"sudo", "-n"});
    step.run({"sudo", "-n", "apt-get", "update"}, {}, quiet);
  } else {
    step.run({"apt-get", "update"}, {}, quiet);
  }
  step.run(argv, {}, quiet);
}

/// A script of the user's on the target. `needed`: its absence is a failure, not a remark.
void run_script(const Step& step, const char* key, bool needed) {
  const fs::path script = step.site().path(key);
  if (script.empty()) return;
  if (!fs::exists(script)) {
    const std::string what = std::string(key) + " '" + script.string() + "' is not there";
    if (needed)
      throw Error(Code::precondition, what,
                  "put the script there, or set SWEEP_WANDB=0 and RUN_WANDB_SETUP=0");
    return step.say(what + "; passed over");
  }
  step.run({"bash", script.string()});
}

}  // namespace

void bootstrap(const Step& step) {
  const Site& site = step.site();
  site.ensure_pod_id();
  Found found = look(step);
  if (site.flag("AUTO_INSTALL_PREREQS") && !found.packages.empty()) {
    install(step);
    found = look(step);
  }
  if (!found.missing.empty()) {
    throw Error(Code::precondition, "missing on the target: " + join(found.missing, ", "),
                "set AUTO_INSTALL_PREREQS=1, or install by hand: apt-get install " +
                    join(found.packages, " "));
  }
  for (const auto& package : found.packages) step.say(package + " is not there; it is not needed");
  run_script(step, "BOOTSTRAP_SCRIPT", false);
  const bool wandb = site.flag("SWEEP_WANDB") || site.flag("RUN_WANDB_SETUP");
  if (wandb) run_script(step, "WANDB_SETUP_SCRIPT", true);
  write_remote_env(step);
  for (const auto& text : found.shown) step.say(text);
  step.found({{"bootstrap",
               {{"tools", found.claims},
                {"inputs_sha256", step_inputs_sha256(site, fsm::Event::bootstrap)}}}},
             short_summary(found.claims));
}

}  // namespace workflow::tasks
