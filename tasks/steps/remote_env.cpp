#include "common/text.h"
#include "tasks/steps/step.h"

namespace workflow::tasks {

void write_remote_env(const Step& step) {
  const Site& site = step.site();
  const fs::path path = site.path("REMOTE_ENV_PATH");
  if (path.empty()) return;
  std::string text = "# Written by workflow for your own scripts; changes here have no effect.\n";
  const auto put = [&](const std::string& key, const std::string& value) {
    if (!value.empty()) text += "export " + key + "=" + shell_quote(value) + "\n";
  };
  put("OPS_REMOTE_OUTPUTS_DIR", site.outputs().string());
  put("OPS_REMOTE_REPO", site.repo().string());
  put("DATA_DIR", site.path("DATA_DIR").string());
  put("HF_HOME", site.path("HF_HOME").string());
  put("VENV_PYTHON", (site.repo() / ".venv/bin/python").string());
  for (const char* key : {"REPO_URL", "CHECKOUT_BRANCH", "CHECKOUT_PR", "TRAIN_WORKDIR_REL",
                          "REMOTE_PYTHON_BIN", "WANDB_PROJECT", "WANDB_GROUP"}) {
    put(key, site.text(key));
  }
  site.files().make_dirs(path.parent_path());
  // Written beside with its mode from the first byte, and renamed.
  site.files().write(path, text, {.mode = 0600});
}

}  // namespace workflow::tasks
