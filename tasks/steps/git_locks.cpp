#include "tasks/steps/git_locks.h"

#include "common/error.h"
#include "common/text.h"
#include "tasks/mounts.h"
#include "tasks/process.h"

namespace workflow::tasks {
namespace {

/// A process of git's that stands in the repository or names it.
bool git_at_work(const fs::path& repo) {
  for (const auto& pid : real_files().list("/proc")) {
    const auto number = parse_integer(pid);
    if (!number) continue;
    const std::string line = command_line(static_cast<pid_t>(*number));
    const std::string program = fs::path(line.substr(0, line.find(' '))).filename().string();
    if (program != "git" && program.rfind("git-", 0) != 0) continue;
    std::error_code hidden;
    const fs::path at = fs::read_symlink(fs::path("/proc") / pid / "cwd", hidden);
    // Another user's git that hides where it stands may stand here.
    if (hidden || (at / "").string().rfind((repo / "").string(), 0) == 0) return true;
    if (line.find(repo.string()) != std::string::npos) return true;
  }
  return false;
}

std::vector<fs::path> lock_files(const fs::path& git_dir) {
  std::vector<fs::path> found;
  std::error_code fault;
  for (fs::recursive_directory_iterator it(git_dir, fault), end; !fault && it != end;
       it.increment(fault)) {
    if (it->path().filename() == "objects") it.disable_recursion_pending();
    if (it->path().extension() == ".lock" && it->is_regular_file()) found.push_back(it->path());
  }
  return found;
}

}  // namespace

void clear_dead_locks(const Step& step, const fs::path& repo) {
  // There another host's git may be at work, which nobody sees from here.
  const auto mount = mount_of(repo);
  if (!mount || mount->is_network() || mount->is_fuse()) return;
  const auto locks = lock_files(repo / ".git");
  if (locks.empty() || git_at_work(repo)) return;
  for (const auto& lock : locks) {
    fs::remove(lock);
    step.say("removed '" + lock.string() + "', which a git that is gone had left");
  }
}

}  // namespace workflow::tasks
