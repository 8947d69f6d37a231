#include "apps/workflow-agent/job_watch.h"

#include <poll.h>

#include "tasks/jobs/job_record.h"
#include "tasks/store.h"

namespace workflow::agent {
namespace {

constexpr int look_every_ms = 100;

bool has_ended(const Json& step) {
  const std::string state = text_at(step, "state");
  return state != "pending" && state != "running";
}

}  // namespace

JobWatch::JobWatch(Reply& reply, const fs::path& dir)
    : reply_(reply),
      dir_(dir),
      from_end_(reply.request().again || !flag_at(reply.args(), "beginning")) {}

void JobWatch::until_it_runs(std::int64_t until_ms) {
  while (true) {
    // The task first: what it wrote before its end is there then.
    const bool ended = tasks::observe(reply_.site().files(), dir_).record.ended();
    const Json record = tasks::read_job_record(reply_.site().files(), dir_);
    if (record.is_object()) tell_changes(record);
    if (ended || text_at(record, "phase") == "running" || reply_.client_gone()) return;
    if (until_ms >= 0 && system_clock().steady_ms() >= until_ms) return;
    pollfd client{STDIN_FILENO, POLLIN, 0};
    if (::poll(&client, 1, look_every_ms) > 0) return;  // its end of stdin: it has gone
  }
}

/// In the order it happened: what a step said stands behind its beginning and before its end.
void JobWatch::tell_changes(const Json& record) {
  const Json& steps = member(record, "steps");
  if (from_end_) skip_told(steps);
  for (; told_ < steps.size(); ++told_, begun_ = false) {
    const Json& step = steps[told_];
    const std::string state = text_at(step, "state");
    if (state == "pending") break;
    if (state != "skipped") {
      if (!begun_) tell_step(step, "running", steps.size());
      tell_log(step);
    }
    if (!has_ended(step)) break;
    tell_step(step, state, steps.size());
  }
  if (const std::string phase = text_at(record, "phase"); phase != phase_) {
    phase_ = phase;
    reply_.send({{"event", "job"}, {"phase", phase}, {"tree", member(record, "tree")}});
  }
}

void JobWatch::skip_told(const Json& steps) {
  from_end_ = false;
  while (told_ < steps.size() && has_ended(steps[told_])) told_ += 1;
  if (told_ == steps.size() || text_at(steps[told_], "state") != "running") return;
  tell_step(steps[told_], "running", steps.size());
  offset_ = read_tail(dir_ / text_at(steps[told_], "log"), 0).size;
}

void JobWatch::tell_step(const Json& step, const std::string& state, std::size_t of) {
  if (state == "running") {
    begun_ = true;
    offset_ = 0;
  }
  Json event = step;
  event.update({{"event", "step"}, {"state", state}, {"number", told_ + 1}, {"of", of}});
  reply_.send(event);
}

void JobWatch::tell_log(const Json& step) {
  offset_ = tasks::tell_bytes(
      dir_ / text_at(step, "log"), offset_, [&](std::int64_t at, std::string_view bytes) {
        for (Json event : protocol::log_events(text_at(step, "name"), at, bytes)) {
          event["event"] = "step_log";
          reply_.send(event);
        }
      });
}

}  // namespace workflow::agent
