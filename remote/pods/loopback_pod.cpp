#include "remote/pods/loopback_pod.h"

#include <unistd.h>

#include <chrono>

#include "common/error.h"
#include "common/file_lock.h"
#include "common/json.h"
#include "common/text.h"
#include "common/user_dirs.h"

namespace workflow::pods {
namespace {

constexpr std::string_view schema = "workflow.loopback-pod/1";
constexpr std::chrono::minutes longest_begin{10};

Json to_json(const LoopbackPod& pod) {
  return {{"schema", schema},
          {"id", pod.id},
          {"name", pod.name},
          {"port", pod.port},
          {"created_at", pod.created_at},
          {"ends_at", pod.ends_at},
          {"ending", pod.ending},
          {"root", pod.root.string()},
          {"init", {{"pid", pod.init.pid}, {"process_start", pod.init.start}}},
          {"host", pod.place.host},
          {"boot_id", pod.place.boot_id},
          {"pid_namespace", pod.place.pid_namespace}};
}

LoopbackPod from_json(const std::string& id, const Json& record) {
  LoopbackPod pod;
  pod.id = id;
  pod.name = text_at(record, "name");
  pod.port = number_at(record, "port");
  pod.created_at = text_at(record, "created_at");
  pod.ends_at = text_at(record, "ends_at");
  pod.ending = flag_at(record, "ending");
  pod.root = text_at(record, "root");
  const Json& init = member(record, "init");
  pod.init = {static_cast<pid_t>(number_at(init, "pid")),
              static_cast<std::uint64_t>(number_at(init, "process_start"))};
  pod.place = {text_at(record, "host"), text_at(record, "boot_id"),
               text_at(record, "pid_namespace")};
  return pod;
}

/// Whether a process writes its errors to the pod's log, which only its sshd does.
bool writes_to(pid_t pid, const std::string& log) {
  std::error_code unreadable;
  return fs::read_symlink("/proc/" + std::to_string(pid) + "/fd/2", unreadable) == log;
}

std::vector<tasks::ProcessRef> writers_to(const std::string& log) {
  std::vector<tasks::ProcessRef> found;
  for (const auto& name : real_files().list("/proc")) {
    const auto pid = parse_integer(name);
    if (!pid || !writes_to(static_cast<pid_t>(*pid), log)) continue;
    const auto process = tasks::reference(static_cast<pid_t>(*pid));
    if (process.start != 0) found.push_back(process);
  }
  return found;
}

}  // namespace

fs::path loopback_entries() { return state_dir() / "loopback"; }

fs::path loopback_entry(const std::string& id) { return loopback_entries() / id; }

fs::path LoopbackPod::entry() const { return loopback_entry(id); }

std::optional<LoopbackPod> read_loopback_pod(const std::string& id) {
  if (!valid_id(id)) return std::nullopt;
  const fs::path file = loopback_entry(id) / "pod.json";
  const auto bytes = real_files().read(file);
  if (!bytes) return std::nullopt;
  const Json record = parse_json(*bytes, file.string());
  if (text_at(record, "schema") != schema) {
    throw Error(Code::precondition, "'" + file.string() + "' is no record of a pod of this version",
                "another version of workflow started it; end it with that one");
  }
  return from_json(id, record);
}

void write_loopback_pod(const LoopbackPod& pod) {
  real_files().write(pod.entry() / "pod.json", pretty_json(to_json(pod)));
}

std::optional<LoopbackPod> change_loopback_pod(const std::string& id,
                                               const std::function<void(LoopbackPod&)>& change) {
  if (!read_loopback_pod(id)) return std::nullopt;
  try {
    const FileLock lock = FileLock::take(loopback_entry(id) / "lock", 10'000);
    auto pod = read_loopback_pod(id);
    if (!pod) return std::nullopt;
    change(*pod);
    write_loopback_pod(*pod);
    return pod;
  } catch (const Error&) {
    if (may_be_there(loopback_entry(id))) throw;
    return std::nullopt;  // it ended meanwhile
  }
}

std::vector<tasks::ProcessRef> inhabitants(const LoopbackPod& pod) {
  auto found = tasks::carrying(pod.mark());
  std::error_code missing;
  const fs::path log = fs::canonical(pod.log(), missing);
  for (const auto& writer : writers_to(missing ? pod.log() : log)) found.push_back(writer);
  std::erase_if(found, [&](const tasks::ProcessRef& process) {
    return process.pid == ::getpid() || process.pid == pod.init.pid;
  });
  return found;
}

void forget_unfinished(const std::string& id) {
  const fs::path entry = loopback_entry(id);
  std::error_code gone;
  const auto age = fs::file_time_type::clock::now() - fs::last_write_time(entry, gone);
  if (gone || may_be_there(entry / "pod.json") || age < longest_begin) return;
  LoopbackPod pod;
  pod.id = id;
  pod.root = loopback_root(id);
  (void)remove_loopback_files(pod);
}

bool remove_loopback_files(const LoopbackPod& pod) {
  std::error_code fault;
  fs::remove_all(pod.root, fault);
  if (fault) {  // a directory that was made read-only in the pod
    std::error_code ignored;
    for (auto it = fs::recursive_directory_iterator(
             pod.root, fs::directory_options::skip_permission_denied, ignored);
         !ignored && it != fs::recursive_directory_iterator(); it.increment(ignored)) {
      if (!it->is_symlink(ignored) && it->is_directory(ignored)) {
        fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add, ignored);
      }
    }
    fault.clear();
    fs::remove_all(pod.root, fault);
  }
  if (fault) return false;
  fs::remove_all(pod.entry(), fault);
  return !fault;
}

}  // namespace workflow::pods
