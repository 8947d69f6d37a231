#include "tasks/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "common/clock.h"
#include "common/error.h"
#include "common/pipe.h"
#include "common/spawn.h"
#include "tasks/store.h"
#include "tasks/supervisor.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t ready_limit_ms = 20'000;

/// Waits for the word that a supervisor says when it has taken over; empty when it died first,
/// nothing when it has said none yet.
std::optional<std::string> wait_for_word(int fd) {
  std::string word;
  const std::int64_t deadline = system_clock().steady_ms() + ready_limit_ms;
  while (true) {
    const std::int64_t left = deadline - system_clock().steady_ms();
    if (left <= 0) return std::nullopt;
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(left)) <= 0) continue;
    char buffer[256];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return word;
    word.append(buffer, static_cast<std::size_t>(n));
  }
}

void fill(const Pipe& pipe, const std::vector<std::string>& secrets) {
  ::fcntl(pipe.write.get(), F_SETFL, O_NONBLOCK);
  for (const auto& entry : secrets) {
    // With its final NUL; a pipe takes 64 KiB without a reader.
    if (::write(pipe.write.get(), entry.c_str(), entry.size() + 1) !=
        static_cast<ssize_t>(entry.size() + 1)) {
      throw Error(Code::usage, "the secrets of WF_SECRETS are longer than 60 KiB together",
                  "hand over the name of a file on the target instead");
    }
  }
}

std::optional<std::string> run_supervisor(const char* verb, const fs::path& dir, int lock,
                                          int secrets) {
  Pipe ready = make_pipe();
  SpawnSpec spec;
  spec.argv = {agent_path(),         verb,
               dir.string(),         std::to_string(ready.write.get()),
               std::to_string(lock), std::to_string(secrets)};
  spec.workdir = "/";
  spec.env = environment_without({"WF_TASK_TOKEN", "WF_TASK_ID"});  // of a task that starts one
  spec.detach = true;
  spec.keep = {ready.write.get()};
  if (lock >= 0) spec.keep.push_back(lock);
  if (secrets >= 0) spec.keep.push_back(secrets);
  const Spawned started = spawn(spec);
  if (started.failure) {
    throw Error(Code::precondition, "cannot start a supervisor: " + started.failure->words());
  }
  ready.write.reset();
  return wait_for_word(ready.read.get());
}

}  // namespace

std::string agent_path() {
  char link[4096];
  const ssize_t n = ::readlink("/proc/self/exe", link, sizeof link);
  std::string path(link, n > 0 ? static_cast<std::size_t>(n) : 0);
  // A replaced file shows as "… (deleted)": the link itself still runs it.
  return ::access(path.c_str(), X_OK) == 0 ? path : "/proc/self/exe";
}

void start_supervisor(const fs::path& dir, const FileLock& lock,
                      const std::vector<std::string>& secrets) {
  Pipe values = make_pipe();
  fill(values, secrets);
  values.write.reset();
  const auto word = run_supervisor("supervise", dir, lock.fd(), values.read.get());
  if (!word) {
    throw Error(Code::unreachable,
                "the supervisor of '" + dir.string() + "' has not answered for " +
                    std::to_string(ready_limit_ms / 1000) + " s; outcome unknown",
                "it may still start: look with workflow task-list");
  }
  if (word->empty()) {
    // It may have been killed after the command had begun: the next contact adopts that one.
    if (observe(real_files(), dir).record.started_ms) return;
    throw Error(Code::precondition, "the supervisor of '" + dir.string() + "' did not start",
                "nothing was started");
  }
  if (word->rfind(not_started, 0) == 0) {
    throw Error(Code::precondition, "'" + dir.filename().string() +
                                        "' was not started: " + word->substr(not_started.size()));
  }
}

void adopt(const fs::path& dir) { (void)run_supervisor("adopt", dir, -1, -1); }

}  // namespace workflow::tasks
