#pragma once

#include <functional>
#include <string>

#include "sweep/executor_note.h"
#include "sweep/gpu_desk.h"
#include "sweep/schedule.h"

namespace workflow::sweep {

/// What keeps rows from starting although it is their turn: others on the GPUs, and a disk without
/// room. Told in the sweep's log when it changes, and in executor.json.
class Surroundings {
 public:
  using Say = std::function<void(const std::string&)>;

  Surroundings(const tasks::Site& site, const fs::path& campaign_dir, GpuDesk& gpus, Say say);

  /// Looks around, and tells the schedule what it may not give out now.
  void look(Schedule& schedule, std::int64_t now_ms);
  /// How long nothing is to be seen anew, in milliseconds.
  [[nodiscard]] std::int64_t quiet_ms() const;

 private:
  const tasks::Site& site_;
  fs::path dir_;
  GpuDesk& gpus_;
  Say say_;
  ExecutorNote note_;
};

}  // namespace workflow::sweep
