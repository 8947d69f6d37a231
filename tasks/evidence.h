#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tasks/process.h"
#include "tasks/state_record.h"

// What the target itself says about a state. Pure: whoever looks hands the result in.
namespace workflow::tasks {

/// Whether something the state claims is so.
struct Claim {
  Liveness holds = Liveness::unknown;  ///< `unknown` proves nothing and changes nothing
  std::string why{};                   ///< of a claim that does not hold, for people
};

struct Evidence {
  std::string pod_id{};     ///< this pod's own id; empty: not known
  Claim bootstrapped{};     ///< the tools that bootstrap found or installed are there
  Claim checked_out{};      ///< repository and virtual environment are there
  Claim executor{};         ///< the campaign's executor lives
  bool rows_ended = false;  ///< every selected row of the campaign has ended
  std::vector<std::string> living_runs{};  ///< runs whose processes live
  Liveness lease_holder = Liveness::unknown;
  bool lease_succeeded = false;        ///< the lease's task ended well, but nobody moved the state
  Json lease_claims = Json::object();  ///< what that task found, to be kept with the state
  /// Of a target without any record: what is at work there all the same.
  std::string found_campaign{};
  std::string found_executor{};  ///< its task
  std::optional<Lease> found_lease{};
  std::vector<std::string> warnings{};  ///< what changed without making a claim false
};

/// Where an event leads, also from where the table forbids it (WF_FSM_ENFORCE=0): then to where it
/// leads from a state in which it is legal and leads elsewhere.
[[nodiscard]] fsm::State leads_to(fsm::State from, fsm::Event event);

struct Supported {
  fsm::State state;
  std::string reason{};  ///< empty when the record is right; another pod may be in the same state
};

/// The furthest state that the evidence supports, from the recorded one.
[[nodiscard]] Supported supported(const StateRecord& record, const Evidence& evidence);

}  // namespace workflow::tasks
