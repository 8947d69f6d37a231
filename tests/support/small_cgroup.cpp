#include "tests/support/small_cgroup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

#include "common/text.h"
#include "tests/support/eventually.h"

namespace workflow::test {
namespace {

const fs::path root = "/sys/fs/cgroup";

/// A file of a cgroup takes a value whole or says no.
bool put(const fs::path& file, const std::string& value) {
  std::ofstream out(file);
  out << value << std::flush;
  return out.good();
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The path of this process behind `mark` in /proc/self/cgroup.
fs::path own_path(const std::string& mark) {
  for (const auto& line : split(text_of("/proc/self/cgroup"), '\n')) {
    const auto at = line.find(mark);
    if (at != std::string::npos) return fs::path(line.substr(at + mark.size())).relative_path();
  }
  return {};
}

}  // namespace

SmallCgroup::SmallCgroup(std::int64_t limit_bytes) {
  const bool first = fs::exists(root / "memory/cgroup.procs");
  const fs::path tree = first ? root / "memory" : root;
  if (!first) (void)put(root / "cgroup.subtree_control", "+memory");
  home_ = tree / own_path(first ? ":memory:" : "0::");
  dir_ = tree / ("workflow-test-" + std::to_string(::getpid()));
  const char* limit = first ? "memory.limit_in_bytes" : "memory.max";
  if (::mkdir(dir_.c_str(), 0755) != 0 || !put(dir_ / limit, std::to_string(limit_bytes))) {
    ::rmdir(dir_.c_str());
    throw std::runtime_error(
        "no memory cgroup can be made in '" + tree.string() +
        "': the OOM killer is not tested; be root with a writable cgroup tree");
  }
}

SmallCgroup::~SmallCgroup() {
  leave();
  const auto gone = [&] {
    for (const auto& pid : split(trim(text_of(dir_ / "cgroup.procs")), '\n')) {
      if (const auto number = parse_integer(pid)) ::kill(static_cast<pid_t>(*number), SIGKILL);
    }
    return ::rmdir(dir_.c_str()) == 0;
  };
  if (!eventually(gone)) std::cerr << "left behind: " << dir_ << "\n";
}

void SmallCgroup::enter() const {
  if (!put(dir_ / "cgroup.procs", std::to_string(::getpid()))) {
    throw std::runtime_error("cannot enter '" + dir_.string() + "'");
  }
}

void SmallCgroup::leave() const { (void)put(home_ / "cgroup.procs", std::to_string(::getpid())); }

}  // namespace workflow::test
