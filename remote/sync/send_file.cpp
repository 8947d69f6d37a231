#include "remote/sync/send_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/error.h"
#include "common/sha256.h"
#include "remote/sync/below.h"

namespace workflow::sync {
namespace {

constexpr std::size_t piece_size = 256U << 10U;
constexpr int most_readings = 3;
constexpr const char* never_still = "it changed each time it was read";

/// One reading of one open file.
class Reading {
 public:
  Reading(int fd, const OnPiece& on_piece, const OnHole& on_hole)
      : fd_(fd), on_piece_(on_piece), on_hole_(on_hole) {}

  /// Hashes the bytes up to `until`, and gives them where `given`; false, with `why`, when there
  /// are not so many.
  bool read_to(std::int64_t until, bool given) {
    buffer_.resize(piece_size);
    while (at_ < until) {
      const auto hole = hole_after(fd_, at_);
      if (on_hole_ && hole && hole->from == at_) {
        pass_over({at_, std::min(hole->to, until)}, given);
        continue;
      }
      const std::int64_t end = std::min(on_hole_ && hole ? hole->from : until, until);
      const auto want = static_cast<std::size_t>(
          std::min<std::int64_t>(end - at_, static_cast<std::int64_t>(piece_size)));
      const ssize_t n = ::pread(fd_, buffer_.data(), want, at_);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) why_ = errno_text(errno);
      if (n <= 0) return false;
      const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(n));
      hash_.update(bytes);
      if (given) on_piece_(at_, bytes);
      at_ += n;
    }
    return true;
  }

  /// Passes over what the other side has, if it is the same.
  void skip(const Have& have, std::int64_t size) {
    if (have.bytes <= 0 || have.bytes > size) return;
    if (read_to(have.bytes, false) && Sha256(hash_).hex() == have.sha256) return;
    at_ = 0;
    hash_ = Sha256();
  }

  /// Zeros are hashed, but neither read nor sent.
  void pass_over(const FileHole& hole, bool given) {
    hash_.update_zeros(hole.size());
    if (given) on_hole_(hole);
    at_ = hole.to;
  }

  [[nodiscard]] std::string sha256() { return hash_.hex(); }
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  int fd_;
  const OnPiece& on_piece_;
  const OnHole& on_hole_;
  std::int64_t at_ = 0;
  Sha256 hash_;
  std::string buffer_;
  std::string why_ = never_still;
};

/// Other files of that size and name may be written anew in place, as torch.save does.
bool only_appended(const std::string& path) {
  return path.ends_with(".log") || path.ends_with(".jsonl");
}

Sent fault(std::string why) { return {.fault = std::move(why)}; }

Sent read_once(const fs::path& root, const Listed& listed, const Have& have,
               const OnPiece& on_piece, const OnHole& on_hole) {
  const UniqueFd fd = open_below(root, listed.entry.path, O_RDONLY | O_NONBLOCK);
  if (!fd.valid() && errno == ENOENT) return {.fault = "it has vanished", .vanished = true};
  if (!fd.valid()) return fault(errno_text(errno));
  struct stat before {};
  if (::fstat(fd.get(), &before) != 0) return fault(errno_text(errno));
  if (!S_ISREG(before.st_mode)) return fault("it is no file any more");
  Sent sent{.entry = listed.entry};
  const bool appended = only_appended(listed.entry.path) && before.st_ino == listed.inode;
  const bool grown = appended && before.st_size > listed.entry.size;
  if (!grown) {
    sent.entry.size = before.st_size;
    sent.entry.mtime_ns = mtime_ns(before);
    sent.entry.mode = before.st_mode & 0777U;
  }
  Reading reading(fd.get(), on_piece, on_hole);
  reading.skip(have, sent.entry.size);
  if (!reading.read_to(sent.entry.size, true)) return fault(reading.why());
  struct stat after {};
  if (::fstat(fd.get(), &after) != 0) return fault(errno_text(errno));
  // Whoever only appends leaves what was read as it was.
  const bool still =
      mtime_ns(after) == mtime_ns(before) || (appended && after.st_size > before.st_size);
  if (!still || after.st_size < before.st_size) return fault(never_still);
  sent.sha256 = reading.sha256();
  return sent;
}

}  // namespace

Sent send_file(const fs::path& root, const Listed& listed, const Have& have,
               const OnPiece& on_piece, const OnHole& on_hole) {
  Sent sent = read_once(root, listed, have, on_piece, on_hole);
  for (int n = 1; n < most_readings && sent.fault == never_still; ++n) {
    sent = read_once(root, listed, {}, on_piece, on_hole);
  }
  return sent;
}

}  // namespace workflow::sync
