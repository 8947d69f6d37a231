#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

// The loops around read, write and waitpid that everybody needs and nobody should write twice.
namespace workflow {

/// Writes all of it; false, with errno, when the descriptor takes no more.
[[nodiscard]] bool write_all(int fd, std::string_view bytes);

enum class ReadSome { bytes, nothing_now, end };

/// Appends what can be read at once, at most 64 KiB. `end` is the end of the stream or an error.
[[nodiscard]] ReadSome read_some(int fd, std::string& into);

/// Waits for a child of ours to end; its wait status.
[[nodiscard]] int wait_for_child(pid_t pid);

/// Appends at most `most` bytes of one read(2) to a text; how many, 0 at the end, -1 with errno.
[[nodiscard]] ssize_t append_read(int fd, std::size_t most, std::string& to);

}  // namespace workflow
