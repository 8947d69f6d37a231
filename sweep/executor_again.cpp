#include "sweep/executor_again.h"

#include <unistd.h>

#include "common/error.h"
#include "common/text.h"
#include "sweep/campaign.h"
#include "sweep/evidence.h"
#include "sweep/executor_start.h"
#include "tasks/process.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t long_enough_ms = 20'000;

bool was_killed(const tasks::TaskRecord& record) {
  const bool lived = record.started_ms && record.ended_ms &&
                     *record.ended_ms - *record.started_ms >= long_enough_ms;
  return record.state == tasks::TaskState::failed && record.signal && lived;
}

/// Thrown through the keeper when the state is not about this executor any more.
struct NotMeant {};

}  // namespace

void executor_ended(Files& files, const Clock& clock, const tasks::TaskSpec& spec,
                    const tasks::TaskRecord& record, const std::vector<std::string>& secrets) {
  if (!was_killed(record)) return;
  const fs::path dir = spec.argv.back();
  const Campaign campaign = read_campaign(files, dir);
  const tasks::Site site(files, clock, campaign.site_args);
  // An adopter does not know them, and every row would fail for want of them.
  if (secrets.empty() && !trim(site.text("WF_SECRETS")).empty()) return;
  tasks::Ask ask;
  ask.event = fsm::Event::sweep_start;
  ask.by = site.actor();
  ask.by.pid = ::getpid();
  ask.reason = "its executor was killed by signal " + std::to_string(*record.signal) +
               " and started again by itself";
  ask.effect = [&](tasks::StateRecord& state) {
    (void)start_executor(site, {.campaign_id = campaign.id, .secrets = secrets}, state);
  };
  try {
    site.keeper().advance(ask, [&](const tasks::StateRecord& state) {
      const bool meant = state.state == fsm::State::sweep_running &&
                         state.campaign == campaign.id && executor_task(state) == spec.task_id &&
                         presence(stop_file(dir)) == Presence::absent;
      if (!meant) throw NotMeant{};
      return gather(site, state);
    });
  } catch (const NotMeant&) {
  }
}

}  // namespace workflow::sweep
