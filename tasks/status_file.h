#pragma once

#include "common/clock.h"
#include "common/files.h"
#include "tasks/record.h"

namespace workflow::tasks {

/// status.json in the hands of the task's supervisor. Nothing is written once the directory was
/// made anew for another task.
class StatusFile {
 public:
  StatusFile(Files& files, const Clock& clock, const TaskSpec& spec, fs::path dir)
      : files_(files), clock_(clock), spec_(spec), dir_(std::move(dir)) {}

  /// Records what has changed, before anybody is told.
  void write(TaskRecord& record) const;
  /// That we still watch: not flushed, and no error where it cannot be written.
  void beat(TaskRecord& record) const;
  /// The record of the end; on a full disk it waits for room, because an exit code exists nowhere
  /// but here.
  void write_last(TaskRecord& record) const;

 private:
  [[nodiscard]] bool ours() const;

  Files& files_;
  const Clock& clock_;
  const TaskSpec& spec_;
  fs::path dir_;
};

}  // namespace workflow::tasks
