#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sweep/campaign.h"
#include "sweep/run.h"
#include "tasks/gpu_leases.h"
#include "tasks/gpus.h"

namespace workflow::sweep {

/// The GPUs of this machine as one campaign's executor may use them: which there are, which others
/// use or hold, and the leases of its own runs.
class GpuDesk {
 public:
  /// Without GPUs, for a campaign of which nothing is to start.
  GpuDesk(const tasks::Site& site, const Campaign& campaign);
  /// With those of this machine. Error(precondition) when nvidia-smi is there and does not answer.
  [[nodiscard]] static GpuDesk of_this_machine(const tasks::Site& site, const Campaign& campaign);

  [[nodiscard]] GpuPool pool() const;
  /// `8 GPUs`, or how many rows go side by side without any.
  [[nodiscard]] std::string text() const;

  /// Looks who else is on the GPUs, not more often than every five seconds; true when that has
  /// changed. `held` are those of our own runs.
  [[nodiscard]] bool look(const std::set<std::string>& held, std::int64_t now_ms);
  /// Those that others use or hold, and each with its evidence; among the reasons also GPUs that
  /// cannot be used at all.
  [[nodiscard]] std::vector<std::string> left_out() const;
  [[nodiscard]] std::vector<std::string> reasons() const;

  /// Takes the leases for a run that is about to start; who is in the way, when somebody is.
  [[nodiscard]] std::optional<std::string> take(const std::string& run_id,
                                                const std::vector<std::string>& gpus,
                                                std::int64_t share);
  /// A run that was found going keeps its GPUs; who has them meanwhile, when somebody has.
  [[nodiscard]] std::optional<std::string> adopt(const RunView& run, std::int64_t share);
  void release(const std::string& run_id);
  [[nodiscard]] const tasks::GpuLeases& leases() const { return leases_; }

 private:
  void ask(const std::set<std::string>& held, std::int64_t now_ms);
  [[nodiscard]] tasks::GpuHolder holder(const std::string& run_id) const;
  [[nodiscard]] std::optional<std::string> take(const std::vector<std::string>& gpus,
                                                std::int64_t share, const tasks::GpuHolder& holder);

  const tasks::Site& site_;
  const Campaign& campaign_;
  std::vector<tasks::Gpu> gpus_;
  std::vector<std::string> broken_;  ///< GPUs that are there and cannot be used
  tasks::GpuLeases leases_;
  std::vector<tasks::GpuInUse> used_;    ///< by processes of others
  std::vector<tasks::GpuInUse> others_;  ///< these, and what leases of others hold
  std::int64_t next_look_ms_ = 0;
  std::int64_t next_question_ms_ = 0;  ///< to nvidia-smi
};

}  // namespace workflow::sweep
