#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "common/files.h"
#include "tasks/store.h"

// Waiting for a task and following its log, without a poll loop: the kernel tells of a new byte, a
// new record, the supervisor's death and the reader's going away.
namespace workflow::tasks {

/// Bytes of a log and where they stand in it.
using OnBytes = std::function<void(std::int64_t offset, std::string_view bytes)>;
/// What a log leaves out, in place of its bytes (log_cap.h).
using OnHole = std::function<void(const FileHole& hole)>;

enum class Followed { ended, reader_gone, out_of_time };

struct FollowSpec {
  fs::path dir;                        ///< a task's directory
  std::optional<std::string> token{};  ///< only this task, not one made in its place
  std::int64_t offset = 0;             ///< where to begin; behind the end waits for it
  std::int64_t limit_ms = -1;          ///< how long at the most; -1: until the task ends
  int reader_fd = -1;                  ///< readable or hung up: the reader has gone
  OnBytes on_bytes{};                  ///< absent: only wait
  OnHole on_hole{};                    ///< absent: passed over
  std::function<void(const TaskView&)>
      on_state{};  ///< told of every change of state, first at once
};

/// Follows until the task has ended and its last byte has been told. A supervisor that dies
/// meanwhile is replaced (adopt), so that the end is always told.
[[nodiscard]] Followed follow(Files& files, const FollowSpec& spec);

/// Reads the task; when its supervisor is proven gone, has it adopted first.
[[nodiscard]] TaskView settle(Files& files, const fs::path& dir);

/// Tells the bytes of a file from `offset` on, and the holes between them; returns the offset
/// behind the last one.
std::int64_t tell_bytes(const fs::path& log, std::int64_t offset, const OnBytes& on_bytes,
                        const OnHole& on_hole = {});

}  // namespace workflow::tasks
