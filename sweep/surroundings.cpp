#include "sweep/surroundings.h"

#include "tasks/free_space.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t look_again_ms = 5'000;

}  // namespace

Surroundings::Surroundings(const tasks::Site& site, const fs::path& campaign_dir, GpuDesk& gpus,
                           Say say)
    : site_(site), dir_(campaign_dir), gpus_(gpus), say_(std::move(say)) {
  note_.gpus = gpus.text();
  note_.left_out = gpus.reasons();  // broken ones; who uses the others is not known yet
  for (const auto& reason : note_.left_out) say_("left out: " + reason);
  write_note(site.files(), dir_, note_);
}

void Surroundings::look(Schedule& schedule, std::int64_t now_ms) {
  ExecutorNote seen = note_;
  const bool changed = gpus_.look(schedule.held(), now_ms);
  seen.left_out = gpus_.reasons();
  if (changed) {
    schedule.leave_out(gpus_.left_out());
    for (const auto& reason : seen.left_out) say_("left out: " + reason);
    if (seen.left_out.empty()) say_("no GPU is left out any more");
  }
  const auto short_of = tasks::short_of_space(site_);
  if (short_of) schedule.hold(now_ms + look_again_ms);
  seen.paused = short_of.value_or("");
  if (seen.paused.empty() != note_.paused.empty()) {
    say_(short_of ? "nothing starts: " + *short_of : "there is room again");
  }
  if (seen == note_) return;
  note_ = std::move(seen);
  write_note(site_.files(), dir_, note_);
}

std::int64_t Surroundings::quiet_ms() const {
  return gpus_.left_out().empty() && note_.paused.empty() ? INT64_MAX : look_again_ms;
}

}  // namespace workflow::sweep
