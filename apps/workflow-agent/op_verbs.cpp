#include <poll.h>
#include <unistd.h>

#include "apps/workflow-agent/call.h"
#include "common/text.h"
#include "fsm/planner.h"
#include "sweep/apply_request.h"
#include "sweep/evidence.h"
#include "tasks/task_window.h"

namespace workflow::agent {
namespace {

constexpr int look_every_ms = 50;

sweep::OpKind kind_of(const Reply& reply) {
  const auto kind = sweep::op_kind_from(reply.text("kind"));
  if (!kind) throw Error(Code::usage, "'" + reply.text("kind") + "' is no operation");
  return *kind;
}

sweep::OpAsk op_ask(const Reply& reply) {
  sweep::OpAsk ask;
  ask.kind = kind_of(reply);
  ask.run_id = reply.text("run_id");
  if (ask.kind != sweep::OpKind::sweep_apply) require_id("run", ask.run_id);
  if (const Json& what = member(reply.args(), "ask"); what.is_object()) ask.ask = what;
  if (ask.kind == sweep::OpKind::run_clone) ask.ask["set"] = Json::array();
  for (const auto& blob : reply.request().blobs) {
    if (blob.name == "manifest") ask.manifest = blob.bytes;
    if (blob.name == "set") ask.ask["set"].push_back(blob.bytes);
  }
  ask.secrets = reply.secrets();
  return ask;
}

/// A moment; false when the client has gone.
bool client_waits(const Reply& reply) {
  pollfd in{STDIN_FILENO, POLLIN, 0};
  char byte = 0;
  if (::poll(&in, 1, look_every_ms) > 0 && ::read(STDIN_FILENO, &byte, 1) <= 0) return false;
  return !reply.client_gone();
}

/// Asks for an operation and, for `wait_ms`, for its end.
Json operate(Reply& reply) {
  const sweep::OpAsk ask = op_ask(reply);
  const auto state_ask = reply.ask(fsm::event_from(sweep::name(ask.kind)).value());
  reply.site().ensure_pod_id();
  const sweep::OpAsked asked = sweep::ask_operation(reply.site(), ask, state_ask);
  Json told = {{"event", "operation"}};
  told.update(sweep::operation_json(asked.op));
  reply.send(told);
  if (!asked.started.empty()) {
    const tasks::TaskView task = reply.site().tasks().view(asked.started);
    tasks::open_task_window(reply.site(), task.dir, task.spec);
  }
  Json out = sweep::operation_json(sweep::await_operation(reply.site(), asked,
                                                          number_at(reply.args(), "wait_ms"),
                                                          [&] { return client_waits(reply); }));
  out["campaign"] = asked.campaign_id;
  out["executor_started"] = asked.started.empty() ? Json() : Json(asked.started);
  out["workflow_state"] = fsm::name(reply.site().keeper().load().state);
  out["notes"] = asked.notes;
  return out;
}

/// Read only; what the state would say to it is told as well.
Json apply_plan(Reply& reply) {
  const tasks::StateRecord record = reply.site().keeper().load();
  const fsm::State state = tasks::supported(record, sweep::gather(reply.site(), record)).state;
  if (fsm::next(state, fsm::Event::sweep_apply)) {
    Json out = sweep::show_apply(reply.site(), op_ask(reply));
    out["legal"] = true;
    return out;
  }
  const fsm::Refusal refusal = fsm::refuse(state, fsm::Event::sweep_apply, true);
  return {{"legal", false},
          {"refusal", fsm::refusal_text(refusal)},
          {"hint", fsm::refusal_hint(refusal)}};
}

Json operations(Reply& reply) {
  const Json& id = member(reply.args(), "id");
  return sweep::show_operations(
      reply.site(), reply.text("campaign"),
      id.is_number() ? std::optional<std::int64_t>(id.get<std::int64_t>()) : std::nullopt);
}

}  // namespace

const std::vector<Verb> op_verbs = {
    {"operate", operate, Records::changed}, {"apply-plan", apply_plan}, {"operations", operations}};

}  // namespace workflow::agent
