#pragma once

#include <optional>
#include <string>

#include "client/session.h"
#include "remote/pods/rent.h"

// Rented pods as the commands see them: the ledger, and the providers by the settings.
namespace workflow::client {

/// What is rented, for whom, and how long at the most.
struct RentRequest {
  pods::GpuQuery query{};
  std::string purpose;                     ///< `pod-up`, `job JOB`
  bool bind = false;                       ///< it becomes this configuration's target
  std::optional<std::int64_t> max_secs{};  ///< --max-hours; POD_MAX_HOURS and LIUM_TTL without it
  std::optional<double> max_cost{};        ///< --max-cost, USD; POD_MAX_COST without it
};

/// Rents by the settings and returns when ssh answers and its timer is set, where it has one; a pod
/// that an earlier call for the same purpose has rented is taken over. Events are those of rent.h;
/// what throws from `offer` stops before anything is asked for.
[[nodiscard]] pods::PodRow rent_pod(const Settings& settings, int interrupt_fd,
                                    const RentRequest& request, const OnEvent& on_event);

/// Gives a pod of the ledger back and waits until its provider no longer lists it.
[[nodiscard]] pods::PodRow return_pod(const Settings& settings, int interrupt_fd,
                                      const pods::PodRow& row, const OnEvent& on_event);

/// What the ledger and the providers' listings say when they are laid side by side.
[[nodiscard]] pods::Review review_pods(const Settings& settings, int interrupt_fd);

/// Asks the pod's provider how it is and keeps that in the ledger: it may have ended, or have
/// another address now. A provider that does not answer is ProviderError and changes nothing.
[[nodiscard]] pods::PodRow settle_pod(const Settings& settings, int interrupt_fd, pods::PodRow row);

/// The target of a pod, `PROVIDER:ID`.
[[nodiscard]] std::string pod_target(const pods::PodRow& row);

/// Where a target `PROVIDER:ID` is: by the ledger, else by its provider, who is also asked when
/// `fresh`. ID may be the pod's name. Error(not_found) when the provider knows no such pod.
[[nodiscard]] transport::Endpoint pod_endpoint(const Settings& settings,
                                               const std::string& provider, const std::string& id,
                                               int interrupt_fd, bool fresh = false);

}  // namespace workflow::client
