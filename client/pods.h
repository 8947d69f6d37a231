#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/session.h"
#include "remote/pods/rent.h"

// Rented pods as the commands see them: providers by the settings, the ledger, the user's key.
namespace workflow::client {

/// What is rented, for whom, and how long at the most.
struct RentRequest {
  pods::GpuQuery query{};
  std::string purpose;                     ///< `pod-up`, `job JOB`
  bool bind = false;                       ///< it becomes this configuration's target
  std::optional<std::int64_t> max_secs{};  ///< --max-hours
  std::optional<double> max_cost{};        ///< --max-cost, USD
  std::string image{};
};

/// Rents by the settings (WF_PROVIDER, LIUM_*, credentials) and returns when ssh answers; its timer
/// is set where it has one. Events are those of rent.h.
[[nodiscard]] pods::PodRow rent_pod(const Settings& settings, int interrupt_fd,
                                    const RentRequest& request, const OnEvent& on_event);

/// Gives a pod of the ledger back and waits until its provider no longer lists it.
[[nodiscard]] pods::PodRow return_pod(const Settings& settings, int interrupt_fd,
                                      const pods::PodRow& row, const OnEvent& on_event);

/// The target of a pod, `PROVIDER:ID`.
[[nodiscard]] std::string pod_target(const pods::PodRow& row);

/// Where a target `PROVIDER:ID` is: from the ledger, else by asking the provider. Error(not_found)
/// when the provider knows no such pod.
[[nodiscard]] transport::Endpoint pod_endpoint(const Settings& settings,
                                               const std::string& provider, const std::string& id,
                                               int interrupt_fd);

/// The key pair that rented pods get: POD_SSH_KEY, else the first of ~/.ssh/id_ed25519, id_ecdsa
/// that has its .pub beside it, else one of ours in XDG_STATE_HOME/workflow, made at first use.
struct PodKey {
  fs::path private_key;
  std::string public_line;
};
[[nodiscard]] PodKey pod_key(const Settings& settings);

}  // namespace workflow::client
