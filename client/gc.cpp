#include "client/gc.h"

#include <algorithm>

#include "client/job_pods.h"
#include "client/pod_down.h"
#include "client/tracked_job.h"
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

constexpr std::string_view job_purpose = "job ";

bool is_of_job(const pods::PodRow& row) {
  return row.purpose.rfind(job_purpose, 0) == 0 && row.held == pods::Held::ready;
}

/// What a job-run that has gone would have done: the downloads and the log, and only then the end.
/// Error(refused) while the job is at work, and where something of it cannot be fetched.
void finish_job(const Settings& settings, int interrupt_fd, const pods::PodRow& row,
                const OnEvent& on_event) {
  const std::string id = row.purpose.substr(job_purpose.size());
  const auto renter = pod_renter(settings, interrupt_fd);
  TrackedJob job({settings, interrupt_fd, renter.get(), on_event, [&](const std::string& text) {
                    on_event({{"event", "warning"}, {"text", text}});
                  }});
  job.open(id, "");
  if (job.row().keep_alive) {
    throw Error(Code::refused, "job '" + id + "' asked to keep it (--keep-alive)",
                "give it back: workflow job-terminate " + id);
  }
  job.refresh();
  if (!job.ended()) {
    throw Error(Code::refused, "job '" + id + "' is at work on it",
                "end it: workflow job-terminate " + id);
  }
  job.fetch();
  if (job.give_back(GiveBack::when_fetched)) return;
  throw Error(Code::refused, "not all of job '" + id + "' could be fetched",
              "give it up: workflow job-terminate --give-back=always " + id);
}

void end_orphan(const Settings& settings, int interrupt_fd, const pods::Orphan& orphan,
                const OnEvent& on_event) {
  try {
    if (is_of_job(orphan.row)) return finish_job(settings, interrupt_fd, orphan.row, on_event);
  } catch (const Error& fault) {
    if (fault.code() != Code::not_found) throw;  // not found: the job was never begun
  }
  if (orphan.may_work) require_idle(settings, interrupt_fd, orphan.row);
  (void)return_pod(settings, interrupt_fd, orphan.row, on_event);
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
      end_orphan(settings, interrupt_fd, orphan, on_event);
      out["ended"].push_back(orphan_json(orphan));
    } catch (const Error& fault) {
      if (fault.code() == Code::detached) throw;
      out["orphans"].push_back(orphan_json(orphan));
      out["faults"].push_back({{"code", code_name(fault.code())},
                               {"text", "'" + orphan.row.name + "': " + fault.what()},
                               {"hint", fault.hint()}});
    }
  }
  return out;
}

}  // namespace workflow::client
