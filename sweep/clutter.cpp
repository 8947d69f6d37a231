#include "sweep/clutter.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <set>

#include "common/error.h"
#include "common/file_lock.h"
#include "common/text.h"
#include "sweep/evidence.h"
#include "sweep/row_index.h"
#include "tasks/copy_process.h"
#include "tasks/launch.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t half_made_secs = 3600;  ///< whoever makes it would have finished
constexpr std::int64_t lock_limit_ms = 30'000;
constexpr std::size_t short_tree = 12;

std::int64_t bytes_below(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return 0;
  if (!S_ISDIR(info.st_mode)) return info.st_size;
  std::int64_t bytes = 0;
  std::error_code fault;
  constexpr auto skip = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator it(path, skip, fault), end; !fault && it != end;
       it.increment(fault)) {
    if (::lstat(it->path().c_str(), &info) == 0 && S_ISREG(info.st_mode)) bytes += info.st_size;
  }
  return bytes;
}

class Search {
 public:
  Search(const tasks::Site& site, std::int64_t older_secs)
      : site_(site), files_(site.files()), older_secs_(older_secs), state_(site.keeper().load()) {
    for (const auto& row : rows_of_campaign()) kept_runs_.insert(row.run_id);
  }

  void bak() {
    for (const auto& id : names_in("_bak")) {
      for (const auto& stamp : names_in(fs::path("_bak") / id)) {
        add_old(site_.root() / "_bak" / id / stamp);
      }
    }
  }

  void trash() {
    for (const auto& name : names_in("_trash")) add(site_.root() / "_trash" / name);
  }

  void tasks() {
    const tasks::TaskStore store = site_.tasks();
    for (const auto& id : names_in("_tasks")) {
      if (!valid_id(id) || id == executor_task(state_)) continue;
      if (state_.lease && state_.lease->task_id == id) continue;
      try {
        const tasks::TaskView task = store.view(id);
        if (!task.record.ended() || !is_old(*task.record.ended_ms, older_secs_)) continue;
        add(task.dir, task.spec.token);
      } catch (const Error&) {
        // What cannot be read is not known to have ended.
      }
    }
  }

  void attempts() {
    for (const auto& id : names_in("")) {
      if (!valid_id(id) || kept_runs_.contains(id)) continue;
      const fs::path dir = site_.root() / id;
      if (!fs::is_directory(fs::symlink_status(dir / "attempts"))) continue;
      try {
        if (tasks::observe(files_, dir).record.state != tasks::TaskState::success) continue;
      } catch (const Error&) {
        continue;  // no run, or none that is known to have ended well
      }
      for (const auto& name : files_.list(dir / "attempts")) add(dir / "attempts" / name);
    }
  }

  void snapshots() {
    const auto names = names_in("_snapshots");
    fs::path newest;
    for (const auto& name : names) {
      const fs::path path = site_.root() / "_snapshots" / name;
      if (newest.empty() || changed_ms(path) > changed_ms(newest)) newest = path;
    }
    const std::string records = names.empty() ? std::string() : records_text();
    for (const auto& name : names) {
      const fs::path path = site_.root() / "_snapshots" / name;
      const std::string short_name = name.substr(0, short_tree);  // as a git_sha has it
      if (path != newest && records.find(short_name) == std::string::npos) add_old(path);
    }
  }

  void leftovers() {
    for (const char* dir : {"", "_control", "_manifests", "_tasks", "_campaigns", "_snapshots"}) {
      add_half_made(dir);
    }
    for (const char* room : {"_tasks", "_campaigns"}) {
      for (const auto& id : names_in(room)) {
        if (valid_id(id)) add_half_made(fs::path(room) / id);
      }
    }
    for (const auto& id : names_in("")) {
      if (valid_id(id)) add_half_made(id);
    }
  }

  void agents() {
    const fs::path mine = tasks::agent_path();
    if (mine.filename().string().rfind("agent-", 0) != 0) return;
    std::set<fs::path> running;
    std::error_code fault;
    for (const auto& name : files_.list("/proc")) {
      if (!parse_integer(name)) continue;
      running.insert(fs::read_symlink(fs::path("/proc") / name / "exe", fault));
    }
    for (const auto& name : files_.list(mine.parent_path())) {
      const fs::path path = mine.parent_path() / name;
      const bool agent = name.rfind("agent-", 0) == 0 || name.rfind(".agent-", 0) == 0;
      if (agent && path != mine && !running.contains(path)) add_old(path);
    }
  }

  std::vector<Clutter> take() { return std::move(found_); }

 private:
  [[nodiscard]] std::vector<RowState> rows_of_campaign() const {
    if (state_.campaign.empty()) return {};
    return RowIndex(files_, site_.clock(), site_.campaign_dir(state_.campaign)).load();
  }

  /// Names in a directory below the outputs; none where it is a link or not there.
  [[nodiscard]] std::vector<std::string> names_in(const fs::path& below) const {
    const fs::path dir = below.empty() ? site_.root() : site_.root() / below;
    if (!below.empty() && !fs::is_directory(fs::symlink_status(dir))) return {};
    return files_.list(dir);
  }

  [[nodiscard]] bool is_old(std::int64_t since_ms, std::int64_t secs) const {
    return site_.clock().now_ms() - since_ms >= secs * 1000;
  }

  /// When it came to be what and where it is: a rename counts too.
  [[nodiscard]] static std::int64_t changed_ms(const fs::path& path) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) return 0;
    const auto ms = [](const timespec& at) { return at.tv_sec * 1000 + at.tv_nsec / 1'000'000; };
    return std::max(ms(info.st_mtim), ms(info.st_ctim));
  }

  /// The text of every record that may name a snapshot.
  [[nodiscard]] std::string records_text() const {
    std::string text = files_.read(site_.keeper().state_file()).value_or("");
    for (const auto& id : names_in("_campaigns")) {
      text += files_.read(site_.root() / "_campaigns" / id / "campaign.json").value_or("");
    }
    for (const auto& id : names_in("_tasks")) {
      text += files_.read(site_.root() / "_tasks" / id / "spec.json").value_or("");
    }
    return text;
  }

  void add(const fs::path& path, const std::string& token = {}) {
    found_.push_back({path, bytes_below(path), token});
  }
  void add_old(const fs::path& path) {
    if (is_old(changed_ms(path), older_secs_)) add(path);
  }
  void add_half_made(const fs::path& below) {
    for (const auto& name : names_in(below)) {
      const fs::path path = site_.root() / below / name;
      const bool half = name.rfind(".new-", 0) == 0 || name.rfind(".workflow-cp-", 0) == 0 ||
                        (name.front() == '.' && name.ends_with(".tmp"));
      if (half && is_old(changed_ms(path), half_made_secs)) add(path);
    }
  }

  const tasks::Site& site_;
  Files& files_;
  std::int64_t older_secs_;
  tasks::StateRecord state_;
  std::set<std::string> kept_runs_;
  std::vector<Clutter> found_;
};

struct Kind {
  const char* name;
  const char* why;
  void (Search::*look)();
};

constexpr std::array<Kind, 7> kinds{
    {{"bak", "put aside by --force", &Search::bak},
     {"trash", "thrown away before", &Search::trash},
     {"tasks", "tasks that have ended", &Search::tasks},
     {"attempts", "earlier attempts of runs that ended well since", &Search::attempts},
     {"snapshots", "pushed trees that no record names", &Search::snapshots},
     {"leftovers", "half-made, by something that was killed", &Search::leftovers},
     {"agents", "agents of other builds that nothing runs", &Search::agents}}};

/// A task that has been replaced since, or lives again, stays.
bool still_that_task(const tasks::Site& site, const Clutter& clutter) {
  if (!FileLock::try_take(tasks::supervisor_lock(clutter.path))) return false;  // whatever it says
  const tasks::TaskView task = tasks::observe(site.files(), clutter.path);
  return task.spec.token == clutter.token && task.record.ended();
}

}  // namespace

std::vector<std::string> clutter_names() {
  std::vector<std::string> names;
  for (const auto& kind : kinds) names.emplace_back(kind.name);
  return names;
}

std::vector<ClutterKind> find_clutter(const tasks::Site& site,
                                      const std::vector<std::string>& names,
                                      std::int64_t older_secs) {
  std::vector<ClutterKind> out;
  Search search(site, older_secs);
  for (const auto& kind : kinds) {
    if (!names.empty() && std::ranges::find(names, kind.name) == names.end()) continue;
    (search.*kind.look)();
    out.push_back({kind.name, kind.why, search.take()});
  }
  return out;
}

std::string remove_clutter(const tasks::Site& site, const Clutter& clutter) {
  try {
    const fs::path below = clutter.path.lexically_relative(site.root());
    const bool outside = below.empty() || *below.begin() == "..";
    if (outside && clutter.path.parent_path() != fs::path(tasks::agent_path()).parent_path()) {
      bug("what is to be removed is not ours");
    }
    if (!outside) (void)site.below(below.parent_path());
    fs::path doomed = clutter.path;
    // The durable volume is what fills up: its copy goes as well, and first, so that what is left
    // of it is found again. Whatever lives again is mirrored again.
    if (!outside && site.live()) tasks::remove_beside(site.outputs() / below);
    if (!outside && *below.begin() != "_trash") {
      // Nothing is created or put aside meanwhile.
      const fs::path control = site.keeper().state_file().parent_path();
      site.files().make_dirs(control);
      const FileLock lock = FileLock::take(control / "lock", lock_limit_ms);
      if (!clutter.token.empty() && !still_that_task(site, clutter)) return "it is in use again";
      const fs::path trash = site.below("_trash");
      site.files().make_dirs(trash);
      doomed = trash / (clutter.path.filename().string() + "-" + random_hex(4));
      site.files().rename(clutter.path, doomed);
    }
    fs::remove_all(doomed);
    return presence(doomed) == Presence::absent ? std::string() : "it is still there";
  } catch (const Error& fault) {
    return fault.what();
  } catch (const fs::filesystem_error& fault) {
    return fault.code().message();
  }
}

}  // namespace workflow::sweep
