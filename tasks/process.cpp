#include "tasks/process.h"

#include <dirent.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>

#include "common/files.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

struct Stat {
  char state = 0;
  pid_t parent = 0;
  std::uint64_t start = 0;
};

std::optional<std::string> read_proc(const std::string& path) {
  try {
    return real_files().read(path);
  } catch (const std::exception&) {
    return std::nullopt;  // not ours to read, or gone while we read it
  }
}

std::optional<Stat> read_stat(pid_t pid) {
  const auto text = read_proc("/proc/" + std::to_string(pid) + "/stat");
  if (!text) return std::nullopt;
  // The command name is in brackets and may hold anything: the fields begin after the last one.
  const auto close = text->rfind(')');
  if (close == std::string::npos) return std::nullopt;
  const auto fields = split(trim(std::string_view(*text).substr(close + 1)), ' ');
  if (fields.size() < 20) return std::nullopt;
  Stat stat;
  stat.state = fields[0].empty() ? '?' : fields[0][0];
  stat.parent = static_cast<pid_t>(parse_integer(fields[1]).value_or(0));
  stat.start = static_cast<std::uint64_t>(parse_integer(fields[19]).value_or(0));
  return stat;
}

bool ended(const Stat& stat) { return stat.state == 'Z' || stat.state == 'X'; }

template <class Visit>
void each_pid(Visit visit) {
  DIR* dir = ::opendir("/proc");
  if (dir == nullptr) return;
  while (const dirent* entry = ::readdir(dir)) {
    if (const auto pid = parse_integer(entry->d_name)) visit(static_cast<pid_t>(*pid));
  }
  ::closedir(dir);
}

Place find_here() {
  Place place;
  utsname system{};
  ::uname(&system);
  place.host = system.nodename;
  place.boot_id = trim(read_proc("/proc/sys/kernel/random/boot_id").value_or(""));
  char link[64];
  const ssize_t n = ::readlink("/proc/self/ns/pid", link, sizeof link);
  if (n > 0) place.pid_namespace.assign(link, static_cast<std::size_t>(n));
  return place;
}

}  // namespace

const Place& here() {
  static const Place place = find_here();
  return place;
}

const char* name(Liveness liveness) {
  switch (liveness) {
    case Liveness::alive:
      return "alive";
    case Liveness::gone:
      return "gone";
    case Liveness::unknown:
      return "unknown";
  }
  return "unknown";
}

std::optional<std::uint64_t> start_time(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat || ended(*stat)) return std::nullopt;
  return stat->start;
}

ProcessRef reference(pid_t pid) { return {pid, start_time(pid).value_or(0)}; }

Liveness judge(const ProcessRef& process, const Place& recorded) {
  const Place& now = here();
  if (process.pid <= 0 || recorded.boot_id.empty() || now.boot_id.empty()) return Liveness::unknown;
  if (recorded.boot_id != now.boot_id) {
    return recorded.host == now.host ? Liveness::gone : Liveness::unknown;
  }
  if (recorded.pid_namespace != now.pid_namespace) return Liveness::unknown;
  const auto stat = read_stat(process.pid);
  if (stat) return !ended(*stat) && stat->start == process.start ? Liveness::alive : Liveness::gone;
  // A /proc with hidepid does not show other users' processes; a signal still finds them.
  const bool none = ::kill(process.pid, 0) != 0 && errno == ESRCH;
  return none ? Liveness::gone : Liveness::unknown;
}

UniqueFd watch(const ProcessRef& process) {
  UniqueFd fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  // Opened first and compared then: the descriptor names the process that the comparison saw.
  if (!fd.valid() || start_time(process.pid) != process.start) return UniqueFd();
  return fd;
}

bool send_signal(const ProcessRef& process, int signal) {
  const UniqueFd fd = watch(process);
  if (fd.valid()) return ::syscall(SYS_pidfd_send_signal, fd.get(), signal, nullptr, 0) == 0;
  // A kernel before 5.3 has no pidfd: then the comparison is the best there is.
  if (errno != ENOSYS || start_time(process.pid) != process.start) return false;
  return ::kill(process.pid, signal) == 0;
}

bool blocks(pid_t pid, int signal) {
  const auto status = read_proc("/proc/" + std::to_string(pid) + "/status");
  constexpr std::string_view key = "\nSigBlk:";
  const auto at = status ? status->find(key) : std::string::npos;
  if (at == std::string::npos) return false;
  const std::uint64_t mask = std::strtoull(status->c_str() + at + key.size(), nullptr, 16);
  return (mask >> (signal - 1) & 1) != 0;
}

std::vector<ProcessRef> descendants(pid_t root, const std::function<bool(pid_t)>& apart) {
  std::multimap<pid_t, ProcessRef> children;
  each_pid([&](pid_t pid) {
    if (const auto stat = read_stat(pid)) {
      // A zombie is no process any more, but its children may be.
      children.emplace(stat->parent, ProcessRef{pid, ended(*stat) ? 0 : stat->start});
    }
  });
  std::vector<ProcessRef> found;
  std::vector<pid_t> open{root};
  while (!open.empty()) {
    const auto [first, last] = children.equal_range(open.back());
    open.pop_back();
    for (auto it = first; it != last; ++it) {
      if (apart && apart(it->second.pid)) continue;
      open.push_back(it->second.pid);
      if (it->second.start != 0) found.push_back(it->second);
    }
  }
  return found;
}

std::vector<ProcessRef> children(pid_t parent) {
  std::vector<ProcessRef> found;
  each_pid([&](pid_t pid) {
    const auto stat = read_stat(pid);
    if (stat && stat->parent == parent && !ended(*stat)) found.push_back({pid, stat->start});
  });
  return found;
}

bool is_supervisor(pid_t pid) {
  const auto words = read_proc("/proc/" + std::to_string(pid) + "/cmdline");
  if (!words) return false;
  const auto parts = split(*words, '\0');
  return parts.size() > 2 && parts[0].find("agent") != std::string::npos &&
         (parts[1] == "supervise" || parts[1] == "adopt" || parts[1] == "copy");
}

std::vector<ProcessRef> carrying(const std::string& entry) {
  std::vector<ProcessRef> found;
  const std::string needle = '\0' + entry + '\0';
  each_pid([&](pid_t pid) {
    const auto environment = read_proc("/proc/" + std::to_string(pid) + "/environ");
    if (!environment || ('\0' + *environment).find(needle) == std::string::npos) return;
    if (const auto start = start_time(pid)) found.push_back({pid, *start});
  });
  return found;
}

std::string command_line(pid_t pid) {
  std::string text = read_proc("/proc/" + std::to_string(pid) + "/cmdline").value_or("");
  for (char& c : text) {
    if (c == '\0' || c == '\n') c = ' ';
  }
  return std::string(trim(text)).substr(0, 200);
}

}  // namespace workflow::tasks
