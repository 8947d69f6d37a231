#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/session.h"
#include "common/json.h"
#include "fsm/workflow_machine.h"
#include "sweep/selection.h"

// libworkflow: what every command does, as functions. Each returns the `data` of the command's
// JSON (README, "For scripts") and throws Error where the command would end with its code.
namespace workflow::client {

// State.
/// The state that evidence supports, the recorded one, and what is legal now.
[[nodiscard]] Json fsm_status(Session& session);
/// Every change of the state, oldest first.
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
/// bootstrap or checkout to its end; the step's log comes as events. With CHECKOUT_SOURCE=push the
/// tree is shipped first (push.h), which an event `pushed` tells.
[[nodiscard]] Json run_step(Session& session, fsm::Event step, const OnEvent& on_event);

/// What of the target's clutter is meant (sweep/clutter.h has the words; none: all of it).
struct CleanRequest {
  std::vector<std::string> what{};
  std::int64_t older_secs = 0;
  bool remove = false;  ///< false: only told
};
/// What on the target may go, or has gone: `kinds[]` of what, why, count, bytes, items, faults.
[[nodiscard]] Json clean(Session& session, const CleanRequest& request);

// Tasks.
/// What task-run asks for.
struct TaskRequest {
  std::string id{};                 ///< generated when empty
  std::string cmd{};                ///< text for bash …
  std::vector<std::string> argv{};  ///< … or a program and its words
  std::string workdir{};
  std::vector<std::string> env{};  ///< `K=V`
  std::string gpus{};              ///< `N`, `1/K` or `all`: leased for it; empty: none
  std::optional<std::int64_t> timeout_secs{};
  std::string tmux_session{};
  bool force = false;
};
/// Starts a task, or attaches to the same one.
[[nodiscard]] Json task_run(Session& session, const TaskRequest& request);
/// How a task is, and the end of its log.
[[nodiscard]] Json task_status(Session& session, const std::string& id, std::int64_t tail_lines);
/// Every task of the target, oldest first.
[[nodiscard]] Json task_list(Session& session);
/// Which task is followed, from where in its log, and for how long.
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
/// Ends a task and waits until it has ended.
[[nodiscard]] Json task_cancel(Session& session, const std::string& id);
/// Opens the task's tmux window where it is gone; `attach` says how to see it.
[[nodiscard]] Json task_attach(Session& session, const std::string& id);

// Sweeps.
/// What a sweep-start may replace or repeat.
struct SweepRequest {
  bool force = false;
  bool redo_changed = false;
  std::vector<std::string> only{};  ///< run_ids, beside the selection of the settings
  bool retry_failed = false;        ///< of these, what did not end well in the last sweep
};
/// Reads and checks the manifest of the settings: every fault at once, nothing sent.
[[nodiscard]] Json sweep_check(const Settings& settings, const std::vector<std::string>& only = {});
/// Starts the sweep of the settings' manifest, or attaches to it while it runs.
[[nodiscard]] Json sweep_start(Session& session, const SweepRequest& request);
/// What sweep_start would do, read only: `state`, `legal`, `run` (ids), `resumes`, `running`.
[[nodiscard]] Json sweep_plan(Session& session, const SweepRequest& request);
/// Which rows of which campaign; the one of the state without a name.
struct StatusRequest {
  std::string campaign{};
  bool all = false;
  std::int64_t after = 0;
  std::int64_t limit = 1000;
  sweep::Selection selection{};  ///< of the campaign's rows
};
/// How a campaign is: counts, executor, and the rows that are asked for.
[[nodiscard]] Json sweep_status(Session& session, const StatusRequest& request);
/// Ends the executor and every run; progress comes as events.
[[nodiscard]] Json sweep_stop(Session& session, const OnEvent& on_event);
/// A run's record, summary and attempts.
[[nodiscard]] Json run_show(Session& session, const std::string& run_id);

}  // namespace workflow::client
