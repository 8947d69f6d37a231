#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/files.h"

namespace workflow {

/// A program to start. The three descriptors become 0, 1 and 2; every other one of ours is closed.
struct SpawnSpec {
  std::vector<std::string> argv{};
  std::optional<std::vector<std::string>> env{};  ///< `K=V`; ours when absent
  fs::path workdir{};                             ///< ours when empty
  int in = -1;                                    ///< -1: /dev/null
  int out = -1;
  int err = -1;
  std::vector<int> keep{};    ///< descriptors that stay open under their own number
  bool new_session = false;   ///< setsid(2): a session and process group of its own
  bool detach = false;        ///< not our child any more: nobody has to wait for it
  bool ends_with_us = false;  ///< gets TERM when the thread that started it dies (Linux)
  /// Called with the new process's id while that process waits; it goes on when this returns and
  /// never runs the program when this throws or we die. So a record can be on disk before a start.
  std::function<void(pid_t)> before_exec{};
};

/// Why a program could not be started: the step and its errno.
struct SpawnFailure {
  std::string step;
  int error = 0;
  /// `cannot STEP: errno text`.
  [[nodiscard]] std::string words() const;
};

struct Spawned {
  pid_t pid = -1;  ///< meaningful without a failure
  std::optional<SpawnFailure> failure;
};

/// Starts a program; argv[0] is looked up in PATH. Returns after exec has worked or failed.
[[nodiscard]] Spawned spawn(const SpawnSpec& spec);

/// The environment of this process with `set` added or replaced, as `K=V`; of two entries of one
/// key in `set` the later counts.
[[nodiscard]] std::vector<std::string> environment_with(const std::vector<std::string>& set);

/// The environment of this process without some variables.
[[nodiscard]] std::vector<std::string> environment_without(const std::vector<std::string>& names);

/// How a program ended: its own exit code, or the signal that ended it.
struct ExitStatus {
  std::optional<int> code;
  std::optional<int> signal;
  [[nodiscard]] bool ok() const { return code == 0; }
  static ExitStatus from_wait(int status);
};

/// `TERM`, `KILL`, `RTMIN+3` …: a signal's name without SIG.
[[nodiscard]] std::string signal_name(int signal);

}  // namespace workflow
