#include "tasks/steps/wandb.h"

#include <algorithm>
#include <cstdlib>

#include "common/error.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// The host of W&B's server, where it is not W&B's own.
std::string own_host() {
  std::string url = from_environment("WANDB_BASE_URL");
  if (const auto scheme = url.find("://"); scheme != std::string::npos) url.erase(0, scheme + 3);
  return url.substr(0, url.find_first_of(":/"));
}

bool key_is_secret(const Site& site) {
  const auto names = split(site.text("WF_SECRETS"), ' ');
  return std::find(names.begin(), names.end(), "WANDB_API_KEY") != names.end();
}

}  // namespace

bool wandb_login_in_netrc(Files& files) {
  std::string path = from_environment("NETRC");
  if (path.empty()) path = from_environment("HOME") + "/.netrc";
  std::string text = files.read(path).value_or("");
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  const std::string own = own_host();
  std::string before;
  for (const auto& word : split(text, ' ')) {
    if (word.empty()) continue;
    const bool ours = word.find("wandb") != std::string::npos || (!own.empty() && word == own);
    if (before == "machine" && ours) return true;
    before = word;
  }
  return false;
}

void set_up_wandb(const Step& step) {
  const Site& site = step.site();
  if (!site.flag("SWEEP_WANDB") && !site.flag("RUN_WANDB_SETUP")) return;
  if (const fs::path script = site.path("WANDB_SETUP_SCRIPT"); !script.empty()) {
    if (!fs::exists(script)) {
      throw Error(Code::precondition, "WANDB_SETUP_SCRIPT '" + script.string() + "' is not there",
                  "put the script there, or set SWEEP_WANDB=0 and RUN_WANDB_SETUP=0");
    }
    step.run({"bash", script.string()});
  }
  if (wandb_login_in_netrc(site.files()) || key_is_secret(site)) return;
  step.warn(
      "there is no login for W&B on the target: neither a line for its host in ~/.netrc nor "
      "WANDB_API_KEY in WF_SECRETS; runs that log to W&B would stop and ask for one");
}

}  // namespace workflow::tasks
