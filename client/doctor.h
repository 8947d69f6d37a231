#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/session.h"

namespace workflow::client {

/// One check of `doctor`.
struct Check {
  std::string name;   ///< a few words: `host key`, `disk`
  std::string state;  ///< `ok`, `warn`, `fail`
  std::string text;
  std::string hint{};
};

struct Diagnosis {
  std::vector<Check> checks;
  bool reached = false;  ///< the target answered
  [[nodiscard]] bool failed() const;
};

/// Looks at the way to the target, step by step, and at the target itself; goes on as far as it
/// gets. Each check is told as soon as it is known. Changes nothing on the target.
[[nodiscard]] Diagnosis doctor(Session& session, const std::function<void(const Check&)>& tell);

}  // namespace workflow::client
