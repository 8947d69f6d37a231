#include "client/stat_cache.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "common/error.h"
#include "common/sha256.h"
#include "common/user_dirs.h"
#include "remote/sync/below.h"

namespace workflow::client {
namespace {

constexpr std::string_view schema = "workflow.tree-cache/1 ";
constexpr std::size_t hash_size = 64;
/// The coarsest clock of a file system that people work on.
constexpr std::int64_t tick_ns = 2'000'000'000;

std::int64_t ctime_ns(const struct stat& info) {
#ifdef __APPLE__
  const timespec& at = info.st_ctimespec;
#else
  const timespec& at = info.st_ctim;
#endif
  return static_cast<std::int64_t>(at.tv_sec) * 1'000'000'000 + at.tv_nsec;
}

/// A number and the space behind it.
template <class Number>
bool take(std::string_view& text, Number& number) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto size = static_cast<std::size_t>(end - text.data());
  if (fault != std::errc() || size >= text.size() || *end != ' ') return false;
  text.remove_prefix(size + 1);
  return true;
}

}  // namespace

bool StatCache::Line::same_file(const Line& other) const {
  return size == other.size && mtime_ns == other.mtime_ns && ctime_ns == other.ctime_ns &&
         inode == other.inode;
}

StatCache::Line StatCache::line_of(const struct stat& info, std::string sha256) {
  return {info.st_size, sync::mtime_ns(info), ctime_ns(info), info.st_ino, std::move(sha256)};
}

fs::path StatCache::place(const fs::path& root) {
  return cache_dir() / "trees" / sha256_hex(root.string()).substr(0, 32);
}

StatCache::StatCache(const fs::path& root)
    : file_(place(root)),
      begun_ns_(std::chrono::duration_cast<std::chrono::nanoseconds>(
                    std::chrono::system_clock::now().time_since_epoch())
                    .count()) {
  load();
}

/// The first line has the hash of all that follows: what is damaged is not believed.
void StatCache::load() try {
  const auto bytes = real_files().read(file_);
  if (!bytes || !bytes->starts_with(schema)) return;
  std::string_view text(*bytes);
  text.remove_prefix(schema.size());
  if (text.size() <= hash_size || text[hash_size] != '\n') return;
  if (sha256_hex(text.substr(hash_size + 1)) != text.substr(0, hash_size)) return;
  text.remove_prefix(hash_size + 1);
  while (!text.empty()) {
    Line line;
    if (!take(text, line.size) || !take(text, line.mtime_ns) || !take(text, line.ctime_ns) ||
        !take(text, line.inode) || text.size() <= hash_size) {
      return before_.clear();
    }
    line.sha256 = text.substr(0, hash_size);
    const std::size_t end = text.find('\0');
    if (end == std::string_view::npos || end < hash_size) return before_.clear();
    before_.emplace(text.substr(hash_size, end - hash_size), std::move(line));
    text.remove_prefix(end + 1);
  }
} catch (const Error&) {
  before_.clear();
}

std::optional<std::string> StatCache::hash_of(const std::string& path,
                                              const struct stat& info) const {
  const auto known = before_.find(path);
  if (known == before_.end() || !known->second.same_file(line_of(info, {}))) return std::nullopt;
  return known->second.sha256;
}

void StatCache::note(const std::string& path, const struct stat& info, std::string sha256) {
  Line line = line_of(info, std::move(sha256));
  const bool may_change_unseen = std::max(line.mtime_ns, line.ctime_ns) > begun_ns_ - tick_ns;
  if (may_change_unseen) return;
  const auto known = before_.find(path);
  changed_ = changed_ || known == before_.end() || !known->second.same_file(line);
  now_.insert_or_assign(path, std::move(line));
}

void StatCache::save() const try {
  if (!changed_ && now_.size() == before_.size()) return;
  std::string text;
  for (const auto& [path, line] : now_) {
    text += std::to_string(line.size) + " " + std::to_string(line.mtime_ns) + " " +
            std::to_string(line.ctime_ns) + " " + std::to_string(line.inode) + " " + line.sha256 +
            path + '\0';
  }
  real_files().make_dirs(file_.parent_path());
  real_files().write(file_, std::string(schema) + sha256_hex(text) + "\n" + text,
                     {.mode = 0600, .durable = false});
} catch (const Error&) {  // the next push reads the files again
}

}  // namespace workflow::client
