#include "apps/workflow-agent/job_watch.h"

#include <poll.h>

#include "tasks/jobs/job_record.h"
#include "tasks/store.h"

namespace workflow::agent {
namespace {

constexpr int look_every_ms = 100;

/// The step that is running, else the last one that was.
const Json* latest(const Json& steps) {
  const Json* found = nullptr;
  for (const auto& step : steps) {
    const std::string state = text_at(step, "state");
    if (state != "pending" && state != "skipped") found = &step;
  }
  return found;
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
  const Json* step = latest(member(record, "steps"));
  const bool next = step != nullptr && text_at(*step, "log") != text_at(step_, "log");
  if (!step_.is_null()) tell_log();
  if (next) {
    step_ = *step;
    offset_ = from_end_ ? read_tail(dir_ / text_at(step_, "log"), 0).size : 0;
  }
  from_end_ = false;
  tell_phase(record);
  if (next) tell_log();
}

void JobWatch::tell_phase(const Json& record) {
  std::string now = text_at(record, "phase");
  for (const auto& step : member(record, "steps")) now += " " + text_at(step, "state");
  if (now == told_) return;
  told_ = now;
  reply_.send({{"event", "job"},
               {"phase", member(record, "phase")},
               {"steps", member(record, "steps")},
               {"tree", member(record, "tree")}});
}

void JobWatch::tell_log() {
  offset_ = tasks::tell_bytes(
      dir_ / text_at(step_, "log"), offset_, [&](std::int64_t at, std::string_view bytes) {
        for (Json event : protocol::log_events(text_at(step_, "name"), at, bytes)) {
          event["event"] = "step_log";
          reply_.send(event);
        }
      });
}

}  // namespace workflow::agent
