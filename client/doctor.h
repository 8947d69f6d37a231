#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/session.h"
#include "remote/pods/provider.h"

namespace workflow::client {

/// One check of `doctor`.
struct Check {
  std::string name;   ///< a few words: `host key`, `disk`
  std::string state;  ///< `ok`, `warn`, `fail`
  std::string text;
  std::string hint{};
  int number = 0;  ///< from 1, in the order they were made
};

struct Diagnosis {
  std::vector<Check> checks;
  bool reached = false;  ///< the target answered
  [[nodiscard]] bool failed() const;
};

struct DoctorRequest {
  std::function<void(const Check&)> tell;  ///< each check, as soon as it is known
  /// The providers for which there are credentials; unset: no account is looked at.
  std::function<std::vector<std::unique_ptr<pods::Provider>>()> providers{};
};

/// Looks at this machine, the configuration and the accounts, then at the way to the target, step
/// by step, and at the target itself; goes on as far as it gets. Changes nothing on the target.
[[nodiscard]] Diagnosis doctor(Session& session, const DoctorRequest& request);

}  // namespace workflow::client
