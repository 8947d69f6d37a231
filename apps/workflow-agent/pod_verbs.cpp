// What a rented pod is asked: what its host has, and what would go with it.
#include "apps/workflow-agent/call.h"
#include "sweep/evidence.h"
#include "sweep/leaving.h"
#include "tasks/gpus.h"
#include "tasks/nvidia_smi.h"

namespace workflow::agent {
namespace {

/// The host behind a new pod: `gpus[]` of name and memory_mib, `cuda` of the driver, and `unknown`
/// where the driver does not answer.
Json host_look(Reply&) {
  const auto listing = tasks::nvidia_smi::ask({});
  Json gpus = Json::array();
  Json left_out = Json::array();
  if (!listing.absent && listing.unknown.empty()) {
    const auto found = tasks::gpu_inventory();
    for (const auto& gpu : found.gpus) {
      gpus.push_back({{"name", gpu.name}, {"memory_mib", gpu.memory_mib}});
    }
    left_out = found.left_out;
  }
  return {{"gpus", std::move(gpus)},
          {"left_out", std::move(left_out)},
          {"cuda", tasks::nvidia_smi::cuda_version(listing.text)},
          {"unknown", listing.unknown}};
}

/// What would go with the pod.
Json pod_leaving(Reply& reply) { return sweep::leaving(reply.site()); }

/// The pod is given back: whoever mounts the same outputs from another one shall know.
Json pod_leave(Reply& reply) {
  tasks::Ask ask = reply.ask(fsm::Event::pod_down);
  ask.reason = "the pod is given back";
  const auto done = reply.site().keeper().advance(
      ask, [&](const tasks::StateRecord& record) { return sweep::gather(reply.site(), record); });
  return {{"state", fsm::name(done.after.state)}, {"notes", done.notes}};
}

}  // namespace

const std::vector<Verb> pod_verbs = {{"host-look", host_look, Records::none},
                                     {"pod-leaving", pod_leaving},
                                     {"pod-leave", pod_leave, Records::changed}};

}  // namespace workflow::agent
