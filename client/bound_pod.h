#pragma once

#include <optional>
#include <string>

#include "client/settings.h"
#include "common/json.h"
#include "fsm/workflow_machine.h"
#include "remote/pods/ledger.h"

// The pod that a configuration has rented: its target where no other is set.
namespace workflow::client {

/// What ties a pod to a configuration: the path of workflow.env, or of the directory.
[[nodiscard]] std::string binding_of(const Settings& settings);

/// The newest pod of this configuration that the ledger knows, over or not; nothing where nothing
/// was ever rented. Makes no ledger.
[[nodiscard]] std::optional<pods::PodRow> last_pod(const Settings& settings);

/// The same settings; where they name no target, with the living pod of this configuration as one.
[[nodiscard]] Settings with_bound_pod(const Settings& settings);

/// The ledger's row of the pod that is the target of these settings; nothing for other targets.
[[nodiscard]] std::optional<pods::PodRow> pod_of_target(const Settings& settings);

/// Whether this configuration is one that rents: no target is set, and a provider or a query is, or
/// something was rented before.
[[nodiscard]] bool rents(const Settings& settings);

/// What fsm-status tells where no pod of this configuration lives: INIT, or POD_TERMINATED by the
/// ledger, which has it from the provider.
[[nodiscard]] Json state_without_pod(const Settings& settings);

/// Error(illegal_state) by the table where no pod of this configuration lives and the command is
/// not legal without one.
void require_pod(const Settings& settings, std::optional<fsm::Event> command);

/// What the target costs, as far as it is rented from here.
struct Bill {
  std::int64_t rented_ms = 0;
  double usd_per_hour = 0;
  std::optional<std::int64_t> ends_ms{};  ///< by its timer
};
/// Nothing where the target costs nothing.
[[nodiscard]] std::optional<Bill> bill_of(const Settings& settings);
/// `$11.20 of $40.00`: so far, and what it can come to by its timer.
[[nodiscard]] std::string bill_text(const Bill& bill, std::int64_t now_ms);

/// `the pod costs $4.78/h until …`; empty where the target costs nothing.
[[nodiscard]] std::string cost_note(const Settings& settings);

}  // namespace workflow::client
