#include "apps/workflow-agent/copies.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "tasks/copy_process.h"
#include "tasks/live_root.h"
#include "tasks/mirror.h"
#include "tasks/mounts.h"
#include "tasks/run_out.h"

namespace workflow::agent {
namespace {

Json move_aside(const fs::path& from, const fs::path& to) {
  if (presence(from) == Presence::absent) return {{"moved", false}};
  real_files().make_dirs(to.parent_path());
  real_files().rename(from, to);
  return {{"moved", true}};
}

/// One by one: a slow file system gets on at every name.
Json remove_tree(const fs::path& path) {
  tasks::tell_progress();
  std::error_code fault;
  if (fs::is_directory(fs::symlink_status(path, fault))) {
    std::vector<fs::path> inside;
    for (const auto& entry : fs::directory_iterator(path, fault)) inside.push_back(entry.path());
    for (const auto& each : inside) (void)remove_tree(each);
  }
  if (!fault) fs::remove(path, fault);
  if (fault) {
    throw Error(Code::precondition, "cannot remove '" + path.string() + "': " + fault.message());
  }
  return Json::object();
}

/// Whether the mirror is ours to write.
Json owner(const tasks::LiveRoot& root) {
  tasks::require_own_mirror(real_files(), system_clock(), root);
  return Json::object();
}

/// That it answers, and how long a small file takes.
Json probe(const fs::path& dir) {
  const std::int64_t before = system_clock().steady_ms();
  if (!fs::is_directory(dir)) return {{"write_ms", 0}};
  const fs::path file = dir / (".doctor-" + random_hex(4));
  real_files().write(file, "probe\n");
  fs::remove(file);
  return {{"write_ms", system_clock().steady_ms() - before}};
}

Json answer(const std::string& what, const fs::path& a, const std::string& b) {
  Files& files = real_files();
  if (what == "mirror") return tasks::mirror_pass(files, system_clock(), {a, b});
  if (what == "restore") return tasks::restore_live_root(files, {a, b});
  if (what == "owner") return owner({a, b});
  if (what == "out") return tasks::copy_out(files, system_clock(), a, b == "last");
  if (what == "aside") return move_aside(a, b);
  if (what == "look") return {{"there", presence(a) == Presence::there}};
  if (what == "remove") return remove_tree(a);
  if (what == "probe") return probe(a);
  bug("the agent cannot copy '" + what + "'");
}

}  // namespace

int copy(const std::vector<std::string>& words) {
  tasks::tell_progress();
  try {
    tasks::tell_result(answer(words[1], words[2], words[3]));
    return 0;
  } catch (const Error& fault) {
    tasks::tell_result(tasks::failed_json(fault));
  } catch (const std::exception& fault) {
    tasks::tell_result(tasks::failed_json(Error(Code::bug, std::string("bug: ") + fault.what())));
  }
  return 1;
}

}  // namespace workflow::agent
