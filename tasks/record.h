#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/file_hole.h"
#include "common/files.h"
#include "common/json.h"
#include "fsm/task_machine.h"
#include "tasks/process.h"

// The two records of a task: what was asked (spec.json, written once) and what became of it
// (status.json). Their fields are listed in docs/architecture.md, "On disk".
namespace workflow::tasks {

using fsm::TaskState;

/// What a task is for: it decides who is told when the task ends.
enum class TaskKind { command, step, sweep, run, job };

[[nodiscard]] std::string_view name(TaskKind kind);

/// What was asked for.
struct TaskSpec {
  std::string task_id;
  TaskKind kind = TaskKind::command;
  std::vector<std::string> argv{};  ///< the program to run …
  std::string text{};               ///< … or, when argv is empty, text that bash runs
  std::string workdir{};
  std::vector<std::string> env{};  ///< `K=V`, added to the environment
  std::string gpu_wish{};          ///< the GPUs it asked for, not which ones it got; empty: none
  std::int64_t timeout_secs = 0;   ///< 0: none
  std::int64_t grace_secs = 30;    ///< between TERM and KILL
  std::int64_t log_max_bytes = 0;  ///< its log leaves out its middle beyond that; 0: never
  /// A scheduler's children outlive it and a step may start a service: such a task ends with its
  /// leader, and a cancel reaches the leader alone.
  bool leader_only = false;
  std::string tmux_session{};  ///< where its window is; empty: no window
  std::string token{};         ///< marks its processes (WF_TASK_TOKEN)
  /// Fields of its owner, copied into status.json: a run's id, seed, campaign …
  Json identity = Json::object();
  /// What the owner needs when the task has ended; not shown.
  Json owner = Json::object();

  /// The same for the same command, workdir, environment and wish for GPUs.
  [[nodiscard]] std::string command_sha256() const;
  /// command.sh: the exact command, for people to read and run again.
  [[nodiscard]] std::string command_script() const;
  /// The name of its tmux window.
  [[nodiscard]] std::string window_title() const;
};

/// What became of it. `ended_at` stands in every ended record and in no other.
struct TaskRecord {
  TaskState state = TaskState::pending;
  std::string stopped_as{};     ///< the owner's word for `cancelled` ("stopped"); empty for its own
  std::string ordered_class{};  ///< the failure class that came with the order to end it
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> started_ms{};
  std::optional<std::int64_t> ended_ms{};
  std::optional<int> exit_code{};
  std::optional<int> signal{};
  ProcessRef leader{};
  ProcessRef supervisor{};
  Place place{};
  std::int64_t heartbeat_ms = 0;
  std::string reason{};
  std::vector<std::string> survivors{};
  /// How the command ended (a TaskEvent's name), while something of it is still being copied.
  std::string ending{};
  FileHole log_hole{};      ///< what its log leaves out
  std::string log_fault{};  ///< why its log is larger than it should be; empty: it is not

  [[nodiscard]] bool ended() const { return ended_ms.has_value(); }
  /// The state's word in JSON.
  [[nodiscard]] std::string state_name() const;
};

[[nodiscard]] Json spec_json(const TaskSpec& spec);
[[nodiscard]] TaskSpec spec_from(const Json& json);

/// status.json as contract and dashboard read it: the record, and what of the spec belongs to it.
[[nodiscard]] Json status_json(const TaskSpec& spec, const TaskRecord& record, const fs::path& dir);
[[nodiscard]] TaskRecord record_from(const Json& json);

}  // namespace workflow::tasks
