#include "tasks/process_use.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>

#include "common/files.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

std::string read_proc(pid_t pid, const char* name) {
  try {
    return real_files().read("/proc/" + std::to_string(pid) + "/" + name).value_or("");
  } catch (const std::exception&) {
    return {};  // not ours to read, or gone while we read it
  }
}

std::int64_t number_of(const std::string& text) { return parse_integer(text).value_or(0); }

std::int64_t io_bytes(pid_t pid) {
  std::int64_t sum = 0;
  for (const auto& line : split(read_proc(pid, "io"), '\n')) {
    if (line.starts_with("rchar: ") || line.starts_with("wchar: "))
      sum += number_of(line.substr(7));
  }
  return sum;
}

}  // namespace

ProcessTable::ProcessTable() {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir("/proc"), ::closedir);
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
    const auto pid = static_cast<pid_t>(parse_integer(entry->d_name).value_or(0));
    if (pid <= 0) continue;
    const std::string stat = read_proc(pid, "stat");
    // The command name is in brackets and may hold anything: the fields begin after the last one.
    const auto close = stat.rfind(')');
    if (close == std::string::npos) continue;
    const auto fields = split(trim(std::string_view(stat).substr(close + 1)), ' ');
    if (fields.size() < 20) continue;
    Process& process = processes_[pid];
    process.start = static_cast<std::uint64_t>(number_of(fields[19]));
    for (const std::size_t field : {11, 12, 13, 14}) process.cpu_ticks += number_of(fields[field]);
    children_.emplace(static_cast<pid_t>(number_of(fields[1])), pid);
  }
}

void ProcessTable::collect(pid_t root, std::vector<pid_t>& found) const {
  const auto [first, last] = children_.equal_range(root);
  for (auto it = first; it != last; ++it) {
    if (std::ranges::find(found, it->second) != found.end() || is_supervisor(it->second)) continue;
    found.push_back(it->second);
    collect(it->second, found);
  }
}

ProcessUse ProcessTable::use_of(const ProcessRef& leader, const ProcessRef& supervisor) const {
  const auto lives = [&](const ProcessRef& process) {
    const auto it = processes_.find(process.pid);
    return process.pid > 1 && it != processes_.end() && it->second.start == process.start;
  };
  std::vector<pid_t> found;
  if (lives(leader)) {
    found.push_back(leader.pid);
    collect(leader.pid, found);
  }
  if (lives(supervisor)) collect(supervisor.pid, found);
  std::int64_t ticks = 0;
  ProcessUse use;
  for (const pid_t pid : found) {
    ticks += processes_.at(pid).cpu_ticks;
    use.io_bytes += io_bytes(pid);
  }
  use.cpu_ms = ticks * 1000 / std::max<std::int64_t>(1, ::sysconf(_SC_CLK_TCK));
  return use;
}

}  // namespace workflow::tasks
