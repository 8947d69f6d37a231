#include "tasks/gpu_leases.h"

#include <unistd.h>

#include <algorithm>
#include <optional>

#include "common/error.h"
#include "common/json.h"
#include "common/sha256.h"
#include "common/text.h"
#include "tasks/mounts.h"
#include "tasks/shared_dir.h"
#include "tasks/store.h"

namespace workflow::tasks {
namespace {

constexpr std::string_view schema = "workflow.gpu-lease/1";
constexpr std::int64_t lock_limit_ms = 5'000;
constexpr std::int64_t look_limit_ms = 1'000;

/// What a task's own record says: of a command that has not begun, and of one whose lease names
/// only who started it.
Liveness task_lives(const fs::path& dir) {
  const auto mount = mount_of(dir);
  if (mount && mount->is_fuse()) return Liveness::unknown;  // another's, and it may hang
  try {
    const TaskView task = observe(real_files(), dir);
    if (task.record.ended()) return Liveness::gone;
    if (task.supervisor == Liveness::gone) return task.leader;
    return task.supervisor;
  } catch (const Error&) {
    return presence(dir / "status.json") == Presence::absent ? Liveness::gone : Liveness::unknown;
  }
}

/// Nothing when it is another's file, and no lease.
std::optional<Json> read_lease(const fs::path& file) {
  const auto bytes = read_shared(file);
  if (!bytes) return std::nullopt;
  try {
    return parse_json(*bytes, file.string());
  } catch (const Error&) {
    return std::nullopt;
  }
}

Json processes_json(const std::vector<ProcessRef>& processes) {
  Json list = Json::array();
  for (const auto& process : processes) {
    list.push_back({{"pid", process.pid}, {"process_start", process.start}});
  }
  return list;
}

ProcessRef process_from(const Json& json) {
  return {static_cast<pid_t>(number_at(json, "pid")),
          static_cast<std::uint64_t>(number_at(json, "process_start"))};
}

/// Any of its processes, else its task where they are only those that were to start it. A format
/// that is not ours holds as well.
Liveness judge_lease(const Json& lease) {
  if (text_at(lease, "schema") != schema) return Liveness::unknown;
  const Place place{text_at(lease, "host"), text_at(lease, "boot_id"),
                    text_at(lease, "pid_namespace")};
  const Json& processes = member(lease, "processes");
  Liveness found = processes.empty() ? Liveness::unknown : Liveness::gone;
  for (const auto& entry : processes) {
    const Liveness one = judge(process_from(entry), place);
    if (one == Liveness::alive) return one;
    if (one == Liveness::unknown) found = one;
  }
  const bool proven = place.boot_id != here().boot_id || flag_at(lease, "running");
  if (found == Liveness::unknown || proven) return found;
  return task_lives(text_at(lease, "dir"));
}

std::string holder_text(const Json& lease, Liveness alive, const fs::path& file) {
  std::string text = "'" + text_at(lease, "id") + "' of " + text_at(lease, "user");
  const Json& processes = member(lease, "processes");
  if (processes.is_array() && !processes.empty()) {
    text += " (pid " + std::to_string(process_from(processes.front()).pid) + ")";
  }
  text += " since " + text_at(lease, "since");
  if (alive == Liveness::alive) return text;
  return text + ", whose processes cannot be seen from here; remove '" + file.string() +
         "' if they are gone";
}

}  // namespace

struct GpuLeases::Lease {
  Json json;
  fs::path file;
  Liveness alive = Liveness::unknown;

  [[nodiscard]] std::int64_t share() const {
    return std::max<std::int64_t>(1, number_at(json, "share", 1));
  }
  [[nodiscard]] bool holds(const std::string& gpu) const {
    const Json& gpus = member(json, "gpus");
    return gpus.is_array() && std::find(gpus.begin(), gpus.end(), Json(gpu)) != gpus.end();
  }
  [[nodiscard]] HeldGpu held(const std::string& gpu) const {
    return {gpu, share(), holder_text(json, alive, file), alive, file};
  }
};

GpuLeases::GpuLeases(fs::path dir, const Clock& clock)
    : dir_(dir.empty() ? machine_wide("workflow-gpus") : std::move(dir)), clock_(&clock) {}

fs::path GpuLeases::file_of(const fs::path& task) const {
  // Containers that share the directory may have the same paths.
  const std::string key = here().host + here().pid_namespace + task.lexically_normal().string();
  return dir_ / (std::to_string(::geteuid()) + "-" + sha256_hex(key).substr(0, 16) + ".json");
}

std::vector<GpuLeases::Lease> GpuLeases::living(bool locked) const {
  std::vector<Lease> leases;
  for (const auto& name : real_files().list(dir_)) {
    const fs::path file = dir_ / name;
    // Whoever writes holds the lock: another's new file is one that was never finished.
    if (locked && is_unfinished(name)) ::unlink(file.c_str());
    if (!name.ends_with(".json")) continue;
    auto json = read_lease(file);
    if (!json) continue;
    Lease lease{*std::move(json), file};
    lease.alive = judge_lease(lease.json);
    if (lease.alive != Liveness::gone) {
      leases.push_back(std::move(lease));
    } else if (locked) {
      ::unlink(file.c_str());  // another user's stays, and is dead all the same
    }
  }
  return leases;
}

std::vector<HeldGpu> GpuLeases::take(const std::vector<std::string>& gpus, std::int64_t share,
                                     const GpuHolder& holder) {
  make_shared_dir(dir_);
  const UniqueFd lock = lock_shared(dir_, lock_limit_ms);
  if (!lock.valid()) {
    throw Error(Code::busy,
                "the GPU leases' lock '" + (dir_ / "lock").string() + "' cannot be had for 5 s",
                "try again; a lock ends with its holder");
  }
  const fs::path file = file_of(holder.dir);
  const std::vector<Lease> leases = living(true);
  std::vector<HeldGpu> in_the_way;
  for (const auto& gpu : gpus) {
    std::int64_t free = gpu_whole;
    std::vector<HeldGpu> held;
    for (const Lease& lease : leases) {
      if (lease.file == file || !lease.holds(gpu)) continue;
      free -= gpu_whole / lease.share();
      held.push_back(lease.held(gpu));
    }
    if (free < gpu_whole / share) in_the_way.insert(in_the_way.end(), held.begin(), held.end());
  }
  if (!in_the_way.empty()) return in_the_way;
  const std::vector<ProcessRef> processes =
      holder.processes.empty() ? std::vector{reference(::getpid())} : holder.processes;
  write_shared(file, pretty_json({{"schema", schema},
                                  {"gpus", gpus},
                                  {"share", share},
                                  {"id", holder.id},
                                  {"user", holder.user},
                                  {"owner", holder.owner},
                                  {"dir", holder.dir.string()},
                                  {"since", utc_text(clock_->now_ms())},
                                  {"host", here().host},
                                  {"boot_id", here().boot_id},
                                  {"pid_namespace", here().pid_namespace},
                                  {"processes", processes_json(processes)}}));
  return {};
}

void GpuLeases::runs_as(const fs::path& dir, const std::vector<ProcessRef>& processes) {
  const fs::path file = file_of(dir);
  const UniqueFd lock = lock_shared(dir_, look_limit_ms);
  auto lease = lock.valid() ? read_lease(file) : std::nullopt;
  if (!lease || processes.empty()) return;
  (*lease)["processes"] = processes_json(processes);
  (*lease)["running"] = true;
  try {
    write_shared(file, pretty_json(*lease));
  } catch (const Error&) {
    // A full disk: the lease as it is leads to the task's record.
  }
}

void GpuLeases::release(const fs::path& dir) {
  const UniqueFd lock = lock_shared(dir_, look_limit_ms);
  ::unlink(file_of(dir).c_str());
}

std::vector<HeldGpu> GpuLeases::held_by_others(const std::string& owner) {
  if (presence(dir_) == Presence::absent) return {};
  const UniqueFd lock = lock_shared(dir_, look_limit_ms);
  std::vector<HeldGpu> held;
  for (const Lease& lease : living(lock.valid())) {
    if (!owner.empty() && text_at(lease.json, "owner") == owner) continue;
    for (const auto& gpu : member(lease.json, "gpus")) {
      if (gpu.is_string()) held.push_back(lease.held(gpu.get<std::string>()));
    }
  }
  return held;
}

}  // namespace workflow::tasks
