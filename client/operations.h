#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/session.h"
#include "common/json.h"
#include "fsm/workflow_machine.h"

// What can be asked of a sweep that is going: each an operation of its own with an id, a state and
// a reason, also when the connection is lost right behind it.
namespace workflow::client {

struct OperationRequest {
  fsm::Event command = fsm::Event::run_stop;  ///< run_stop, run_resume, run_clone, run_delete …
  std::string run_id{};                       ///< … or sweep_apply, which is about no run
  std::string clone_id{};                     ///< empty: `RUN-c2` or the next that is free
  std::vector<std::string> set{};             ///< `key=value` of a clone
  bool warm_start = false;
  std::string manifest{};  ///< of an apply: a file of this machine
  bool force = false;
  std::int64_t wait_ms = 10'000;  ///< for the operation's end; 0: not at all
};

/// Asks for an operation and waits for its end: `id, kind, state, run_id, reason, by, created_at,
/// started_at, finished_at, result, campaign`; of a clone `result` has `run_id` and `n`, of a stop
/// and a resume `resumable` and `checkpoint`. The event `operation` comes as soon as it is on the
/// target's disk.
[[nodiscard]] Json operate(Session& session, const OperationRequest& request,
                           const OnEvent& on_event);

/// What an apply would do, read only: `rows[]` of run_id, change, state, note; `unchanged`,
/// `takes_away`, `conflicts`, `legal`.
[[nodiscard]] Json apply_plan(Session& session, const OperationRequest& request);

/// The operations of a campaign, in order; the state's without a name, one with an id.
[[nodiscard]] Json operations(Session& session, const std::string& campaign,
                              std::optional<std::int64_t> id);

}  // namespace workflow::client
