#include "tasks/dead_man.h"

#include <poll.h>

#include <algorithm>
#include <cstdlib>

#include "common/error.h"
#include "common/file_lock.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "tasks/dead_man_call.h"
#include "tasks/follow.h"
#include "tasks/launch.h"
#include "tasks/store.h"

namespace workflow::tasks {
namespace {

constexpr std::string_view schema = "workflow.dead-man/1";
constexpr const char* task_id = "dead-man";
constexpr int look_every_ms = 1'000;
constexpr std::int64_t first_wait_ms = 2'000;
constexpr std::int64_t longest_wait_ms = 300'000;
constexpr std::int64_t lock_limit_ms = 30'000;
constexpr std::int64_t settle_limit_ms = 5'000;

fs::path root() {
  const char* home = std::getenv("HOME");  // a Site has refused to be without it
  return fs::path(home == nullptr ? "/root" : home) / ".workflow";
}

fs::path task_dir() { return root() / task_id; }
fs::path wish_file() { return root() / "dead-man.json"; }
fs::path said_file() { return root() / "dead-man-said.json"; }

Json read_json(Files& files, const fs::path& path) {
  const auto bytes = files.read(path);
  return bytes ? parse_json(*bytes, path.string()) : Json::object();
}

bool has_curl() {
  CaptureSpec spec;
  spec.argv = {"curl", "--version"};
  return capture(spec).ok();
}

/// Whether the process that waits lives; its supervisor's death does not matter to it.
bool waits(Files& files) {
  try {
    const TaskView view = observe(files, task_dir());
    return !view.record.ended() && view.leader == Liveness::alive;
  } catch (const Error&) {
    return false;
  }
}

/// A timer that has ended gives up its directory; one whose supervisor died has first to be told.
void clear_ended(Files& files) {
  if (!may_be_there(task_dir())) return;
  const std::int64_t until = system_clock().steady_ms() + settle_limit_ms;
  while (!settle(files, task_dir()).record.ended() && system_clock().steady_ms() < until) {
    ::poll(nullptr, 0, 20);
  }
  std::error_code ignored;
  fs::remove_all(task_dir(), ignored);
}

void start(Files& files, const Clock& clock) {
  clear_ended(files);
  TaskSpec spec;
  spec.task_id = task_id;
  spec.argv = {agent_path(), task_id};
  spec.workdir = "/";
  spec.token = random_hex(8);
  const FileLock lock = TaskStore(files, clock, root()).create(spec);
  start_supervisor(task_dir(), lock);
}

/// Why a timer cannot be set here; empty: it can.
std::string obstacle(const DeadManWish& wish, const PodKey& pod) {
  if (!pod.missing.empty()) return pod.missing;
  if (!wish.pod_id.empty() && wish.pod_id != pod.id) {
    return "this pod calls itself '" + pod.id + "', not '" + wish.pod_id + "'";
  }
  return has_curl() ? "" : "curl, which would ask " + wish.provider + ", is not there";
}

/// Asks, and keeps what was said where dead_man_state finds it.
void ask_once(Files& files, const Clock& clock, const std::string& provider, const PodKey& pod) {
  Json said = read_json(files, said_file());
  const EndAnswer answer = ask_for_end(provider, pod);
  said["asked"] = number_at(said, "asked") + 1;
  said["last"] = answer.words;
  said["accepted"] = answer.accepted;
  said["last_at"] = utc_text(clock.now_ms());
  files.write(said_file(), pretty_json(said));
}

}  // namespace

Json arm_dead_man(Files& files, const Clock& clock, const DeadManWish& wish) {
  if (!wish.ends_at.empty() && !parse_utc(wish.ends_at)) bug("a timer without a time");
  const PodKey pod = find_pod_key(wish.provider);
  if (const std::string why = obstacle(wish, pod); !why.empty()) {
    Json out = dead_man_state(files);
    out["armed"] = false;
    out["why"] = why;
    return out;
  }
  files.make_dirs(root());
  const FileLock lock = FileLock::take(root() / ".dead-man.lock", lock_limit_ms);
  const Json record = {{"schema", schema},
                       {"provider", wish.provider},
                       {"pod_id", pod.id},
                       {"ends_at", wish.ends_at}};
  if (read_json(files, wish_file()) != record) {
    files.write(said_file(), pretty_json(Json::object()));
    files.write(wish_file(), pretty_json(record));
  }
  if (!wish.ends_at.empty() && !waits(files)) start(files, clock);
  return dead_man_state(files);
}

Json dead_man_state(Files& files) {
  const Json wish = read_json(files, wish_file());
  const Json said = read_json(files, said_file());
  Json out = {{"armed", false},
              {"provider", text_at(wish, "provider")},
              {"pod_id", text_at(wish, "pod_id")},
              {"ends_at", text_at(wish, "ends_at")},
              {"asked", number_at(said, "asked")},
              {"last", text_at(said, "last")}};
  if (text_at(wish, "ends_at").empty()) {
    out["why"] = wish.empty() ? "no timer was set" : "it was disarmed";
  } else if (!waits(files)) {
    out["why"] = "its process is not there any more";
  } else {
    out["armed"] = true;
    out["why"] = "";
  }
  return out;
}

void be_dead_man(Files& files, const Clock& clock) {
  std::string asked_for;  // the time for which it was asked: a moved timer begins anew
  std::int64_t wait_ms = first_wait_ms;
  std::int64_t next_ms = 0;
  while (true) {
    ::poll(nullptr, 0, look_every_ms);
    try {
      const Json wish = read_json(files, wish_file());
      const std::string ends_at = text_at(wish, "ends_at");
      const auto ends_ms = parse_utc(ends_at);
      if (!ends_ms || clock.now_ms() < *ends_ms) continue;
      if (ends_at != asked_for) wait_ms = first_wait_ms;
      if (ends_at == asked_for && clock.steady_ms() < next_ms) continue;
      const std::string provider = text_at(wish, "provider");
      const PodKey pod = find_pod_key(provider);
      // A home on a volume may hold the wish of another pod.
      if (pod.id != text_at(wish, "pod_id")) continue;
      asked_for = ends_at;
      next_ms = clock.steady_ms() + wait_ms;
      wait_ms = std::min(wait_ms * 2, longest_wait_ms);
      ask_once(files, clock, provider, pod);
    } catch (const std::exception&) {
      // A file torn by hand, a full disk: the next look may do better; ending would be for good.
    }
  }
}

}  // namespace workflow::tasks
