#include "tasks/steps/virtual_env.h"

#include <cstdlib>

#include "common/error.h"

namespace workflow::tasks {

void VirtualEnv::make() const {
  if (step_.site().flag("VENV_RECREATE")) fs::remove_all(dir_);
  if (fs::exists(python())) {
    const Captured works = step_.probe({python().string(), "-c", ""});
    if (works.ok()) return;
    if (works.timed_out) {
      throw Error(Code::work_failed,
                  "'" + python().string() + "' does not answer; nothing was changed");
    }
  }
  fs::remove_all(dir_);  // half made, or of a python that is gone
  step_.run({step_.site().text("REMOTE_PYTHON_BIN"), "-m", "venv", "--system-site-packages",
             dir_.string()});
}

void VirtualEnv::install() const {
  const char* path = std::getenv("PATH");
  const std::vector<std::string> env{
      "VIRTUAL_ENV=" + dir_.string(),
      "PATH=" + (dir_ / "bin").string() + ":" + (path != nullptr ? path : "/usr/bin:/bin"),
      "VENV_PYTHON=" + python().string(), "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1"};
  for (const char* key : {"CHECKOUT_INSTALL_CMD", "CHECKOUT_POST_CMD"}) {
    const std::string command = step_.site().text(key);
    if (!command.empty()) step_.run({"bash", "-c", command}, step_.site().repo(), env);
  }
}

void VirtualEnv::check_torch() const {
  if (!step_.site().flag("REQUIRE_GPU_TORCH")) return;
  const std::string probe =
      "import torch; print(torch.__version__, torch.cuda.device_count(), 'GPUs'); "
      "raise SystemExit(0 if torch.cuda.is_available() else 3)";
  if (!step_.try_run({python().string(), "-c", probe}, step_.site().repo())) {
    throw Error(Code::precondition, "torch with a GPU does not work in the virtual environment",
                "use an image with torch and CUDA, set REMOTE_PYTHON_BIN to the python that has "
                "it, or REQUIRE_GPU_TORCH=0");
  }
}

}  // namespace workflow::tasks
