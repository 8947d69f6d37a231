#include "sweep/wandb_ready.h"

#include <algorithm>
#include <cstdlib>

#include "common/subprocess.h"
#include "common/text.h"
#include "tasks/steps/step.h"
#include "tasks/steps/wandb.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t import_limit_ms = 60'000;

/// The last entry of a name; nothing when it has none, or an empty one.
std::optional<std::string> value_of(const std::vector<std::string>& entries,
                                    std::string_view name) {
  std::optional<std::string> found;
  for (const auto& entry : entries) {
    if (entry.size() > name.size() + 1 && entry.starts_with(name) && entry[name.size()] == '=') {
      found = entry.substr(name.size() + 1);
    }
  }
  return found;
}

/// Whether what runs with this environment needs no login of the target, or brings one.
bool settled_by(const std::vector<std::string>& environment) {
  const std::string mode = lower(value_of(environment, "WANDB_MODE").value_or(""));
  return mode == "offline" || mode == "disabled" || mode == "dryrun" ||
         truthy(value_of(environment, "WANDB_DISABLED").value_or("")) ||
         value_of(environment, "WANDB_API_KEY") ||
         value_of(environment, "WANDB_IDENTITY_TOKEN_FILE");
}

fs::path workdir(const tasks::Site& site) { return site.repo() / site.text("TRAIN_WORKDIR_REL"); }

/// What `wandb offline` leaves in the directory it is called in.
bool offline_there(const tasks::Site& site) {
  const auto bytes = site.files().read(workdir(site) / "wandb" / "settings");
  for (const auto& line : split(bytes.value_or(""), '\n')) {
    const auto equals = line.find('=');
    if (equals == std::string::npos || trim(line.substr(0, equals)) != "mode") continue;
    const auto mode = trim(std::string_view(line).substr(equals + 1));
    if (mode == "offline" || mode == "disabled") return true;
  }
  return false;
}

std::optional<Error> login_fault(const tasks::Site& site, const std::vector<Row>& rows,
                                 const std::vector<std::string>& secrets) {
  const bool settled = settled_by(environment_with(secrets)) || offline_there(site) ||
                       tasks::wandb_login_in_netrc(site.files());
  if (settled || std::ranges::all_of(rows, [](const Row& row) { return settled_by(row.env); })) {
    return std::nullopt;
  }
  return Error(Code::precondition,
               "SWEEP_WANDB=1 and there is no login for W&B: neither WANDB_API_KEY in WF_SECRETS "
               "nor a line for its host in ~/.netrc on the target",
               "export WANDB_API_KEY and add it to WF_SECRETS, log in there (wandb login), or set "
               "WANDB_MODE=offline in the rows' env");
}

/// A template that names another python than the virtual environment's answers for itself.
bool uses_venv(const tasks::Site& site) {
  const std::string command = site.text("TRAIN_COMMAND_TEMPLATE");
  return trim(command).empty() || command.find("VENV_PYTHON") != std::string::npos;
}

std::optional<Error> import_fault(const tasks::Site& site) {
  if (!uses_venv(site)) return std::nullopt;
  CaptureSpec spec;
  // A directory `wandb`, which every run leaves behind, is importable too, and has no `init`.
  spec.argv = {(site.repo() / ".venv/bin/python").string(), "-c", "import wandb; wandb.init"};
  spec.workdir = workdir(site);
  spec.limit_ms = import_limit_ms;
  const Captured answer = capture(spec);
  if (!answer.started || answer.timed_out || answer.status.code != 1) return std::nullopt;
  return Error(Code::precondition,
               "SWEEP_WANDB=1 and the virtual environment cannot import wandb: " +
                   tasks::deciding_line(answer.err),
               "install it in CHECKOUT_INSTALL_CMD (pip install wandb) and check out again");
}

}  // namespace

std::optional<Error> wandb_fault(const tasks::Site& site, const std::vector<Row>& rows,
                                 const std::vector<std::string>& secrets) {
  if (!site.flag("SWEEP_WANDB")) return std::nullopt;
  auto fault = login_fault(site, rows, secrets);
  return fault ? fault : import_fault(site);
}

std::vector<std::string> named_secrets(const tasks::Site& site) {
  std::vector<std::string> out;
  for (const auto& name : split(site.text("WF_SECRETS"), ' ')) {
    if (!name.empty()) out.push_back(name + "=?");
  }
  return out;
}

}  // namespace workflow::sweep
