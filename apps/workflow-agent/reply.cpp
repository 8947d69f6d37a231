#include "apps/workflow-agent/reply.h"

#include <unistd.h>

#include "common/fd_io.h"

namespace workflow::agent {

bool write_line(const Json& event) { return write_all(STDOUT_FILENO, dump_json(event) + "\n"); }

Reply::Reply(Files& files, const Clock& clock, const protocol::Request& request)
    : request_(request), site_(files, clock, request.args) {}

std::vector<std::string> Reply::secrets() const {
  std::vector<std::string> out;
  for (const auto& blob : request_.blobs) {
    if (blob.name.rfind("secret:", 0) == 0) out.push_back(blob.name.substr(7) + "=" + blob.bytes);
  }
  return out;
}

tasks::Ask Reply::ask(fsm::Event event) const {
  tasks::Ask ask;
  ask.event = event;
  ask.by = site_.actor();
  ask.enforce = site_.text("WF_FSM_ENFORCE").empty() || site_.flag("WF_FSM_ENFORCE");
  ask.reason = fsm::name(event);
  return ask;
}

void Reply::send(const Json& event) {
  if (!gone_ && !write_line(event)) gone_ = true;
}

void Reply::log(std::string_view id, std::int64_t offset, std::string_view bytes) {
  for (const auto& event : protocol::log_events(id, offset, bytes)) send(event);
}

tasks::Followed Reply::follow(const fs::path& dir, std::int64_t offset, std::int64_t limit_ms) {
  tasks::FollowSpec spec;
  spec.dir = dir;
  spec.limit_ms = limit_ms;
  spec.reader_fd = STDIN_FILENO;
  if (offset >= 0) {
    spec.offset = offset;
    const std::string id = tasks::observe(site_.files(), dir).spec.task_id;
    spec.on_bytes = [this, id](std::int64_t at, std::string_view bytes) { log(id, at, bytes); };
  }
  spec.on_state = [this](const tasks::TaskView& view) {
    send({{"event", "state"},
          {"id", view.spec.task_id},
          {"state", view.record.state_name()},
          {"certainty", view.certainty()}});
  };
  return tasks::follow(site_.files(), spec);
}

}  // namespace workflow::agent
