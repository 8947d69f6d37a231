#include <algorithm>

#include "apps/workflow-agent/call.h"
#include "apps/workflow-agent/task_start.h"
#include "common/text.h"
#include "tasks/cancel.h"
#include "tasks/task_window.h"

namespace workflow::agent {
namespace {

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

/// Whether a task was started with the same command; where no workdir is asked for, the task's own
/// counts.
bool same_command(const Reply& reply, const TaskView& old, tasks::TaskSpec spec) {
  const auto& blobs = reply.request().blobs;
  const bool asked_where = std::any_of(blobs.begin(), blobs.end(),
                                       [](const auto& blob) { return blob.name == "workdir"; });
  if (!asked_where) spec.workdir = old.spec.workdir;
  return old.spec.command_sha256() == spec.command_sha256();
}

Json task_run(Reply& reply) {
  const tasks::TaskSpec spec = spec_from_request(reply);
  return start_task(reply, {.spec = spec, .same = [&](const TaskView& old) {
                              return same_command(reply, old, spec);
                            }});
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
