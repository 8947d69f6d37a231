#include "sweep/checkpoint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "common/clock.h"
#include "common/text.h"
#include "sweep/artifacts.h"

namespace workflow::sweep {
namespace {

// A training's out/ may hold anything; a look at it stays short.
constexpr int deepest = 4;
constexpr std::size_t most_entries = 20'000;
// A zip file ends with a record of 22 bytes and a comment of at most 64 KiB.
constexpr std::int64_t zip_end = 22 + 65'535;

bool zip_has_end(const fs::path& file) {
  const FileTail tail = read_tail(file, zip_end);
  if (tail.size < 4) return false;
  const std::string_view bytes = tail.bytes;
  return bytes.find(std::string_view("PK\x05\x06", 4)) != std::string_view::npos;
}

bool is_zip(const fs::path& file) {
  const UniqueFd fd = open_regular(file);
  char magic[4] = {};
  return fd.valid() && ::read(fd.get(), magic, 4) == 4 &&
         std::string_view(magic, 4) == "PK\x03\x04";
}

/// A safetensors file begins with the length of its header, little end first.
bool header_fits(const fs::path& file, std::int64_t size) {
  const UniqueFd fd = open_regular(file);
  unsigned char head[8] = {};
  if (!fd.valid() || ::read(fd.get(), head, 8) != 8) return false;
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | head[i];
  return length <= static_cast<std::uint64_t>(size) - 8;
}

bool is_whole(const fs::path& file, std::int64_t size) {
  if (size == 0) return false;
  if (file.extension() == ".safetensors") return size > 8 && header_fits(file, size);
  return !is_zip(file) || zip_has_end(file);
}

class Search {
 public:
  explicit Search(fs::path out) : out_(std::move(out)) { look(out_, 0); }

  std::vector<Checkpoint> found;

 private:
  void look(const fs::path& dir, int depth) {
    std::error_code fault;
    for (fs::directory_iterator it(dir, fault), end; !fault && it != end; it.increment(fault)) {
      if (++entries_ > most_entries) return;
      struct stat info {};
      if (::lstat(it->path().c_str(), &info) != 0) continue;
      const std::string path = it->path().lexically_relative(out_).string();
      if (is_checkpoint(path, S_ISDIR(info.st_mode))) {
        add(path, info);
      } else if (S_ISDIR(info.st_mode) && depth < deepest) {
        look(it->path(), depth + 1);
      }
    }
  }

  static std::int64_t changed_ms(const struct stat& info) {
    return info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1'000'000;
  }

  void add(const std::string& path, const struct stat& info) {
    Checkpoint one{path, changed_ms(info), info.st_size};
    if (S_ISREG(info.st_mode)) return found.push_back(one);
    if (!S_ISDIR(info.st_mode)) return;  // a link says nothing of what it names
    one.bytes = 0;
    std::error_code fault;
    for (fs::recursive_directory_iterator it(out_ / path, fault), end; !fault && it != end;
         it.increment(fault)) {
      struct stat inner {};
      if (++entries_ > most_entries || ::lstat(it->path().c_str(), &inner) != 0) break;
      if (!S_ISREG(inner.st_mode)) continue;
      one.bytes += inner.st_size;
      one.saved_ms = std::max(one.saved_ms, changed_ms(inner));
    }
    found.push_back(one);
  }

  fs::path out_;
  std::size_t entries_ = 0;
};

}  // namespace

std::optional<Checkpoint> newest_checkpoint(const fs::path& out, std::string* torn) {
  std::vector<Checkpoint> found = std::move(Search(out).found);
  std::ranges::stable_sort(found, std::ranges::greater{}, &Checkpoint::saved_ms);
  for (const Checkpoint& one : found) {
    const bool directory = fs::is_directory(fs::symlink_status(out / one.path));
    if (directory ? one.bytes > 0 : is_whole(out / one.path, one.bytes)) return one;
    if (torn != nullptr && torn->empty()) *torn = one.path;
  }
  return std::nullopt;
}

Json resume_facts(const fs::path& out) {
  std::string torn;
  const auto newest = newest_checkpoint(out, &torn);
  const std::string cut = torn.empty() ? "" : "'" + torn + "' is not whole";
  if (!newest) {
    return {
        {"resumable", false},
        {"checkpoint", nullptr},
        {"resumable_reason",
         cut.empty() ? "out/ holds no checkpoint of a known name (*.pt *.pth *.ckpt *.safetensors "
                       "checkpoint*/)"
                     : cut}};
  }
  return {{"resumable", true},
          {"checkpoint",
           {{"path", newest->path},
            {"saved_at", utc_text(newest->saved_ms)},
            {"bytes", newest->bytes}}},
          {"resumable_reason", cut.empty() ? "" : cut + "; an earlier one is"}};
}

Json resume_facts(const tasks::RunOut& out, bool may_hang) {
  if (out.sync || !may_hang) {
    Json facts = resume_facts(out.train);
    // Another pod's local disk has none of it; the next attempt is filled from what is durable.
    if (flag_at(facts, "resumable") || !out.sync || may_hang) return facts;
    return resume_facts(out.durable);
  }
  return {{"resumable", nullptr},
          {"checkpoint", nullptr},
          {"resumable_reason", "its out/ is on a file system that may hang; it was not looked at"}};
}

Json resume_facts(const fs::path& dir, const tasks::TaskSpec& spec) {
  const auto out = tasks::run_out_of(spec);
  return resume_facts(out.value_or(tasks::RunOut{.train = dir / "out", .durable = {}}),
                      out.has_value());
}

}  // namespace workflow::sweep
