#pragma once

#include <optional>
#include <string>

#include "client/job_spec.h"
#include "client/session.h"

namespace workflow::client {

/// A machine that was rented for a job, as the ledger has it.
struct JobPod {
  std::string name;  ///< in the ledger
  std::string provider;
  std::string id;
  std::string target;     ///< `PROVIDER:ID`
  double price_hr = 0;    ///< USD
  double cost = 0;        ///< USD until now, or until it ended
  std::string ends_at{};  ///< by its timer; empty: never by itself
  bool ended = false;
};

/// Who rents machines for jobs and gives them back: client/job_pods.h; tests have one that fails
/// when it is told to.
class JobRenter {
 public:
  virtual ~JobRenter() = default;
  /// Rents for the job of this id, once: what an earlier call that was killed has rented is found
  /// again.
  [[nodiscard]] virtual JobPod rent(const JobSpec& spec, const OnEvent& on_event) = 0;
  /// What the ledger says; no provider is asked.
  [[nodiscard]] virtual std::optional<JobPod> look(const std::string& name) = 0;
  /// Gives it back and returns when its provider no longer lists it.
  virtual void give_back(const std::string& name, const OnEvent& on_event) = 0;
};

}  // namespace workflow::client
