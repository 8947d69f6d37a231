#include "client/wanted_pod.h"

#include "common/error.h"

namespace workflow::client {

bool says_machine(const Settings& settings) {
  return settings.is_set("WF_PROVISION") || settings.is_set("LIUM_GPU") ||
         settings.text("WF_PROVIDER") == "loopback";
}

pods::GpuQuery wanted_machine(const Settings& settings) {
  if (settings.is_set("WF_PROVISION")) {
    return pods::parse_query(settings.text("WF_PROVISION"), "WF_PROVISION");
  }
  pods::GpuQuery query;
  if (settings.is_set("LIUM_GPU")) {
    query.type = settings.text("LIUM_GPU");
    query.count = settings.count("LIUM_COUNT");
    return query;
  }
  if (settings.text("WF_PROVIDER") == "loopback") {
    query.type = "cpu";
    return query;
  }
  throw Error(
      Code::usage, "what machine to rent is not said",
      "--provision type=H100,count=2,max_price=3 (type=cpu: without a GPU), or WF_PROVISION "
      "in workflow.env");
}

}  // namespace workflow::client
