#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sweep/op_store.h"
#include "tasks/keeper.h"
#include "tasks/site.h"

// From a request to an operation: through the state's gate into the campaign's ops/, an executor
// woken or started for it.
namespace workflow::sweep {

/// What is asked for. `ask` by kind: run-stop and run-delete `grace_secs`; run-clone `run_id` (or
/// none: the first that is free), `set` (`key=value` words), `warm_start`; sweep-apply `force`,
/// `manifest_name`.
struct OpAsk {
  OpKind kind = OpKind::run_stop;
  std::string run_id{};
  Json ask = Json::object();
  std::string manifest{};  ///< of sweep-apply: the CSV's bytes
  std::vector<std::string> secrets{};
};

struct OpAsked {
  std::string campaign_id;
  Operation op;
  std::string started{};  ///< the task of the executor that was started for it; empty: none was
  std::vector<std::string> notes{};
};

/// Judges the request, and adds it to the campaign of the state; when it returns it is on the disk.
/// The same request (by its token) is given back as it is. Error(not_found) for a run that the
/// campaign does not have, Error(exists) for a clone's id that is taken, Error(precondition) for a
/// warm start without a checkpoint, and whatever the gate says.
[[nodiscard]] OpAsked ask_operation(const tasks::Site& site, const OpAsk& ask,
                                    const tasks::Ask& state_ask);

/// Waits until an operation is over, for `limit_ms` at the most; `more` waits a moment and says
/// whether to go on. Where no executor lives, what needs none is applied here.
[[nodiscard]] Operation await_operation(const tasks::Site& site, const OpAsked& asked,
                                        std::int64_t limit_ms, const std::function<bool()>& more);

/// The operations of a campaign (of the state's, without a name), in order: `campaign`,
/// `operations[]`; with an id only that one. Error(not_found) where there is none.
[[nodiscard]] Json show_operations(const tasks::Site& site, const std::string& campaign,
                                   std::optional<std::int64_t> id);

}  // namespace workflow::sweep
