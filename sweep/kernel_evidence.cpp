#include "sweep/kernel_evidence.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>

#include "common/fd_io.h"
#include "common/text.h"

namespace workflow::sweep {
namespace {

constexpr std::size_t most_words = 200;

std::int64_t since_boot_us() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
}

/// All records that the kernel still has; none where we may not read them. /dev/kmsg gives one
/// record a read, and EPIPE once for those it has overwritten.
void each_record(const fs::path& log, const std::function<void(const KernelRecord&)>& take) {
  const UniqueFd fd(::open(log.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::array<char, 16384> buffer;  // the kernel's own limit is 8 KiB a record
  std::string text;
  while (fd.valid()) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && (errno == EPIPE || errno == EINTR)) continue;
    if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
    std::size_t begin = 0;
    for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
      if (const auto record = kernel_record(std::string_view(text).substr(begin, end - begin))) {
        take(*record);
      }
      begin = end + 1;
    }
    text.erase(0, begin);
    if (n <= 0) return;
  }
}

/// The kernel's log counts processes as the first pid namespace does; in a container the same
/// numbers are other processes.
bool counts_as_the_kernel() {
  std::error_code none;
  return fs::read_symlink("/proc/self/ns/pid", none) == "pid:[4026531836]";  // PROC_PID_INIT_INO
}

/// A file of /proc or /sys, whose size is not known before; empty where it cannot be read.
std::string text_of(const fs::path& file) {
  const UniqueFd fd = open_regular(file);
  std::string text;
  while (fd.valid() && append_read(fd.get(), 65536, text) > 0) {
  }
  return text;
}

/// The number behind a key in lines of `key number`; nothing without it.
std::optional<std::int64_t> counter(const fs::path& file, std::string_view key) {
  for (const auto& line : split(text_of(file), '\n')) {
    const auto words = split(line, ' ');
    if (words.size() == 2 && words[0] == key) return parse_integer(words[1]);
  }
  return std::nullopt;
}

/// A cgroup's directory. In a container the path is often the host's, and what is mounted is the
/// container's own part of the tree.
fs::path directory_of(const fs::path& mounted, const std::string& path) {
  const fs::path named = mounted / fs::path(path).relative_path();
  return may_be_there(named) ? named : mounted;
}

/// The counter of OOM kills in the memory cgroup of this process: a file and its key.
struct OomCounter {
  fs::path file;
  std::string key;
};

std::vector<OomCounter> oom_counters(const KernelSources& sources) {
  std::vector<OomCounter> counters;
  for (const auto& line : split(text_of(sources.cgroups), '\n')) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    if (controllers.empty()) {
      const fs::path file = directory_of(sources.cgroup_root, path) / "memory.events";
      counters.push_back({file, "oom_kill"});
      counters.push_back({file, "oom_group_kill"});
    } else if (controllers == "memory") {
      const fs::path dir = directory_of(sources.cgroup_root / "memory", path);
      // Of memory.failcnt nothing follows: a page cache that is reclaimed raises it all day.
      counters.push_back({dir / "memory.oom_control", "oom_kill"});
    }
  }
  return counters;
}

}  // namespace

Json evidence_before(const KernelSources& sources) {
  std::int64_t last = -1;
  each_record(sources.log, [&](const KernelRecord& record) { last = record.sequence; });
  Json counters = Json::array();
  for (const auto& one : oom_counters(sources)) {
    const auto value = counter(one.file, one.key);
    if (!value) continue;
    counters.push_back({{"file", one.file.string()}, {"key", one.key}, {"value", *value}});
  }
  return {{"since_boot_us", since_boot_us()}, {"log_sequence", last}, {"counters", counters}};
}

std::vector<KernelWord> evidence_after(const Json& before, const Clock& clock,
                                       const KernelSources& sources) {
  std::vector<KernelWord> words;
  const std::int64_t now_us = since_boot_us();
  if (!before.is_object() || now_us < number_at(before, "since_boot_us")) return words;
  const std::int64_t seen = number_at(before, "log_sequence", -1);
  const bool same_pids = counts_as_the_kernel();
  each_record(sources.log, [&](const KernelRecord& record) {
    if (record.sequence <= seen || words.size() >= most_words) return;
    auto word = kernel_word(record.text);
    if (!word) return;
    if (!same_pids) word->pid = 0;
    word->at_ms = clock.now_ms() - (now_us - record.since_boot_us) / 1000;
    words.push_back(std::move(*word));
  });
  for (const auto& one : member(before, "counters")) {
    const std::string key = text_at(one, "key");
    const auto value = counter(text_at(one, "file"), key);
    const std::int64_t grown = value.value_or(0) - number_at(one, "value");
    if (grown <= 0) continue;
    words.push_back({.kind = KernelWord::Kind::oom,
                     .text = "cgroup: " + key + " grew by " + std::to_string(grown) + " in '" +
                             text_at(one, "file") + "'"});
    break;
  }
  return words;
}

}  // namespace workflow::sweep
