#pragma once

#include <functional>

#include "common/unique_fd.h"
#include "remote/pods/lium_cli.h"

namespace workflow::pods {

/// `lium up` at work. It waits without a limit for its pod to run and then opens a shell there: it
/// is ended as soon as the pod is listed, and with this object.
class LiumUp {
 public:
  LiumUp(const LiumCli& cli, const ProviderContext& context, const Offer& offer,
         const PodRequest& request);
  ~LiumUp();
  LiumUp(const LiumUp&) = delete;
  LiumUp& operator=(const LiumUp&) = delete;

  /// Looks until `listed` tells the new pod's id. ProviderError with lium's words when it ended and
  /// nothing is listed, and after LIUM_UP_TIMEOUT_SECS.
  [[nodiscard]] std::string await(const std::function<std::string()>& listed);

 private:
  [[nodiscard]] bool ended();
  [[nodiscard]] std::string words() const;
  void pause() const;

  const LiumCli& cli_;
  int interrupt_fd_;
  std::int64_t limit_ms_;
  UniqueFd out_;
  pid_t pid_ = -1;
};

/// The time until then as lium reads it: whole minutes, at least one.
[[nodiscard]] std::string lium_minutes(std::int64_t end_ms);

/// ProviderError unless the key that lium puts into its pods is this one.
void require_own_key(const ProviderContext& context, const std::string& public_key);

}  // namespace workflow::pods
