#include "apps/workflow-agent/task_start.h"

#include <poll.h>

#include "apps/workflow-agent/task_gpus.h"
#include "common/text.h"
#include "sweep/evidence.h"
#include "tasks/cancel.h"
#include "tasks/launch.h"
#include "tasks/task_window.h"

namespace workflow::agent {

using tasks::TaskSpec;
using tasks::TaskView;

namespace {

constexpr int most_tries = 30;  ///< each one lost means that another client has won
constexpr std::int64_t start_limit_ms = 20'000;
constexpr int start_look_ms = 10;

std::string_view noun(const TaskSpec& spec) {
  return spec.kind == tasks::TaskKind::job ? "job" : "task";
}

/// The task as it is now; nothing when it was put aside meanwhile, whatever stands in its place.
std::optional<TaskView> same_task(const Reply& reply, const TaskView& known) {
  try {
    TaskView now = tasks::observe(reply.site().files(), known.dir);
    if (now.spec.token == known.spec.token) return now;
  } catch (const Error& fault) {
    if (fault.code() != Code::not_found) throw;
  }
  return std::nullopt;
}

/// Ends the task that stands under an id, for --force; its token. Another --force may be quicker:
/// then the id is free, or another task's, and so is what we know of it.
std::string end_by_force(const Reply& reply, const TaskView& old) {
  Files& files = reply.site().files();
  try {
    const TaskView ended = tasks::cancel_task(files, old.dir, {.by = "--force"});
    if (!ended.record.ended() && ended.spec.token == old.spec.token) {
      throw Error(Code::busy, "task '" + old.spec.task_id + "' does not end; it was left as it is");
    }
  } catch (const Error&) {
    if (same_task(reply, old)) throw;  // else put aside meanwhile, and free
  }
  return old.spec.token;
}

/// A task once it is known whether it began: whoever is starting it may be killed before that.
TaskView settle_started(Files& files, const fs::path& dir) {
  const std::int64_t until = system_clock().steady_ms() + start_limit_ms;
  TaskView view = tasks::settle(files, dir);
  while (view.record.state == tasks::TaskState::pending &&
         view.supervisor == tasks::Liveness::alive && system_clock().steady_ms() < until) {
    ::poll(nullptr, 0, start_look_ms);
    view = tasks::settle(files, dir);
  }
  return view;
}

/// The same id with the same command is the same task, unless that one was killed before it began.
std::optional<Json> attach_existing(Reply& reply, const TaskStart& start,
                                    std::string& ended_token) {
  const TaskSpec& spec = start.spec;
  tasks::TaskStore store = reply.site().tasks();
  // What was done once is not done again, to whatever stands in its place now.
  if (reply.request().again && store.was_put_aside(spec.task_id, spec.token)) {
    throw Error(Code::exists,
                "task '" + spec.task_id + "' was started as asked, and was replaced since",
                "another --force has moved it to _bak; nothing more was done");
  }
  if (!store.exists(spec.task_id)) return std::nullopt;
  const TaskView old = settle_started(reply.site().files(), store.dir(spec.task_id));
  const bool same = start.same(old);
  if (same && old.never_started()) {
    ended_token = old.spec.token;
    return std::nullopt;
  }
  // This very request was heard before, and its answer lost: here it is.
  if (old.spec.token == spec.token) return started_json(reply, old, true);
  if (flag_at(reply.args(), "force")) {
    ended_token = end_by_force(reply, old);
    return std::nullopt;
  }
  if (same) return started_json(reply, old, false);
  throw Error(
      Code::exists,
      std::string(noun(spec)) + " '" + spec.task_id + "' is there already with another command",
      "choose another --id, or --force to end it and move it to _bak");
}

/// Nothing when another task of that id came to be meanwhile.
std::optional<Json> try_start(Reply& reply, const TaskStart& start) {
  const tasks::Site& site = reply.site();
  TaskSpec spec = start.spec;
  std::string ended_token;
  if (auto attached = attach_existing(reply, start, ended_token)) return attached;
  // A token names one task: whoever wants to put the one before aside must not meet the next.
  if (spec.token == ended_token) spec.token = random_hex(8);
  tasks::TaskStore store = site.tasks();
  tasks::StateKeeper keeper = site.keeper();
  site.ensure_pod_id();
  tasks::Ask ask = reply.ask(start.event);
  ask.reason = std::string(noun(spec)) + " " + spec.task_id;
  bool made_meanwhile = false;
  TaskView made;
  TaskGpus gpus(site, spec);  // slow to find out about, so before the lock
  ask.effect = [&](tasks::StateRecord&) {
    // Under the state's lock: nobody else puts aside or creates what is looked at here.
    made_meanwhile = !store.put_aside_ended(spec.task_id, ended_token);
    if (made_meanwhile) return;
    if (start.before) start.before(store);
    gpus.take(spec, store.dir(spec.task_id));
    const FileLock lock = store.create(spec);
    gpus.keep();
    tasks::start_supervisor(store.dir(spec.task_id), lock, reply.secrets());
    made = store.view(spec.task_id);
  };
  const auto advanced = keeper.advance(
      ask, [&](const tasks::StateRecord& record) { return sweep::gather(site, record); });
  if (made_meanwhile) return std::nullopt;
  if (same_task(reply, made)) tasks::open_task_window(site, made.dir, spec);
  Json out = started_json(reply, same_task(reply, made).value_or(made), true);
  out["notes"] = advanced.notes;
  for (const auto& note : gpus.notes()) out["notes"].push_back(note);
  return out;
}

}  // namespace

TaskSpec spec_from_request(const Reply& reply) {
  TaskSpec spec;
  spec.task_id = reply.text("task_id");
  for (const auto& blob : reply.request().blobs) {
    if (blob.name == "cmd") spec.text = blob.bytes;
    if (blob.name == "word") spec.argv.push_back(blob.bytes);
    if (blob.name == "env") spec.env.push_back(blob.bytes);
    if (blob.name == "workdir") spec.workdir = blob.bytes;
  }
  spec.workdir = reply.place(spec.workdir).string();
  spec.gpu_wish = reply.text("gpus");
  spec.timeout_secs = number_at(reply.args(), "timeout_secs");
  spec.grace_secs = reply.site().number("KILL_GRACE_SECS", 30);
  spec.log_max_bytes = parse_size(reply.site().text("LOG_MAX_SIZE")).value_or(0);
  spec.tmux_session = reply.text("tmux_session");
  spec.token = reply.request().token.empty() ? random_hex(8) : reply.request().token;
  return spec;
}

Json started_json(const Reply& reply, const TaskView& view, bool created) {
  tasks::TmuxPlace place = reply.site().tmux("WF_TMUX_SESSION");
  place.session = view.spec.tmux_session;
  Json out = view.json();
  out["created"] = created;
  out["task_dir"] = view.dir.string();
  out["attach"] = tasks::attach_command(place, view.window_id);
  out["attach_argv"] = tasks::attach_argv(place, view.window_id);
  return out;
}

std::optional<Json> find_started(Reply& reply, const TaskStart& start) {
  std::string ended_token;
  return attach_existing(reply, start, ended_token);
}

Json start_task(Reply& reply, const TaskStart& start) {
  for (int tries = 0; tries < most_tries; ++tries) {
    try {
      if (auto done = try_start(reply, start)) return *done;
    } catch (const Error& fault) {
      // Put aside between a look and the next: look again.
      if (fault.code() != Code::not_found || tries + 1 == most_tries) throw;
    }
  }
  throw Error(Code::busy,
              "task '" + start.spec.task_id +
                  "' is being started and ended by others all the "
                  "time; nothing was started",
              "try again");
}

}  // namespace workflow::agent
