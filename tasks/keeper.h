#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/files.h"
#include "tasks/evidence.h"
#include "tasks/state_log.h"
#include "tasks/state_record.h"

// The one place that writes a target's state: under a lock, with evidence, through the table.
namespace workflow::tasks {

/// What a command wants of the state.
struct Ask {
  fsm::Event event = fsm::Event::fsm_status;
  Actor by{};
  std::string token{};  ///< of the request; the same in every repetition of it
  std::string reason{};
  bool enforce = true;  ///< false: the table's refusal becomes a warning
  /// Begin only: take a lease with this task instead of moving now.
  std::string lease_task{};
  /// fsm-reset only.
  std::optional<fsm::State> chosen{};
  /// Refuse (busy) unless the record still has this revision.
  std::optional<std::int64_t> if_revision{};
  /// Runs under the lock when the command is allowed, before anything is written; what it throws
  /// leaves the state as it was. It may change what the record carries besides the state.
  std::function<void(StateRecord&)> effect{};
};

struct Advanced {
  StateRecord before;  ///< as it was found on the disk
  StateRecord after;
  std::vector<std::string> notes{};  ///< corrections and warnings, for people
};

class StateKeeper {
 public:
  StateKeeper(Files& files, const Clock& clock, fs::path state_file, fs::path log_file);

  /// The record; revision 0 and INIT where there is no file. Takes no lock and writes nothing.
  [[nodiscard]] StateRecord load() const;

  /// The same once nobody is writing it: a process that a command starts waits here for that
  /// command's own record, and learns whether it came to be.
  [[nodiscard]] StateRecord load_settled() const;

  /// Lock, read, judge by evidence, correct, gate, effect, write, log: all of it or nothing.
  /// Error(busy) while another's lease is alive or a run lives that the command would break,
  /// Error(illegal_state) when the table forbids it.
  Advanced advance(const Ask& ask, const std::function<Evidence(const StateRecord&)>& look);

  /// Ends a lease: moves the state when its task succeeded, and leaves it otherwise. Does nothing
  /// when the lease is not this task's any more. `claims` are merged into the record's.
  void settle_lease(const std::string& task_id, bool success, const std::string& reason,
                    const Json& claims = Json::object());

  /// Every line of the log, oldest first.
  [[nodiscard]] std::vector<Json> log() const { return log_.since(0); }

  [[nodiscard]] const fs::path& state_file() const { return state_file_; }

 private:
  void write(StateRecord& record, const std::string& kind);
  void correct(StateRecord& record, const Ask& ask, const Evidence& evidence,
               std::vector<std::string>& notes);
  void settle_dead_lease(StateRecord& record, const Ask& ask, const Evidence& evidence,
                         std::vector<std::string>& notes);
  [[nodiscard]] std::optional<fsm::State> gate(const StateRecord& record, const Ask& ask,
                                               std::vector<std::string>& notes) const;
  /// Copies the state file as it is; says where to.
  std::string keep_bytes_beside();

  Files& files_;
  const Clock& clock_;
  fs::path state_file_;
  StateLog log_;
};

}  // namespace workflow::tasks
