#pragma once

#include <string>

#include "client/settings.h"
#include "common/error.h"
#include "common/files.h"
#include "common/json.h"

namespace workflow::client {

/// What a target said last, in a cache of this machine: for the time when it does not answer. Never
/// taken for what is so now. A cache that cannot be written or read is none.
class LastKnown {
 public:
  explicit LastKnown(const Settings& settings);

  /// Keeps what an answer says of the state or of a sweep's rows.
  void remember(const Json& data) const;
  /// The same error with what was last known in its hint, and in its details as `last_known`.
  [[nodiscard]] Error told_with(const Error& unreachable) const;

 private:
  [[nodiscard]] Json load() const;

  fs::path file_;
};

}  // namespace workflow::client
