#pragma once

#include <csignal>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/files.h"
#include "common/json.h"
#include "common/unique_fd.h"
#include "tasks/process.h"

// A file system may hang for ever, and whoever asks it then hangs with it. So what touches a
// doubtful one is a process of its own, which is given up on when it does not get on.
namespace workflow::tasks {

/// One verb of the agent at work beside us. It says a sign of life whenever it gets on, and one
/// line of JSON at its end. Nobody has to wait for it: it outlives this object unless ended.
class CopyProcess {
 public:
  explicit CopyProcess(const std::vector<std::string>& words);

  /// Its last word as soon as it has ended, null when it died without one; nothing when no sign of
  /// life came for `patience_ms`, or it has not ended after `limit_ms`. `turn`, when given, is
  /// called at least every second.
  std::optional<Json> wait(std::int64_t patience_ms, std::int64_t limit_ms = INT64_MAX,
                           const std::function<void()>& turn = {});

  /// kill -9: the only signal that a process in a hanging file system heeds.
  void end() const { send_signal(process_, SIGKILL); }

 private:
  UniqueFd out_;
  ProcessRef process_;
  std::string heard_;
};

/// Renames on a file system that may hang; what is not there needs no renaming. Error(precondition)
/// when it does not answer.
void move_beside(const fs::path& from, const fs::path& to);

/// Error(precondition) when what a path lies on does not answer within three seconds.
void require_answer(const fs::path& path);

/// As move_beside, for a tree that is to be no more.
void remove_beside(const fs::path& path);

/// The other end: tells who waits for us that we got on, and ends us when we have not for ten
/// minutes.
void tell_progress();
/// The last word.
void tell_result(const Json& result);

/// What a process of ours says as its last word when it fails, and the error that it is again for
/// whoever waited; one that died without a word is Error(precondition).
[[nodiscard]] Json failed_json(const Error& fault);
void throw_if_failed(const Json& last_word);

}  // namespace workflow::tasks
