#include "client/gc.h"

#include <algorithm>

#include "client/pod_down.h"
#include "common/error.h"

namespace workflow::client {
namespace {

Json orphan_json(const pods::Orphan& orphan) {
  return {{"name", orphan.row.name}, {"provider", orphan.row.provider},
          {"id", orphan.row.pod_id}, {"why", orphan.why},
          {"ours", orphan.ours},     {"price_total_hr", orphan.row.price_total_hr}};
}

Json review_json(const pods::Review& review) {
  Json out = {{"orphans", Json::array()}, {"unasked", review.unasked}};
  for (const auto& orphan : review.orphans) out["orphans"].push_back(orphan_json(orphan));
  return out;
}

bool meant(const pods::Orphan& orphan, const GcRequest& request) {
  const auto& names = request.strangers;
  return orphan.ours || std::find(names.begin(), names.end(), orphan.row.name) != names.end();
}

/// Whoever rented it has gone; what was started on it may not have.
void require_idle(const Settings& settings, int interrupt_fd, const pods::PodRow& row) {
  Session session(settings.with("WF_TARGET", pod_target(row)).with("WF_SECRETS", ""), interrupt_fd);
  const std::string why = objection(what_would_go(session));
  if (why.empty()) return;
  throw Error(Code::refused, why,
              "workflow pod-down --target " + pod_target(row) + " --abandon " + row.name);
}

void require_known(const pods::Review& review, const GcRequest& request) {
  for (const auto& name : request.strangers) {
    const bool there = std::any_of(review.orphans.begin(), review.orphans.end(),
                                   [&](const auto& orphan) { return orphan.row.name == name; });
    if (there) continue;
    throw Error(Code::not_found, "no pod that nobody wants is called '" + name + "'",
                "workflow pod-list --orphans names them");
  }
}

}  // namespace

Json orphans(const Settings& settings, int interrupt_fd) {
  return review_json(review_pods(settings, interrupt_fd));
}

Json gc(const Settings& settings, int interrupt_fd, const GcRequest& request,
        const OnEvent& on_event) {
  const pods::Review review = review_pods(settings, interrupt_fd);
  require_known(review, request);
  Json out = review_json(review);
  out["ended"] = Json::array();
  out["faults"] = Json::array();
  if (!request.really) return out;
  out["orphans"] = Json::array();
  for (const auto& orphan : review.orphans) {
    if (!meant(orphan, request)) {
      out["orphans"].push_back(orphan_json(orphan));
      continue;
    }
    try {
      if (orphan.may_work) require_idle(settings, interrupt_fd, orphan.row);
      (void)return_pod(settings, interrupt_fd, orphan.row, on_event);
      out["ended"].push_back(orphan_json(orphan));
    } catch (const Error& fault) {
      if (fault.code() == Code::detached) throw;
      out["orphans"].push_back(orphan_json(orphan));
      out["faults"].push_back("'" + orphan.row.name + "': " + fault.what());
    }
  }
  return out;
}

}  // namespace workflow::client
