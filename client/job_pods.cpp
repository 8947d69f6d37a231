#include "client/job_pods.h"

#include "client/pods.h"
#include "common/clock.h"
#include "common/error.h"

namespace workflow::client {
namespace {

JobPod pod_of(const pods::PodRow& row) {
  return {.name = row.name,
          .provider = row.provider,
          .id = row.pod_id,
          .target = pod_target(row),
          .price_hr = row.price_total_hr,
          .cost = row.cost(system_clock().now_ms()),
          .ends_at = row.ending == pods::Ending::only_by_us ? std::string() : row.ends_at,
          .ended = row.over()};
}

class PodRenter final : public JobRenter {
 public:
  PodRenter(const Settings& settings, int interrupt_fd)
      : settings_(settings), interrupt_fd_(interrupt_fd) {}

  JobPod rent(const JobSpec& spec, const OnEvent& on_event) override {
    const Settings settings =
        spec.image.empty() ? settings_ : settings_.with("POD_IMAGE", spec.image);
    RentRequest request;
    request.query = *spec.provision;
    request.purpose = "job " + spec.id;
    request.max_secs = spec.max_secs;
    request.max_cost = spec.max_cost;
    return pod_of(rent_pod(settings, interrupt_fd_, request, on_event));
  }

  std::optional<JobPod> look(const std::string& name) override {
    const auto row = pods::Ledger(pods::Ledger::place()).find(name);
    return row ? std::optional(pod_of(*row)) : std::nullopt;
  }

  void give_back(const std::string& name, const OnEvent& on_event) override {
    const auto row = pods::Ledger(pods::Ledger::place()).find(name);
    if (!row) {
      throw Error(Code::not_found, "the ledger knows no pod '" + name + "'",
                  "workflow pod-list --orphans asks the providers");
    }
    // Ctrl-C does not stop this: what is half given back goes on costing.
    if (!pod_of(*row).ended) (void)return_pod(settings_, -1, *row, on_event);
  }

 private:
  Settings settings_;
  int interrupt_fd_;
};

}  // namespace

std::unique_ptr<JobRenter> pod_renter(const Settings& settings, int interrupt_fd) {
  return std::make_unique<PodRenter>(settings, interrupt_fd);
}

}  // namespace workflow::client
