#include "tasks/mirror.h"

#include <cstdlib>

#include "common/error.h"
#include "common/file_lock.h"
#include "common/text.h"
#include "tasks/copy_forward.h"
#include "tasks/copy_process.h"
#include "tasks/mounts.h"
#include "tasks/process.h"

namespace workflow::tasks {
namespace {

constexpr std::string_view stamp_schema = "workflow.mirror/1";
constexpr std::int64_t alive_ms = 5 * 60'000;  ///< another pod's stamp so young means it works
constexpr std::int64_t pass_ms = 3'000;
constexpr std::int64_t lock_limit_ms = 120'000;

fs::path memory_file(const LiveRoot& root) { return root.live / ".mirrored.json"; }

/// What the passes know of each other; empty where none has been.
Json memory_of(Files& files, const LiveRoot& root) {
  const auto bytes = files.read(memory_file(root));
  return bytes && json_fault(*bytes).empty() ? parse_json(*bytes, "memory") : Json::object();
}

void remember(Files& files, const LiveRoot& root, const Json& memory) {
  files.write(memory_file(root), dump_json(memory) + "\n", {.durable = false});
}

/// Lists the records and signs them, in the live root: both files are copied like any other.
void sign(Files& files, const Clock& clock, const LiveRoot& root) {
  Json names = Json::array();
  for (fs::recursive_directory_iterator it(root.live), end; it != end; ++it) {
    const std::string relative = it->path().lexically_relative(root.live).string();
    if (!is_record(relative)) {
      it.disable_recursion_pending();
    } else if (it->is_regular_file() && !it->is_symlink()) {
      names.push_back(relative);
    }
  }
  files.make_dirs(root.live / "_control");
  const std::string list = dump_json({{"files", std::move(names)}}) + "\n";
  if (files.read(root.live / mirror_list) != list) {
    files.write(root.live / mirror_list, list, {.durable = false});
  }
  files.write(root.live / mirror_stamp_file,
              pretty_json({{"schema", stamp_schema},
                           {"pod_id", mirror_pod_id(files, root)},
                           {"host", here().host},
                           {"written_at", utc_text(clock.now_ms())}}),
              {.durable = false});
}

std::string told(const CopyResult& result) {
  std::string text = std::to_string(result.behind.size()) + " files are not copied: ";
  text += result.behind.front().path + ": " + result.behind.front().why;
  return text + (result.behind.size() > 1 ? ", …" : "");
}

}  // namespace

std::string mirror_pod_id(Files& files, const LiveRoot& root) {
  return std::string(trim(files.read(root.own_dir() / "pod_id").value_or("")));
}

std::optional<std::string> whole_json(Files& files, const fs::path& file) {
  const fs::path fresh = file.parent_path() / unfinished_name(file.filename().string());
  for (const auto& candidate : {file, fresh}) {
    auto bytes = files.read(candidate);
    if (bytes && json_fault(*bytes).empty()) return bytes;
  }
  return std::nullopt;
}

std::optional<MirrorStamp> mirror_stamp(Files& files, const LiveRoot& root) {
  const auto bytes = whole_json(files, root.outputs / mirror_stamp_file);
  if (!bytes) return std::nullopt;
  const Json json = parse_json(*bytes, mirror_stamp_file);
  return MirrorStamp{text_at(json, "pod_id"), text_at(json, "host"),
                     parse_utc(text_at(json, "written_at")).value_or(0)};
}

void require_own_mirror(Files& files, const Clock& clock, const LiveRoot& root) {
  const auto stamp = mirror_stamp(files, root);
  if (!stamp || stamp->pod_id.empty() || stamp->pod_id == mirror_pod_id(files, root)) return;
  if (std::abs(clock.now_ms() - stamp->written_ms) >= alive_ms) return;
  throw Error(Code::busy,
              "busy: pod " + stamp->pod_id.substr(0, 8) + " (host " + stamp->host +
                  ") wrote its state into '" + root.outputs.string() + "' at " +
                  utc_text(stamp->written_ms),
              "two pods cannot drive one outputs directory; five minutes after that one has "
              "stopped it is free, or set another OPS_REMOTE_OUTPUTS_DIR",
              dump_json({{"holder",
                          {{"pod", stamp->pod_id},
                           {"host", stamp->host},
                           {"written_at", utc_text(stamp->written_ms)}}}}));
}

Json mirror_pass(Files& files, const Clock& clock, const LiveRoot& root) {
  const FileLock lock = FileLock::take(root.live / ".mirror-lock", lock_limit_ms);
  Json memory = memory_of(files, root);
  const std::int64_t begun = clock.now_ms();
  if (member(memory, "behind_since").is_null()) {
    memory["behind_since"] = utc_text(begun);
    remember(files, root, memory);
  }
  const auto mount = mount_of(root.outputs);
  if (!mount || !mount->is_fuse()) {
    throw Error(Code::precondition, "'" + root.outputs.string() + "' is not mounted any more",
                "mount it again; the records are whole in '" + root.live.string() + "'");
  }
  require_own_mirror(files, clock, root);
  sign(files, clock, root);
  Copied copied = copied_from(member(memory, "files"));
  const CopyResult result = copy_forward(
      {.from = root.live, .to = root.outputs, .wanted = is_record, .progress = tell_progress},
      copied);
  memory["files"] = copied_json(copied);
  memory["reason"] = result.ok() ? Json() : Json(told(result));
  // A log that is being written is always a little behind: that is no fault.
  bool only_changing = true;
  for (const auto& file : result.behind) only_changing = only_changing && file.changing;
  if (only_changing) {
    memory["written_at"] = utc_text(begun);
    memory["behind_since"] = nullptr;
    memory["reason"] = nullptr;
  }
  remember(files, root, memory);
  if (!only_changing) throw Error(Code::precondition, told(result));
  return {{"files", result.files}, {"bytes", result.bytes}};
}

std::optional<std::string> mirror_beside(const LiveRoot& root, std::int64_t wait_ms) {
  CopyProcess pass({"copy", "mirror", root.live.string(), root.outputs.string()});
  if (wait_ms <= 0) return std::nullopt;
  const auto done = pass.wait(wait_ms, wait_ms);
  if (done && done->is_object() && !done->contains("error")) return std::nullopt;
  const Json state = mirror_state(real_files(), system_clock(), root);
  std::string text = "the mirror in '" + root.outputs.string() + "' is behind";
  const std::string since = text_at(state, "behind_since");
  if (!since.empty()) text += " since " + since;
  text += ": ";
  text += !done ? "it was not done within " + human_duration(wait_ms / 1000) + " and goes on beside"
                : text_at(*done, "what");
  return text + " (the records are in '" + root.live.string() + "')";
}

Json mirror_state(Files& files, const Clock& clock, const LiveRoot& root) {
  const Json memory = memory_of(files, root);
  const auto written = parse_utc(text_at(memory, "written_at"));
  const auto since = parse_utc(text_at(memory, "behind_since"));
  const Json& reason = member(memory, "reason");
  // A pass that has just begun is not late.
  const bool late = since && (!reason.is_null() || clock.now_ms() - *since > pass_ms);
  return {{"dir", root.outputs.string()},
          {"live_root", root.live.string()},
          {"written_at", written ? Json(utc_text(*written)) : Json()},
          {"age_secs", written ? Json((clock.now_ms() - *written) / 1000) : Json()},
          {"behind_since", late ? Json(utc_text(*since)) : Json()},
          {"reason", late ? reason : Json()}};
}

}  // namespace workflow::tasks
