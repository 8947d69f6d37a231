#include "client/dead_man.h"

#include "common/json.h"

namespace workflow::client {
namespace {

/// The id in a target `PROVIDER:ID`; empty for any other.
std::string id_of_target(const std::string& target, const std::string& provider) {
  const std::string prefix = provider + ":";
  return target.rfind(prefix, 0) == 0 ? target.substr(prefix.size()) : std::string();
}

}  // namespace

Json arm_dead_man(Session& session, const std::string& provider, const std::string& ends_at) {
  return session.call({.verb = "dead-man-arm",
                       .args = {{"provider", provider},
                                {"pod_id", id_of_target(session.settings().target(), provider)},
                                {"ends_at", ends_at}},
                       .again = Again::once});
}

Json dead_man(Session& session) { return session.call({.verb = "dead-man", .again = Again::once}); }

}  // namespace workflow::client
