#pragma once

#include <cstdint>
#include <string>

#include "common/json_fwd.h"

// What travels when files are copied: for each thing one line of JSON, and behind a file's line its
// bytes. This room knows no SSH and no agent; both programs send and receive.
namespace workflow::sync {

/// `source` begins one of the things that were asked for, `end` says that all of it was sent.
enum class Kind { source, directory, file, link, end };

struct Entry {
  Kind kind = Kind::end;
  /// Of a source, the name it has where it came from (empty: only what is in it is copied); of
  /// everything else, where it is below its source (empty: the source itself). Any bytes.
  std::string path{};
  std::string target{};  ///< of a link
  std::int64_t size = 0;
  unsigned mode = 0;          ///< permission bits
  std::int64_t mtime_ns = 0;  ///< since the epoch

  bool operator==(const Entry&) const = default;
};

/// An entry as JSON, and back; Error(unreachable) for what is none.
[[nodiscard]] Json entry_json(const Entry& entry);
[[nodiscard]] Entry entry_from_json(const Json& json);
/// The line, with its newline.
[[nodiscard]] std::string entry_line(const Entry& entry);
/// Error(unreachable) for what is no such line.
[[nodiscard]] Entry entry_from(std::string_view line);

/// How much was, or is to be, copied.
struct Sum {
  std::int64_t files = 0;
  std::int64_t directories = 0;
  std::int64_t links = 0;
  std::int64_t bytes = 0;
};
[[nodiscard]] Json sum_json(const Sum& sum);
[[nodiscard]] Sum sum_from(const Json& json);

/// A path for people: what is no text is shown as `?`.
[[nodiscard]] std::string shown(std::string_view path);

}  // namespace workflow::sync
