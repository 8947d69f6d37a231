#include "client/rehearse.h"

#include <algorithm>

#include "client/manifest_file.h"
#include "common/text.h"
#include "sweep/rehearsal/trial.h"

namespace workflow::client {
namespace {

/// How many GPUs the pod was ordered with; nothing where nobody ordered any.
std::optional<std::int64_t> ordered_gpus(const Settings& settings) {
  for (const auto& part : split(settings.text("WF_PROVISION"), ',')) {
    const auto text = trim(part);
    if (text.rfind("count=", 0) == 0) return parse_integer(text.substr(6));
  }
  if (settings.is_set("LIUM_COUNT")) return settings.count("LIUM_COUNT");
  return std::nullopt;
}

sweep::RehearsalWish wish_of(const Settings& settings, const RehearseRequest& request) {
  sweep::RehearsalWish wish;
  wish.gpus = ordered_gpus(settings);
  wish.network = request.network;
  wish.resume = request.resume;
  wish.row = request.row;
  wish.only = request.only;
  wish.trial_secs = request.trial_secs.value_or(wish.trial_secs);
  wish.wait_secs = request.wait_secs.value_or(wish.wait_secs);
  return wish;
}

}  // namespace

Json rehearse(Session& session, const RehearseRequest& request, const OnEvent& on_event) {
  const Settings& settings = session.settings();
  Session::Call call;
  call.verb = "rehearse";
  call.args = {{"wish", sweep::wish_json(wish_of(settings, request))}};
  call.again = Again::until_ended;
  call.blobs = session.secrets();
  if (request.resume) {
    const ManifestFile file = read_manifest(settings);
    call.args["manifest_name"] = file.name;
    call.blobs.push_back({"manifest", file.bytes});
  }
  std::int64_t told = 0;  // of a call that is made again the first trials come again
  call.on_event = [&](const Json& event) {
    if (text_at(event, "event") == "trial") {
      if (number_at(event, "number") <= told) return;
      told = number_at(event, "number");
    }
    on_event(event);
  };
  return session.call(call);
}

}  // namespace workflow::client
