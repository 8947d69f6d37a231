#include "common/error.h"
#include "common/text.h"
#include "tasks/steps/packages.h"
#include "tasks/steps/step.h"
#include "tasks/steps/wandb.h"

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
  std::set<std::string> there;        ///< packages whose programs are there, whoever brought them
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
    found.there.insert(tool.package);
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
  found.there.insert("python3");
  note(found, "python", *path, version_in(step.ask({*path, "--version"}).value_or("")));
  if (!step.ask({*path, "-c", "import venv, ensurepip"})) {
    found.missing.push_back("the module venv of " + python);
    found.packages.push_back("python3-venv");
  } else {
    found.there.insert("python3-venv");
  }
  return found;
}

/// Installs what APT_PACKAGES promises and is missing, and looks again.
Found install(const Step& step, const Found& found) {
  const auto wanted = missing_packages(step, found.there);
  if (wanted.empty()) return found;
  install_packages(step, wanted);
  Found now = look(step);
  if (const auto missing = missing_packages(step, now.there); !missing.empty()) {
    throw Error(Code::precondition,
                "apt-get said that all went well, but not there is: " + join(missing, ", "),
                "look at its words in the log; are the names in APT_PACKAGES right?");
  }
  return now;
}

/// A script of the user's on the target; its absence is a remark, its failure the step's.
void run_script(const Step& step) {
  const fs::path script = step.site().path("BOOTSTRAP_SCRIPT");
  if (script.empty()) return;
  if (fs::exists(script)) return step.run({"bash", script.string()});
  step.warn("BOOTSTRAP_SCRIPT '" + script.string() + "' is not there; passed over");
}

}  // namespace

void bootstrap(const Step& step) {
  const Site& site = step.site();
  site.ensure_pod_id();
  Found found = look(step);
  if (site.flag("AUTO_INSTALL_PREREQS")) found = install(step, found);
  if (!found.missing.empty()) {
    throw Error(Code::precondition, "missing on the target: " + join(found.missing, ", "),
                std::string(site.flag("AUTO_INSTALL_PREREQS") ? "add it to APT_PACKAGES"
                                                              : "set AUTO_INSTALL_PREREQS=1") +
                    ", or install by hand: apt-get install " + join(found.packages, " "));
  }
  for (const auto& package : found.packages) step.say(package + " is not there; it is not needed");
  run_script(step);
  set_up_wandb(step);
  write_remote_env(step);
  for (const auto& text : found.shown) step.say(text);
  step.found({{"bootstrap",
               {{"tools", found.claims},
                {"script_sha256", script_sha256(site)},
                {"inputs_sha256", step_inputs_sha256(site, fsm::Event::bootstrap)}}}},
             short_summary(found.claims));
}

}  // namespace workflow::tasks
