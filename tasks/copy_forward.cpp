#include "tasks/copy_forward.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/sha256.h"
#include "tasks/beneath.h"

namespace workflow::tasks {
namespace {

constexpr std::size_t piece = 1 << 20;
constexpr int deepest = 64;
constexpr std::size_t longest_name = 255;
constexpr std::string_view unfinished_suffix = ".wf-new";
/// A file of the last second may change once more without a change of its time.
constexpr std::int64_t settled_ns = 1'000'000'000;

FileStamp stamp_of(const struct stat& info) {
  return {info.st_size, info.st_mtim.tv_sec * 1'000'000'000LL + info.st_mtim.tv_nsec};
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

bool unfinished(std::string_view name) {
  return name.size() > unfinished_suffix.size() && name.front() == '.' &&
         name.substr(name.size() - unfinished_suffix.size()) == unfinished_suffix;
}

/// Smaller files are notes that are written anew all the time, not checkpoints.
constexpr std::int64_t least_kept = 64 * 1024;

class Copier {
 public:
  Copier(const CopyOrder& order, Copied& copied)
      : order_(order), copied_(copied), buffer_(piece), other_(piece) {}

  CopyResult run() {
    const UniqueFd from(::open(order_.from.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!from.valid() && errno == ENOENT) return result_;  // nothing was written yet
    if (!from.valid()) fail("", "cannot read '" + order_.from.string() + "'");
    std::error_code error;
    if (from.valid()) fs::create_directories(order_.to, error);
    const UniqueFd to(::open(order_.to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (from.valid() && !to.valid()) fail("", "cannot open '" + order_.to.string() + "'");
    if (result_.ok()) tree(from.get(), to.get(), "", 0);
    return result_;
  }

 private:
  void fail(const std::string& path, const std::string& what) {
    const int error = errno;
    if (error == ENOSPC || error == EDQUOT) result_.no_room = true;
    result_.behind.push_back({path, what + ": " + errno_text(error)});
  }

  void tell() const {
    if (order_.progress) order_.progress();
  }

  void tree(int from, int to, const std::string& prefix, int depth) {
    int error = 0;
    for (const auto& name : names_in(from, error)) {
      if (unfinished(name)) continue;
      const std::string relative = prefix + name;
      struct stat info {};
      if (order_.wanted && !order_.wanted(relative)) continue;
      if (::fstatat(from, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno != ENOENT) fail(relative, "cannot look at it");  // else it is gone again
        continue;
      }
      if (S_ISDIR(info.st_mode)) directory(from, to, name, relative, depth);
      if (S_ISLNK(info.st_mode)) link(from, to, name, relative);
      if (S_ISREG(info.st_mode)) file(from, to, name, relative, info);
    }
    errno = error;
    if (error != 0) fail(prefix, "cannot list it");
  }

  void directory(int from, int to, const std::string& name, const std::string& relative,
                 int depth) {
    if (depth == deepest) {
      result_.behind.push_back({relative, "lies too deep"});
      return;
    }
    const UniqueFd below = open_dir_at(from, name.c_str());
    if (!below.valid()) return fail(relative, "cannot open it");
    if (::mkdirat(to, name.c_str(), 0755) != 0 && errno != EEXIST) {
      return fail(relative, "cannot make the directory");
    }
    const UniqueFd there = open_dir_at(to, name.c_str());
    if (!there.valid()) return fail(relative, "its copy is no directory, or a symlink");
    tree(below.get(), there.get(), relative + "/", depth + 1);
  }

  void link(int from, int to, const std::string& name, const std::string& relative) {
    const std::string target = target_of(from, name);
    if (target.empty() || target_of(to, name) == target) return;
    const std::string fresh = unfinished_name(name);
    ::unlinkat(to, fresh.c_str(), 0);
    if (::symlinkat(target.c_str(), to, fresh.c_str()) != 0 ||
        ::renameat(to, fresh.c_str(), to, name.c_str()) != 0) {
      fail(relative, "cannot copy the link");
      ::unlinkat(to, fresh.c_str(), 0);
    }
  }

  void file(int from, int to, const std::string& name, const std::string& relative,
            const struct stat& seen) {
    if (is_whole(from, to, name, relative, stamp_of(seen))) return;
    const UniqueFd in(::openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat before {};
    if (!in.valid() || ::fstat(in.get(), &before) != 0) return fail(relative, "cannot read it");
    if (!S_ISREG(before.st_mode)) return;
    tell();
    const std::string fresh = unfinished_name(name);
    ::unlinkat(to, fresh.c_str(), 0);
    if (!copy(in.get(), to, fresh, relative, before)) {
      ::unlinkat(to, fresh.c_str(), 0);
      return;
    }
    put_in_place(in.get(), to, name, relative, before);
  }

  /// Known to be whole there, or found to be.
  bool is_whole(int from, int to, const std::string& name, const std::string& relative,
                const FileStamp& now) {
    const auto known = copied_.find(relative);
    const bool same = known != copied_.end() && known->second == now;
    if (same && !order_.look_again) return true;
    struct stat there {};
    const bool alike = ::fstatat(to, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                       S_ISREG(there.st_mode) && there.st_size == now.size;
    if (!alike) return false;
    if (same) return true;
    if (stamp_of(there) != now) return false;
    const UniqueFd a(::openat(from, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    const UniqueFd b(::openat(to, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!a.valid() || !b.valid() || !equal(a.get(), b.get(), now.size)) return false;
    copied_[relative] = now;
    return true;
  }

  /// The bytes that the file had at the beginning; what was appended meanwhile is for the next
  /// time.
  bool copy(int in, int to, const std::string& fresh, const std::string& relative,
            const struct stat& before) {
    UniqueFd out(::openat(to, fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                          before.st_mode & 0777));
    if (!out.valid()) return fail(relative, "cannot make its copy"), false;
    std::int64_t at = 0;
    while (at < before.st_size) {
      const auto wish = std::min<std::int64_t>(piece, before.st_size - at);
      const ssize_t n = read_at(in, buffer_.data(), static_cast<std::size_t>(wish), at);
      if (n < 0) return fail(relative, "cannot read it"), false;
      if (n == 0) break;
      if (!write_all(out.get(), {buffer_.data(), static_cast<std::size_t>(n)})) {
        return fail(relative, "cannot write its copy"), false;
      }
      at += n;
      tell();
    }
    const std::array<timespec, 2> times{before.st_atim, before.st_mtim};
    ::futimens(out.get(), times.data());  // where it cannot, the file is copied once more, later
    // Some tell of a full disk or a lost store only now.
    if (::fsync(out.get()) != 0 || ::close(out.release()) != 0) {
      return fail(relative, "cannot write its copy"), false;
    }
    result_.bytes += at;
    return true;
  }

  void put_in_place(int in, int to, const std::string& name, const std::string& relative,
                    const struct stat& before) {
    const std::string fresh = unfinished_name(name);
    const UniqueFd copy(::openat(to, fresh.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    const bool whole = copy.valid() && equal(in, copy.get(), before.st_size);
    struct stat after {};
    const bool changed = ::fstat(in, &after) != 0 || stamp_of(after) != stamp_of(before);
    if (changed || !whole) {
      result_.behind.push_back(
          {relative, changed ? "changes while it is copied" : "its copy reads otherwise", changed});
      if (!whole || !begins_with(copy.get(), to, name)) {
        ::unlinkat(to, fresh.c_str(), 0);
        return;
      }
    }
    if (order_.keep_better && !keep_better(to, name, relative, stamp_of(before))) return;
    if (::renameat(to, fresh.c_str(), to, name.c_str()) != 0) {
      return fail(relative, "cannot put its copy in place");  // the whole one stays beside it
    }
    struct stat there {};
    if (::fstatat(to, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0 ||
        there.st_size != before.st_size) {
      result_.behind.push_back({relative, "its copy was not put in place"});
      return;
    }
    result_.files += 1;
    const FileStamp stamp = stamp_of(before);
    if (!changed && stamp.mtime_ns + settled_ns < now_ns()) copied_[relative] = stamp;
  }

  /// False when the better one could not be kept: then nothing replaces it.
  bool keep_better(int to, const std::string& name, const std::string& relative,
                   const FileStamp& coming) {
    struct stat there {};
    const bool stands = ::fstatat(to, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                        S_ISREG(there.st_mode) && there.st_size >= least_kept;
    const FileStamp old = stamp_of(there);
    if (!stands || (coming.size >= old.size && coming.mtime_ns >= old.mtime_ns)) return true;
    const std::string aside = kept_name(name);
    struct stat kept {};
    if (::fstatat(to, aside.c_str(), &kept, AT_SYMLINK_NOFOLLOW) == 0) {
      if (kept.st_size > old.size) return true;  // two stumps in a row: the whole one stays
      ::unlinkat(to, aside.c_str(), 0);
    }
    // A second name first: nothing is missing at any instant. Some file systems have no such.
    if (::linkat(to, name.c_str(), to, aside.c_str(), 0) != 0 &&
        ::renameat(to, name.c_str(), to, aside.c_str()) != 0) {
      fail(relative, "cannot keep the better copy beside it");
      return false;
    }
    result_.kept.push_back(kept_name(relative));
    return true;
  }

  bool equal(int a, int b, std::int64_t size) {
    for (std::int64_t at = 0; at < size; at += piece) {
      const auto wish = static_cast<std::size_t>(std::min<std::int64_t>(piece, size - at));
      const ssize_t n = read_at(a, buffer_.data(), wish, at);
      if (n != static_cast<ssize_t>(wish) || read_at(b, other_.data(), wish, at) != n) return false;
      if (std::memcmp(buffer_.data(), other_.data(), wish) != 0) return false;
      tell();
    }
    return true;
  }

  /// Nothing is lost when `copy` replaces what stands under the name.
  bool begins_with(int copy, int to, const std::string& name) {
    const UniqueFd old(::openat(to, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!old.valid()) return errno == ENOENT;
    struct stat info {};
    return ::fstat(old.get(), &info) == 0 && S_ISREG(info.st_mode) &&
           equal(old.get(), copy, info.st_size);
  }

  const CopyOrder& order_;
  Copied& copied_;
  CopyResult result_;
  std::vector<char> buffer_;
  std::vector<char> other_;
};

}  // namespace

std::string unfinished_name(const std::string& name) {
  std::string out = "." + name + std::string(unfinished_suffix);
  if (out.size() <= longest_name) return out;
  return "." + sha256_hex(name) + std::string(unfinished_suffix);
}

std::string kept_name(const std::string& name) { return name + ".before"; }

Json copied_json(const Copied& copied) {
  Json out = Json::object();
  for (const auto& [path, stamp] : copied) out[path] = {stamp.size, stamp.mtime_ns};
  return out;
}

Copied copied_from(const Json& json) {
  Copied out;
  if (!json.is_object()) return out;
  for (const auto& [path, stamp] : json.items()) {
    if (!stamp.is_array() || stamp.size() != 2 || !stamp[0].is_number_integer()) continue;
    out[path] = {stamp[0].get<std::int64_t>(), stamp[1].get<std::int64_t>()};
  }
  return out;
}

CopyResult copy_forward(const CopyOrder& order, Copied& copied) {
  return Copier(order, copied).run();
}

}  // namespace workflow::tasks
