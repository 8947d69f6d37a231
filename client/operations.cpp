#include "client/operations.h"

#include "common/error.h"
#include "common/files.h"
#include "common/text.h"
#include "sweep/manifest.h"

namespace workflow::client {
namespace {

/// The manifest, checked here first: a fault costs no connection.
protocol::Blob manifest_blob(const Settings& settings, const std::string& file) {
  const std::string bytes = read_file(file);
  const bool needs_config = trim(settings.text("TRAIN_COMMAND_TEMPLATE")).empty();
  (void)sweep::parse_manifest(bytes, file, {.config_required = needs_config});
  return {"manifest", bytes};
}

Session::Call call_for(const Session& session, const OperationRequest& request) {
  Json ask = Json::object();
  std::vector<protocol::Blob> blobs;
  switch (request.command) {
    case fsm::Event::run_stop:
    case fsm::Event::run_delete:
      ask["grace_secs"] = session.settings().seconds("RUN_STOP_GRACE_SECS");
      break;
    case fsm::Event::run_resume:
      blobs = session.secrets();
      break;
    case fsm::Event::run_clone:
      blobs = session.secrets();
      ask = {{"run_id", request.clone_id}, {"warm_start", request.warm_start}};
      for (const auto& word : request.set) blobs.push_back({"set", word});
      break;
    case fsm::Event::sweep_apply:
      blobs = session.secrets();
      ask = {{"manifest_name", request.manifest}, {"force", request.force}};
      blobs.push_back(manifest_blob(session.settings(), request.manifest));
      break;
    default:
      bug("this is no operation");
  }
  if (request.command != fsm::Event::sweep_apply) require_id("run", request.run_id);
  return {.verb = "operate",
          .args = {{"kind", fsm::name(request.command)},
                   {"run_id", request.run_id},
                   {"ask", std::move(ask)},
                   {"wait_ms", request.wait_ms}},
          .blobs = std::move(blobs)};
}

}  // namespace

Json operate(Session& session, const OperationRequest& request, const OnEvent& on_event) {
  Session::Call call = call_for(session, request);
  call.on_event = on_event;
  return session.call(call);
}

Json apply_plan(Session& session, const OperationRequest& request) {
  Session::Call call = call_for(session, request);
  call.verb = "apply-plan";
  call.blobs = {manifest_blob(session.settings(), request.manifest)};
  return session.call(call);
}

Json operations(Session& session, const std::string& campaign, std::optional<std::int64_t> id) {
  return session.call(
      {.verb = "operations", .args = {{"campaign", campaign}, {"id", id ? Json(*id) : Json()}}});
}

}  // namespace workflow::client
