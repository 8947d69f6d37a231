#include "remote/pods/provider.h"

#include <utility>

namespace workflow::pods {

std::string_view name(Trouble trouble) {
  switch (trouble) {
    case Trouble::credentials:
      return "credentials";
    case Trouble::account:
      return "account";
    case Trouble::no_capacity:
      return "no_capacity";
    case Trouble::rejected:
      return "rejected";
    case Trouble::rate_limited:
      return "rate_limited";
    case Trouble::network:
      return "network";
    case Trouble::provider:
      return "provider";
  }
  bug("a trouble without a name");
}

std::string_view name(PodStatus status) {
  switch (status) {
    case PodStatus::starting:
      return "starting";
    case PodStatus::running:
      return "running";
    case PodStatus::stopped:
      return "stopped";
    case PodStatus::ending:
      return "ending";
    case PodStatus::ended:
      return "ended";
    case PodStatus::failed:
      return "failed";
    case PodStatus::unknown:
      return "unknown";
  }
  bug("a pod's status without a name");
}

std::string_view name(Ending ending) {
  switch (ending) {
    case Ending::by_provider:
      return "by_provider";
    case Ending::by_pod_key:
      return "by_pod_key";
    case Ending::only_by_us:
      return "only_by_us";
  }
  bug("a way to end without a name");
}

ProviderError::ProviderError(Trouble trouble, std::string what, std::string hint, bool maybe_done,
                             std::string details)
    : Error(Code::provider, std::move(what), std::move(hint), std::move(details)),
      trouble_(trouble),
      maybe_done_(maybe_done) {}

void Provider::set_end(const std::string& id, const std::string&) {
  bug("'" + name() + "' has no timer of its own for pod '" + id + "'");
}

}  // namespace workflow::pods
