#include "tasks/steps/virtual_env.h"

#include <cstdlib>

#include "common/error.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

/// There from before it is made until it is whole.
constexpr const char* unfinished = "workflow-unfinished";

constexpr const char* which_python =
    "import sys, platform; print(platform.python_version(), sys.base_prefix)";

/// The packages of a python that is itself of a virtual environment; nothing for any other.
constexpr const char* own_packages =
    "import sys, sysconfig\n"
    "if sys.prefix != sys.base_prefix: print(sysconfig.get_path('purelib'))";

}  // namespace

std::string VirtualEnv::fault() const {
  if (step_.site().flag("VENV_RECREATE")) return "VENV_RECREATE=1";
  if (fs::exists(dir_ / unfinished)) return "it was never finished";
  if (!fs::exists(python())) return "it has no python";
  const Captured made_of = step_.probe({python().string(), "-c", which_python});
  if (made_of.timed_out) {
    throw Error(Code::work_failed,
                "'" + python().string() + "' does not answer; nothing was changed");
  }
  if (!made_of.ok()) return "its python does not work any more";
  const auto wanted = step_.ask({step_.site().text("REMOTE_PYTHON_BIN"), "-c", which_python});
  const std::string is(trim(made_of.out));
  if (wanted && *wanted != is) return "it was made of python " + is + ", now wanted is " + *wanted;
  return {};
}

void VirtualEnv::make() const {
  if (fs::exists(fs::symlink_status(dir_))) {
    const std::string why = fault();
    if (why.empty()) return;
    step_.say("the virtual environment is made anew: " + why);
    fs::remove_all(dir_);
  }
  step_.site().files().make_dirs(dir_);
  step_.site().files().write(dir_ / unfinished, "");
  step_.run({step_.site().text("REMOTE_PYTHON_BIN"), "-m", "venv", "--system-site-packages",
             dir_.string()});
  see_packages_of_another();
  fs::remove(dir_ / unfinished);
}

/// `--system-site-packages` are those of the installation below; an image whose torch is in a
/// virtual environment of its own would lose it.
void VirtualEnv::see_packages_of_another() const {
  const auto theirs = step_.ask({step_.site().text("REMOTE_PYTHON_BIN"), "-c", own_packages});
  const auto ours = step_.ask({python().string(), "-c", own_packages});
  if (!theirs || theirs->empty() || !ours || ours->empty()) return;
  step_.site().files().write(fs::path(*ours) / "workflow-image.pth", *theirs + "\n");
}

std::vector<std::string> VirtualEnv::env() const {
  const char* path = std::getenv("PATH");
  return {"VIRTUAL_ENV=" + dir_.string(),
          "PATH=" + (dir_ / "bin").string() + ":" + (path != nullptr ? path : "/usr/bin:/bin"),
          "VENV_PYTHON=" + python().string(),
          "OPS_REMOTE_REPO=" + step_.site().repo().string(),
          "PIP_DISABLE_PIP_VERSION_CHECK=1",
          "PIP_NO_INPUT=1"};
}

void VirtualEnv::run(const char* key, const std::vector<std::string>& more_env) const {
  const std::string command = step_.site().text(key);
  if (command.empty()) return;
  std::vector<std::string> variables = env();
  variables.insert(variables.end(), more_env.begin(), more_env.end());
  if (step_.try_run({"bash", "-c", command}, step_.site().repo(), variables)) return;
  throw Error(Code::work_failed, std::string(key) + " failed: " + step_.why());
}

}  // namespace workflow::tasks
