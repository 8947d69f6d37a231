#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/session.h"
#include "common/json.h"
#include "fsm/workflow_machine.h"

// libworkflow: what every command does, as functions. Each returns the `data` of the command's
// JSON (README, "JSON") and throws Error where the command would end with its code.
namespace workflow::client {

// State.
[[nodiscard]] Json fsm_status(Session& session);
[[nodiscard]] Json fsm_log(Session& session);
/// Sets the state by hand. With `if_revision`, only while the record still has that revision;
/// Error(refused) while a sweep is running, unless `sure`.
[[nodiscard]] Json fsm_reset(Session& session, fsm::State state, bool sure,
                             std::optional<std::int64_t> if_revision = {});
/// The commands that lead from the target's state to another: `path`.
[[nodiscard]] Json plan(Session& session, fsm::State to);

// Pod.
/// Asks a target that needs no renting whether it answers. pod-up and pod-status ask once;
/// pod-wait again and again for POD_WAIT_MAX_SECS, then Error(wait_timeout).
[[nodiscard]] Json pod_answers(Session& session, fsm::Event command);
/// bootstrap or checkout to its end; the step's log comes as events.
[[nodiscard]] Json run_step(Session& session, fsm::Event step, const OnEvent& on_event);

// Tasks.
struct TaskRequest {
  std::string id{};                 ///< generated when empty
  std::string cmd{};                ///< text for bash …
  std::vector<std::string> argv{};  ///< … or a program and its words
  std::string workdir{};
  std::vector<std::string> env{};  ///< `K=V`
  std::optional<std::int64_t> timeout_secs{};
  std::string tmux_session{};
  bool force = false;
};
[[nodiscard]] Json task_run(Session& session, const TaskRequest& request);
[[nodiscard]] Json task_status(Session& session, const std::string& id, std::int64_t tail_lines);
[[nodiscard]] Json task_list(Session& session);
struct FollowRequest {
  std::string id;
  std::optional<std::int64_t> offset{};  ///< tell the log from here on
  std::optional<std::int64_t> tail_lines{};
  std::optional<std::int64_t> limit_secs{};
  bool wait = true;  ///< false: only what is there now
};
/// Follows or waits; Error(wait_timeout) when the limit runs out first.
[[nodiscard]] Json task_follow(Session& session, const FollowRequest& request,
                               const OnEvent& on_event);
[[nodiscard]] Json task_cancel(Session& session, const std::string& id);
[[nodiscard]] Json task_attach(Session& session, const std::string& id);

// Sweeps.
struct SweepRequest {
  bool force = false;
  bool redo_changed = false;
};
/// Reads and checks the manifest of the settings: every fault at once, nothing sent.
[[nodiscard]] Json sweep_check(const Settings& settings);
[[nodiscard]] Json sweep_start(Session& session, const SweepRequest& request);
struct StatusRequest {
  std::string campaign{};
  bool all = false;
  std::int64_t after = 0;
  std::int64_t limit = 1000;
};
[[nodiscard]] Json sweep_status(Session& session, const StatusRequest& request);
/// Follows a sweep until it ends or stalls; progress comes as events.
[[nodiscard]] Json sweep_watch(Session& session, const OnEvent& on_event);
[[nodiscard]] Json sweep_stop(Session& session, const OnEvent& on_event);
/// A run's record, summary and attempts.
[[nodiscard]] Json run_show(Session& session, const std::string& run_id);

}  // namespace workflow::client
