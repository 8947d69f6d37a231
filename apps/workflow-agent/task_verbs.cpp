#include <poll.h>

#include <algorithm>

#include "apps/workflow-agent/call.h"
#include "apps/workflow-agent/task_gpus.h"
#include "common/text.h"
#include "sweep/evidence.h"
#include "tasks/cancel.h"
#include "tasks/launch.h"
#include "tasks/task_window.h"

namespace workflow::agent {
namespace {

constexpr int most_tries = 30;  ///< each one lost means that another client has won
constexpr std::int64_t start_limit_ms = 20'000;
constexpr int start_look_ms = 10;

using tasks::TaskSpec;
using tasks::TaskView;

/// Where the last `lines` lines of a log begin, looking back 256 KiB at the most.
std::int64_t tail_offset(const fs::path& dir, std::int64_t lines) {
  const FileTail tail = read_tail(dir / "stdout.log", 256 * 1024);
  std::size_t start = tail.bytes.size();
  if (start > 0 && tail.bytes.back() == '\n') start -= 1;
  for (; lines > 0; --lines) {
    const auto at = start == 0 ? std::string::npos : tail.bytes.rfind('\n', start - 1);
    if (at == std::string::npos) return tail.offset;
    start = at;
  }
  return tail.offset + static_cast<std::int64_t>(std::min(start + 1, tail.bytes.size()));
}

std::string bytes_from(const fs::path& dir, std::int64_t offset) {
  std::string text;
  tasks::tell_bytes(dir / "stdout.log", offset,
                    [&](std::int64_t, std::string_view bytes) { text += bytes; });
  return text;
}

/// Where a reader wants to begin: at `tail_lines` from the end, or at `offset`; -1: not at all.
std::int64_t wanted_offset(const Reply& reply, const fs::path& dir) {
  const std::int64_t lines = number_at(reply.args(), "tail_lines", -1);
  return lines >= 0 ? tail_offset(dir, lines) : number_at(reply.args(), "offset", -1);
}

/// A run is a task too: its directory is found by its id where no task has that id.
fs::path find_task(const Reply& reply, const std::string& id) {
  require_id("task", id);
  const auto& site = reply.site();
  if (site.tasks().exists(id)) return site.tasks().dir(id);
  const fs::path run = site.run_dir(id);
  if (may_be_there(run / "status.json")) return run;
  throw Error(Code::not_found, "no task or run '" + id + "' here",
              "workflow task-list shows the tasks, workflow sweep-status --all the rows");
}

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

/// Whether a task was started with the same command; where no workdir is asked for, the task's own
/// counts.
bool same_command(const Reply& reply, const TaskView& old, TaskSpec spec) {
  const auto& blobs = reply.request().blobs;
  const bool asked_where = std::any_of(blobs.begin(), blobs.end(),
                                       [](const auto& blob) { return blob.name == "workdir"; });
  if (!asked_where) spec.workdir = old.spec.workdir;
  return old.spec.command_sha256() == spec.command_sha256();
}

/// The same id with the same command is the same task, unless that one was killed before it began.
std::optional<Json> attach_existing(Reply& reply, const TaskSpec& spec, std::string& ended_token) {
  tasks::TaskStore store = reply.site().tasks();
  // What was done once is not done again, to whatever stands in its place now.
  if (reply.request().again && store.was_put_aside(spec.task_id, spec.token)) {
    throw Error(Code::exists,
                "task '" + spec.task_id + "' was started as asked, and was replaced since",
                "another --force has moved it to _bak; nothing more was done");
  }
  if (!store.exists(spec.task_id)) return std::nullopt;
  const TaskView old = settle_started(reply.site().files(), store.dir(spec.task_id));
  const bool same = same_command(reply, old, spec);
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
  throw Error(Code::exists, "task '" + spec.task_id + "' is there already with another command",
              "choose another --id, or --force to end it and move it to _bak");
}

/// Nothing when another task of that id came to be meanwhile.
std::optional<Json> try_task_run(Reply& reply) {
  const tasks::Site& site = reply.site();
  TaskSpec spec = spec_from_request(reply);
  std::string ended_token;
  if (auto attached = attach_existing(reply, spec, ended_token)) return attached;
  // A token names one task: whoever wants to put the one before aside must not meet the next.
  if (spec.token == ended_token) spec.token = random_hex(8);
  tasks::TaskStore store = site.tasks();
  tasks::StateKeeper keeper = site.keeper();
  site.ensure_pod_id();
  tasks::Ask ask = reply.ask(fsm::Event::task_run);
  ask.reason = "task " + spec.task_id;
  bool made_meanwhile = false;
  TaskView made;
  TaskGpus gpus(site, spec);  // slow to find out about, so before the lock
  ask.effect = [&](tasks::StateRecord&) {
    // Under the state's lock: nobody else puts aside or creates what is looked at here.
    made_meanwhile = !store.put_aside_ended(spec.task_id, ended_token);
    if (made_meanwhile) return;
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

Json task_run(Reply& reply) {
  for (int tries = 0; tries < most_tries; ++tries) {
    try {
      if (auto done = try_task_run(reply)) return *done;
    } catch (const Error& fault) {
      // Put aside between a look and the next: look again.
      if (fault.code() != Code::not_found || tries + 1 == most_tries) throw;
    }
  }
  throw Error(Code::busy,
              "task '" + reply.text("task_id") +
                  "' is being started and ended by others all the "
                  "time; nothing was started",
              "try again");
}

Json task_status(Reply& reply) {
  const fs::path dir = find_task(reply, reply.text("task_id"));
  Json out = tasks::settle(reply.site().files(), dir).json();
  out["tail"] = bytes_from(dir, tail_offset(dir, number_at(reply.args(), "tail_lines", 20)));
  return out;
}

Json task_list(Reply& reply) {
  const tasks::TaskStore store = reply.site().tasks();
  Json list = Json::array();
  for (const auto& id : store.ids()) {
    try {
      const Json status = tasks::settle(reply.site().files(), store.dir(id)).json();
      Json row = Json::object();
      for (const char* key : {"task_id", "kind", "state", "created_at", "started_at", "ended_at",
                              "exit_code", "signal", "reason", "certainty"}) {
        row[key] = member(status, key);
      }
      list.push_back(std::move(row));
    } catch (const Error& fault) {
      list.push_back({{"task_id", id}, {"state", "unknown"}, {"reason", fault.what()}});
    }
  }
  std::stable_sort(list.begin(), list.end(), [](const Json& a, const Json& b) {
    return text_at(a, "created_at") < text_at(b, "created_at");
  });
  return {{"tasks", std::move(list)}};
}

/// Waits for a task, with its log when `offset` is given.
Json task_follow(Reply& reply) {
  const fs::path dir = find_task(reply, reply.text("task_id"));
  const std::int64_t limit = number_at(reply.args(), "limit_ms", -1);
  const std::int64_t offset = wanted_offset(reply, dir);
  const auto followed = reply.follow(dir, offset, limit);
  Json out = tasks::observe(reply.site().files(), dir).json();
  out["followed"] = followed == tasks::Followed::ended ? "ended" : "out_of_time";
  return out;
}

/// The log as it is now, without waiting.
Json task_log(Reply& reply) {
  const fs::path dir = find_task(reply, reply.text("task_id"));
  const std::int64_t offset = std::max<std::int64_t>(0, wanted_offset(reply, dir));
  const std::string id = reply.text("task_id");
  const std::int64_t end = tasks::tell_bytes(
      dir / "stdout.log", offset,
      [&](std::int64_t at, std::string_view bytes) { reply.log(id, at, bytes); },
      [&](const FileHole& hole) { reply.log_hole(id, hole); });
  Json out = tasks::settle(reply.site().files(), dir).json();
  out["offset"] = end;
  return out;
}

Json task_cancel(Reply& reply) {
  const fs::path dir = find_task(reply, reply.text("task_id"));
  const bool had_ended = tasks::settle(reply.site().files(), dir).record.ended();
  const auto& by = reply.site().actor();
  const TaskView view =
      tasks::cancel_task(reply.site().files(), dir, {.by = by.user + "@" + by.host});
  Json out = view.json();
  out["had_ended"] = had_ended;
  return out;
}

/// Opens the task's window again when tmux has lost it.
Json task_attach(Reply& reply) {
  const fs::path dir = find_task(reply, reply.text("task_id"));
  TaskView view = tasks::settle(reply.site().files(), dir);
  tasks::TmuxPlace place = reply.site().tmux("WF_TMUX_SESSION");
  if (!view.spec.tmux_session.empty()) place.session = view.spec.tmux_session;
  view.spec.tmux_session = place.session;
  if (!tasks::window_exists(place, view.window_id, view.spec.window_title())) {
    tasks::open_task_window(reply.site(), dir, view.spec);
    view.window_id = tasks::observe(reply.site().files(), dir).window_id;
  }
  return started_json(reply, view, false);
}

}  // namespace

const std::vector<Verb> task_verbs = {{"task-run", task_run, Records::changed},
                                      {"task-status", task_status},
                                      {"task-list", task_list},
                                      {"task-follow", task_follow},
                                      {"task-log", task_log},
                                      {"task-cancel", task_cancel, Records::changed},
                                      {"task-attach", task_attach}};

}  // namespace workflow::agent
