#include "apps/workflow-agent/command.h"
#include "apps/workflow-agent/hand_verbs.h"
#include "common/text.h"
#include "sweep/evidence.h"

namespace workflow::agent {
namespace {

CommandSpec spec_from_request(const Reply& reply) {
  CommandSpec spec;
  std::string workdir;
  spec.env = {"PYTHONUNBUFFERED=1"};
  for (const auto& blob : reply.request().blobs) {
    if (blob.name == "cmd") spec.argv = {"bash", "-c", blob.bytes};
    if (blob.name == "word") spec.argv.push_back(blob.bytes);
    if (blob.name == "env") spec.env.push_back(blob.bytes);
    if (blob.name == "workdir") workdir = blob.bytes;
  }
  const auto secrets = reply.secrets();
  spec.env.insert(spec.env.end(), secrets.begin(), secrets.end());
  spec.workdir = reply.place(workdir);
  spec.grace_ms = reply.site().number("KILL_GRACE_SECS", 30) * 1000;
  return spec;
}

Json end_json(const CommandEnd& end) {
  Json out = {{"exit_code", Json()}, {"signal", Json()}, {"signal_number", Json()}};
  if (!end.not_started.empty()) {
    out["reason"] = end.not_started;
    // As a shell has it: 127 for a program that is not there, 126 for one that cannot run.
    out["exit_code"] = end.start_error == ENOENT ? 127 : 126;
  }
  if (end.status.code) out["exit_code"] = *end.status.code;
  if (end.status.signal) {
    out["signal"] = signal_name(*end.status.signal);
    out["signal_number"] = *end.status.signal;
  }
  return out;
}

}  // namespace

Json exec(Reply& reply) {
  const CommandSpec spec = spec_from_request(reply);
  const tasks::Site& site = reply.site();
  site.ensure_pod_id();
  const auto advanced = site.keeper().advance(
      reply.ask(fsm::Event::exec),
      [&](const tasks::StateRecord& record) { return sweep::gather(site, record); });
  const CommandEnd end = run_command(spec, reply.input(), [&](bool err, std::string_view bytes) {
    reply.bytes({{"stream", err ? "err" : "out"}}, bytes);
    return !reply.client_gone();
  });
  Json out = end_json(end);
  out["notes"] = advanced.notes;
  return out;
}

}  // namespace workflow::agent
