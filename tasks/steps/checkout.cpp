#include "common/error.h"
#include "common/text.h"
#include "tasks/mounts.h"
#include "tasks/steps/data.h"
#include "tasks/steps/torch.h"
#include "tasks/steps/virtual_env.h"
#include "tasks/steps/working_copy.h"

namespace workflow::tasks {
namespace {

/// With less than this not even a small repository and its environment find room.
constexpr std::int64_t least_room = 200'000'000;

std::unique_ptr<WorkingCopy> working_copy(const Step& step) {
  return step.site().text("CHECKOUT_SOURCE") == "push" ? pushed_copy(step) : git_copy(step);
}

void require_room(const Site& site) {
  const auto space = space_at(site.repo());
  if (!space || space->free_bytes >= least_room) return;
  throw Error(Code::precondition,
              "only " + human_bytes(static_cast<double>(space->free_bytes)) + " are free where '" +
                  site.repo().string() + "' is to be",
              "make room there, or set OPS_REMOTE_REPO to another disk");
}

}  // namespace

void checkout(const Step& step) {
  const Site& site = step.site();
  const auto copy = working_copy(step);
  // What takes seconds comes first: a failure after a long install is a late one.
  copy->check();
  require_room(site);
  check_data(step);
  const Torch image = image_torch(step);
  copy->update();
  const VirtualEnv venv(step);
  venv.make();
  const std::string constraint = pip_constraint(step, image);
  std::vector<std::string> pins;
  if (!constraint.empty()) pins.push_back(constraint);
  venv.run("CHECKOUT_INSTALL_CMD", pins);
  venv.run("CHECKOUT_POST_CMD", pins);
  check_torch(step, venv.dir(), image);
  ensure_data(step, venv.env());
  write_remote_env(step);
  Json claims = copy->claims();
  claims["venv_python"] = venv.python().string();
  claims["inputs_sha256"] = step_inputs_sha256(site, fsm::Event::checkout);
  const std::string summary = copy->shown() + ", venv ready";
  step.found({{"checkout", claims}}, summary);
  step.say(summary);
}

}  // namespace workflow::tasks
