#include "tasks/live_root.h"

#include <set>

#include "common/error.h"
#include "common/file_lock.h"
#include "common/sha256.h"
#include "common/text.h"
#include "fsm/task_machine.h"
#include "tasks/copy_forward.h"
#include "tasks/copy_process.h"
#include "tasks/mirror.h"
#include "tasks/mounts.h"

namespace workflow::tasks {
namespace {

constexpr std::string_view schema = "workflow.live/1";
constexpr const char* root_file = ".live.json";
constexpr std::int64_t lock_limit_ms = 60'000;
constexpr std::int64_t patience_ms = 10'000;

/// Takes a record out of the mirror that is torn, or missing, there: a rename that is no rename
/// leaves the whole one beside it. False when there is none.
bool mend(Files& files, const LiveRoot& root, const fs::path& fresh, const std::string& relative) {
  if (const auto bytes = whole_json(files, root.outputs / relative)) {
    files.make_dirs((fresh / relative).parent_path());
    files.write(fresh / relative, *bytes, {.durable = false});
    return true;
  }
  return false;
}

/// What the mirror says it holds; nothing where there is no mirror.
std::optional<std::set<std::string>> listed(Files& files, const LiveRoot& root) {
  const auto bytes = whole_json(files, root.outputs / mirror_list);
  if (!bytes) {
    if (presence(root.outputs / mirror_list) == Presence::absent) return std::nullopt;
    throw Error(
        Code::precondition,
        "'" + (root.outputs / mirror_list).string() + "' is torn: the mirror cannot be read",
        "the records lie beside it; copy what you need to '" + root.live.string() + "'");
  }
  const Json list = parse_json(*bytes, mirror_list);
  std::set<std::string> names;
  for (const auto& name : member(list, "files")) {
    if (!name.is_string() || !is_record(name.get<std::string>())) continue;
    const fs::path path = name.get<std::string>();
    if (path.is_absolute() || path.lexically_normal() != path || *path.begin() == "..") continue;
    for (fs::path at = path; !at.empty(); at = at.parent_path()) names.insert(at.string());
  }
  return names;
}

Json fill(Files& files, const LiveRoot& root, const fs::path& fresh,
          const std::set<std::string>& names) {
  Copied copied;
  const CopyResult result =
      copy_forward({.from = root.outputs,
                    .to = fresh,
                    .wanted = [&](const std::string& name) { return names.contains(name); },
                    .progress = tell_progress},
                   copied);
  if (!result.ok()) {
    throw Error(Code::precondition, "the mirror in '" + root.outputs.string() +
                                        "' cannot be read: " + result.behind.front().path + ": " +
                                        result.behind.front().why);
  }
  Json torn = Json::array();
  for (const auto& name : names) {
    if (fs::path(name).extension() != ".json") {
      if (presence(fresh / name) != Presence::there) torn.push_back(name);
      continue;
    }
    const auto bytes = files.read(fresh / name);
    if (bytes && json_fault(*bytes).empty()) continue;
    if (!mend(files, root, fresh, name)) torn.push_back(name);
  }
  return {{"files", result.files}, {"torn", std::move(torn)}};
}

/// What went on another pod ended with it: that pod writes once a minute, and has been silent for
/// so long that its mirror counts. Its processes can be seen from nowhere else.
void end_with_pod(Files& files, const fs::path& fresh, const std::set<std::string>& names,
                  const MirrorStamp& stamp) {
  for (const auto& name : names) {
    if (fs::path(name).filename() != "status.json") continue;
    const auto bytes = files.read(fresh / name);
    if (!bytes || !json_fault(*bytes).empty()) continue;
    Json status = parse_json(*bytes, name);
    if (!status.is_object() || !status.contains("ended_at") || !status["ended_at"].is_null()) {
      continue;
    }
    status["state"] = fsm::name(fsm::TaskState::lost);
    status["ended_at"] = utc_text(stamp.written_ms);
    status["reason"] = "exit status unknown: its pod " + stamp.pod_id.substr(0, 8) +
                       " was last heard of at " + utc_text(stamp.written_ms);
    files.write(fresh / name, pretty_json(status), {.durable = false});
  }
}

}  // namespace

LiveRoot live_root_at(const fs::path& home, const fs::path& outputs) {
  const std::string path = outputs.lexically_normal().string();
  return {home / ".workflow" / "live" / sha256_hex(path).substr(0, 16), outputs};
}

std::optional<LiveRoot> live_root_for(const fs::path& home, const fs::path& outputs) {
  LiveRoot root = live_root_at(home, outputs);
  if (fs::is_directory(root.live)) return root;
  if (!doubtful_mount(home, outputs)) return std::nullopt;
  return root;
}

std::optional<Mount> doubtful_mount(const fs::path& home, const fs::path& path) {
  // Most machines have none, and every call comes by here.
  const std::string mounts = real_files().read("/proc/self/mountinfo").value_or("");
  const auto any = [&](const char* type) { return mounts.find(type) != std::string::npos; };
  if (!any(" - fuse.") && !any(" - fuse ") && !any(" - fuseblk ")) return std::nullopt;
  auto there = mount_of(path);
  if (!there || !there->is_fuse()) return std::nullopt;
  const auto own = mount_of(home);
  return own && own->point == there->point ? std::nullopt : there;
}

std::optional<LiveRoot> live_root_above(Files& files, const fs::path& dir) {
  for (fs::path at = dir; at.has_relative_path(); at = at.parent_path()) {
    const fs::path above = at.parent_path();
    if (above.filename() != "live" || above.parent_path().filename() != ".workflow") continue;
    const auto bytes = files.read(at / root_file);
    if (!bytes) return std::nullopt;
    return LiveRoot{at, text_at(parse_json(*bytes, (at / root_file).string()), "outputs")};
  }
  return std::nullopt;
}

bool is_record(const std::string& relative) {
  const auto parts = split(relative, '/');
  const std::string& name = parts.back();
  if (name.empty() || name.front() == '.' || name == "lock" || parts[0] == "_trash") return false;
  const bool of_run = parts.size() == 2 && parts[0].front() != '_';
  const bool of_shelf = parts.size() == 4 && parts[0] == "_bak";
  return name != "out" || !(of_run || of_shelf);
}

Json restore_live_root(Files& files, const LiveRoot& root) {
  files.make_dirs(root.live.parent_path());
  const FileLock lock = FileLock::take(root.live.string() + ".lock", lock_limit_ms);
  if (fs::is_directory(root.live)) return {{"files", 0}, {"torn", Json::array()}};
  require_own_mirror(files, system_clock(), root);
  const auto names = listed(files, root);
  if (!names && presence(root.outputs / "_control/workflow_state.json") != Presence::absent) {
    throw Error(Code::precondition,
                "'" + root.outputs.string() + "' has records that are no mirror",
                "move them to '" + root.live.string() + "', with a " + root_file +
                    " {\"outputs\": …} beside them, or set another OPS_REMOTE_OUTPUTS_DIR");
  }
  const fs::path fresh = root.live.string() + ".new";
  std::error_code ignored;
  fs::remove_all(fresh, ignored);  // of a restore that was killed
  files.make_dirs(fresh);
  Json result = {{"files", 0}, {"torn", Json::array()}};
  if (names) result = fill(files, root, fresh, *names);
  const auto stamp = mirror_stamp(files, root);
  if (names && stamp && stamp->pod_id != mirror_pod_id(files, root)) {
    end_with_pod(files, fresh, *names, *stamp);
  }
  files.write(fresh / root_file,
              pretty_json({{"schema", schema}, {"outputs", root.outputs.string()}}));
  files.rename(fresh, root.live);
  return result;
}

std::vector<std::string> open_live_root(const LiveRoot& root) {
  if (fs::is_directory(root.live)) return {};
  CopyProcess restore({"copy", "restore", root.live.string(), root.outputs.string()});
  const auto done = restore.wait(patience_ms);
  if (!done) {
    throw Error(
        Code::precondition,
        "'" + root.outputs.string() + "' does not answer; nothing is known of what it holds",
        "is it mounted well? look with: ls " + shell_quote(root.outputs.string()));
  }
  throw_if_failed(*done);
  std::vector<std::string> notes;
  if (number_at(*done, "files") > 0) {
    notes.push_back("the records were restored from the mirror in '" + root.outputs.string() + "'");
  }
  for (const auto& name : member(*done, "torn")) {
    notes.push_back("'" + name.get<std::string>() + "' is torn or missing in the mirror");
  }
  return notes;
}

}  // namespace workflow::tasks
