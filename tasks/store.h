#pragma once

#include <string>
#include <vector>

#include "common/clock.h"
#include "common/file_lock.h"
#include "common/files.h"
#include "tasks/record.h"

// Where tasks live on a disk, and what their records and the living processes say together.
namespace workflow::tasks {

/// A task as it was recorded and as it is.
struct TaskView {
  TaskSpec spec;
  TaskRecord record;
  fs::path dir;
  Liveness supervisor = Liveness::unknown;  ///< meaningful while the record has not ended
  Liveness leader = Liveness::unknown;
  std::string window_id{};  ///< tmux's own id, `@12`: names with dots cannot be addressed

  /// `proven`, or `unknown` when the processes are of another machine or namespace.
  [[nodiscard]] std::string certainty() const;
  /// Nobody watches over it although it has not ended: proof, not a guess.
  [[nodiscard]] bool orphaned() const;
  /// Proof that its command has never run: whoever was to start it was killed first.
  [[nodiscard]] bool never_started() const;
  /// status.json's fields with `certainty` and, while it runs, `supervised`.
  [[nodiscard]] Json json() const;
};

/// The lock that a task's supervisor holds from the task's creation to its end.
[[nodiscard]] fs::path supervisor_lock(const fs::path& dir);

/// Holds tmux's id of the task's window; written by whoever opened it.
[[nodiscard]] fs::path window_file(const fs::path& dir);

/// Reads a task's directory and judges its processes. Error(not_found) when no task is there.
[[nodiscard]] TaskView observe(Files& files, const fs::path& dir);

/// Writes the three files of a new task into `at`, which nobody else can see yet or which the
/// caller has locked, and which will be known as `dir`.
void write_task(Files& files, const Clock& clock, const fs::path& at, const fs::path& dir,
                const TaskSpec& spec);

/// The tasks under `<outputs>/_tasks`.
class TaskStore {
 public:
  TaskStore(Files& files, const Clock& clock, fs::path root)
      : files_(files), clock_(clock), root_(std::move(root)) {}

  /// A task's directory; Error(precondition) where it is a symlink.
  [[nodiscard]] fs::path dir(const std::string& id) const;
  /// True when something stands under that id.
  [[nodiscard]] bool exists(const std::string& id) const;
  /// Error(usage) for an id that is none, Error(not_found) when there is no such task.
  [[nodiscard]] TaskView view(const std::string& id) const;
  /// Every task's id, oldest name first.
  [[nodiscard]] std::vector<std::string> ids() const;

  /// Makes the task's directory appear whole, in state pending, and returns its lock.
  /// Error(exists) when one of that id is there: compare first.
  [[nodiscard]] FileLock create(const TaskSpec& spec);
  /// Moves the ended task of that token to `_bak/<id>/<UTC>`. False, and nothing is moved, when
  /// another task stands under the id; true when none does. Callers hold the state's lock, so that
  /// nothing is created meanwhile.
  [[nodiscard]] bool put_aside_ended(const std::string& id, const std::string& token);
  /// Whether the task of that token was put aside under that id after it had begun.
  [[nodiscard]] bool was_put_aside(const std::string& id, const std::string& token) const;

 private:
  Files& files_;
  const Clock& clock_;
  fs::path root_;
};

}  // namespace workflow::tasks
