#include "tasks/store.h"

#include <sys/stat.h>

#include "common/error.h"
#include "common/text.h"

namespace workflow::tasks {

fs::path supervisor_lock(const fs::path& dir) { return dir / ".supervisor"; }

fs::path window_file(const fs::path& dir) { return dir / "window"; }

std::string TaskView::certainty() const {
  if (record.ended()) return "proven";
  return supervisor == Liveness::unknown ? "unknown" : "proven";
}

bool TaskView::orphaned() const { return !record.ended() && supervisor == Liveness::gone; }

bool TaskView::never_started() const {
  return record.state == TaskState::lost && !record.started_ms;
}

Json TaskView::json() const {
  Json out = status_json(spec, record, dir);
  out["certainty"] = certainty();
  if (!record.ended()) out["supervised"] = supervisor == Liveness::alive;
  return out;
}

namespace {

/// A task that has no process yet is watched by whoever holds its lock.
Liveness lock_holder(const fs::path& dir) {
  try {
    return FileLock::try_take(supervisor_lock(dir)) ? Liveness::gone : Liveness::alive;
  } catch (const Error&) {
    return Liveness::unknown;
  }
}

}  // namespace

namespace {

/// One of a task's records; whatever is wrong with it is told with the file's name.
template <class Read>
auto read_record(const fs::path& file, const std::string& bytes, Read read) {
  const Json json = parse_json(bytes, file.string());
  try {
    return read(json);
  } catch (const Error& fault) {
    throw Error(fault.code(), "'" + file.string() + "': " + fault.what(), fault.hint());
  } catch (const Json::exception&) {
    throw Error(Code::precondition, "'" + file.string() + "' is not a task's record",
                "somebody else wrote it; the log beside it is whole");
  }
}

/// Who is about to supervise a task without a supervisor yet. A lock tells of its own machine only:
/// on a shared disk another host's may not be seen.
Liveness starter(const Place& written, const fs::path& dir) {
  if (written.boot_id.empty() || written.boot_id == here().boot_id) return lock_holder(dir);
  return written.host == here().host ? Liveness::gone : Liveness::unknown;
}

}  // namespace

TaskView observe(Files& files, const fs::path& dir) {
  const auto spec = files.read(dir / "spec.json");
  const auto status = files.read(dir / "status.json");
  if (!spec || !status) {
    throw Error(Code::not_found, "no task in '" + dir.string() + "'");
  }
  TaskView view;
  view.dir = dir;
  view.window_id = trim(files.read(window_file(dir)).value_or(""));
  view.spec = read_record(dir / "spec.json", *spec, spec_from);
  view.record = read_record(dir / "status.json", *status, record_from);
  if (view.record.ended()) return view;
  view.supervisor = view.record.supervisor.pid == 0
                        ? starter(view.record.place, dir)
                        : judge(view.record.supervisor, view.record.place);
  view.leader =
      view.record.leader.pid == 0 ? Liveness::gone : judge(view.record.leader, view.record.place);
  return view;
}

void write_task(Files& files, const Clock& clock, const fs::path& at, const fs::path& dir,
                const TaskSpec& spec) {
  TaskRecord record;
  record.created_ms = clock.now_ms();
  record.place = here();
  // Names: a directory that is renamed into place needs them on the disk before; one that is
  // written in place gets them with the record `running`, before which nothing starts.
  files.write(at / "spec.json", pretty_json(spec_json(spec)),
              {.mode = 0600, .name_durable = false});
  files.write(at / "command.sh", spec.command_script(), {.mode = 0755, .durable = false});
  files.write(at / "status.json", pretty_json(status_json(spec, record, dir)),
              {.name_durable = at != dir});
}

fs::path TaskStore::dir(const std::string& id) const {
  require_no_symlink(root_.parent_path(), root_ / id);
  return root_ / id;
}

bool TaskStore::exists(const std::string& id) const { return may_be_there(dir(id)); }

TaskView TaskStore::view(const std::string& id) const {
  require_id("task", id);
  if (!exists(id)) {
    throw Error(Code::not_found, "no task '" + id + "' here", "workflow task-list shows them");
  }
  return observe(files_, dir(id));
}

std::vector<std::string> TaskStore::ids() const {
  std::vector<std::string> out;
  for (auto& name : files_.list(root_)) {
    if (valid_id(name)) out.push_back(std::move(name));
  }
  return out;
}

FileLock TaskStore::create(const TaskSpec& spec) {
  require_id("task", spec.task_id);
  files_.make_dirs(root_);
  const fs::path hidden = root_ / (".new-" + random_hex(8));
  files_.make_dirs(hidden);
  try {
    FileLock lock = FileLock::take(supervisor_lock(hidden), 5000);
    write_task(files_, clock_, hidden, dir(spec.task_id), spec);
    if (exists(spec.task_id)) {
      throw Error(Code::exists, "task '" + spec.task_id + "' is there already");
    }
    files_.rename(hidden, dir(spec.task_id));
    return lock;
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(hidden, ignored);
    throw;
  }
}

bool TaskStore::was_put_aside(const std::string& id, const std::string& token) const {
  const fs::path shelf = root_.parent_path() / "_bak" / id;
  require_no_symlink(root_.parent_path(), shelf);
  for (const auto& name : files_.list(shelf)) {
    const auto bytes = files_.read(shelf / name / "spec.json");
    if (!bytes || text_at(parse_json(*bytes, "spec.json"), "token") != token) continue;
    if (!observe(files_, shelf / name).never_started()) return true;
  }
  return false;
}

bool TaskStore::put_aside_ended(const std::string& id, const std::string& token) {
  if (!exists(id)) return true;
  const TaskView view = observe(files_, dir(id));
  if (view.spec.token != token || !view.record.ended()) return false;
  const fs::path shelf = root_.parent_path() / "_bak" / id;
  require_no_symlink(root_.parent_path(), shelf);
  files_.make_dirs(shelf);
  files_.rename(dir(id), free_name(shelf, utc_stamp(clock_.now_ms())));
  return true;
}

}  // namespace workflow::tasks
