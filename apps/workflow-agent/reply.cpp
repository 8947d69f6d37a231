#include "apps/workflow-agent/reply.h"

#include <unistd.h>

namespace workflow::agent {

Reply::Reply(Files& files, const Clock& clock, const protocol::Request& request,
             protocol::Incoming& in, Wire& wire)
    : request_(request), in_(in), wire_(wire), site_(files, clock, request.args) {}

fs::path Reply::place(const std::string& asked) const {
  const fs::path base = fs::is_directory(site_.repo()) ? site_.repo() : fs::current_path();
  return asked.empty() ? base : base / site_.expand(asked);
}

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
  ask.token = request_.token;
  ask.enforce = site_.text("WF_FSM_ENFORCE").empty() || site_.flag("WF_FSM_ENFORCE");
  ask.reason = fsm::name(event);
  return ask;
}

void Reply::log(std::string_view id, std::int64_t offset, std::string_view bytes) {
  for (const auto& event : protocol::log_events(id, offset, bytes)) send(event);
}

void Reply::log_hole(std::string_view id, const FileHole& hole) {
  send({{"event", "log_hole"}, {"id", id}, {"from", hole.from}, {"to", hole.to}});
}

void Reply::bytes(const Json& about, std::string_view bytes) {
  while (!bytes.empty() && !client_gone()) {
    const auto piece = bytes.substr(0, protocol::largest_piece);
    (void)wire_.send_bytes(protocol::bytes_event(about, piece));
    bytes.remove_prefix(piece.size());
  }
}

tasks::Followed Reply::follow(const fs::path& dir, std::int64_t offset, std::int64_t limit_ms) {
  tasks::FollowSpec spec;
  spec.dir = dir;
  spec.limit_ms = limit_ms;
  spec.reader_fd = STDIN_FILENO;
  if (const std::string of = text("of"); !of.empty()) spec.token = of;
  if (offset >= 0) {
    spec.offset = offset;
    const std::string id = tasks::observe(site_.files(), dir).spec.task_id;
    spec.on_bytes = [this, id](std::int64_t at, std::string_view bytes) { log(id, at, bytes); };
    spec.on_hole = [this, id](const FileHole& hole) { log_hole(id, hole); };
  }
  spec.on_state = [this](const tasks::TaskView& view) {
    send({{"event", "state"},
          {"id", view.spec.task_id},
          {"state", view.record.state_name()},
          {"certainty", view.certainty()},
          {"of", view.spec.token}});
  };
  return tasks::follow(site_.files(), spec);
}

}  // namespace workflow::agent
