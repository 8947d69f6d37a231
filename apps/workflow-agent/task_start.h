#pragma once

#include <functional>
#include <optional>

#include "apps/workflow-agent/reply.h"
#include "tasks/store.h"

// Starting a task for a request, so that whatever is repeated, forced or lost, one id is one task.
namespace workflow::agent {

/// A task that is to be there when the request is answered.
struct TaskStart {
  tasks::TaskSpec spec;
  fsm::Event event = fsm::Event::task_run;
  /// Whether what stands under its id is what is asked for.
  std::function<bool(const tasks::TaskView& old)> same{};
  /// Under the state's lock, before it is made: what it throws makes nothing.
  std::function<void(const tasks::TaskStore& store)> before{};
};

/// The command, its environment, place and limits, as a request asks for them.
[[nodiscard]] tasks::TaskSpec spec_from_request(const Reply& reply);

/// A task as those hear of it who start it or come back to it: status.json's fields, `created`,
/// `task_dir`, `attach`, `attach_argv`.
[[nodiscard]] Json started_json(const Reply& reply, const tasks::TaskView& view, bool created);

/// The task under that id if it is what is asked for; nothing when there is none, or none that has
/// begun. Error(exists) when it is another.
[[nodiscard]] std::optional<Json> find_started(Reply& reply, const TaskStart& start);

/// Starts it or finds it started; with `force` in the request another one is ended and moved aside.
[[nodiscard]] Json start_task(Reply& reply, const TaskStart& start);

}  // namespace workflow::agent
