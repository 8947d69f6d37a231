// pod-up where there is something to rent: offers, the price that a person agrees to, the pod.
#include "apps/workflow/pod_up.h"

#include "apps/workflow/rent_progress.h"

#include "client/bound_pod.h"
#include "client/pods.h"
#include "client/wanted_pod.h"
#include "common/text.h"

namespace workflow::app {
bool is_to_rent(Context& context) {
  const client::Settings& settings = context.settings();
  if (client::rents(settings)) return true;
  if (settings.origin("WF_TARGET") != "ledger") return false;
  const auto pod = client::pod_of_target(settings);
  return pod && pod->held != pods::Held::ready;  // an earlier pod-up was interrupted
}

Json rent(Context& context) {
  const client::Settings& settings = context.settings();
  const client::RentRequest request{
      .query = client::wanted_machine(settings), .purpose = "pod-up", .bind = true};
  const auto pod =
      client::rent_pod(settings, context.interrupt_fd(), request, rent_progress(context));
  context.retarget(client::pod_target(pod));
  return {{"name", pod.name},           {"provider", pod.provider},
          {"id", pod.pod_id},           {"gpu_type", pod.gpu_type},
          {"gpu_count", pod.gpu_count}, {"price_total_hr", pod.price_total_hr},
          {"ends_at", pod.ends_at}};
}

}  // namespace workflow::app
