#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sweep/gpus.h"
#include "tasks/gpu_leases.h"
#include "tasks/gpus.h"
#include "tasks/record.h"
#include "tasks/site.h"

namespace workflow::agent {

/// The GPUs that a task asks for, from the look at the machine to the lease.
class TaskGpus {
 public:
  /// Looks at the machine when the task wishes for GPUs. Error(usage) for a wish that is none,
  /// Error(precondition) when the machine can never fulfil it, or does not say what it has.
  TaskGpus(const tasks::Site& site, const tasks::TaskSpec& spec);
  /// Gives back what was taken and not kept.
  ~TaskGpus();
  TaskGpus(const TaskGpus&) = delete;
  TaskGpus& operator=(const TaskGpus&) = delete;

  /// Leases them for the task that is to have this directory, and notes that in it. Error(busy)
  /// that says who has which GPU when they are not free.
  void take(tasks::TaskSpec& spec, const fs::path& dir);
  /// The task exists now: its lease is its own.
  void keep() { taken_.clear(); }
  /// GPUs that cannot be used, with the reason, and what could not be asked.
  [[nodiscard]] const std::vector<std::string>& notes() const { return machine_.left_out; }

 private:
  std::optional<sweep::GpuWish> wish_;
  tasks::GpuLeases leases_;
  std::string user_;
  tasks::GpuInventory machine_;
  tasks::GpuUse use_;
  fs::path taken_;
};

}  // namespace workflow::agent
