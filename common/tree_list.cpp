#include "common/tree_list.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/error.h"
#include "common/json.h"
#include "common/plain_line.h"
#include "common/sha256.h"
#include "common/text.h"

namespace workflow {
namespace {

constexpr std::size_t piece = 1U << 20U;

std::string hash_of(int fd, const fs::path& path, std::int64_t& size) {
  Sha256 hash;
  std::string buffer(piece, '\0');
  size = 0;
  while (true) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_errno("cannot read '" + path.string() + "'");
    if (n == 0) return hash.hex();
    hash.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(n)));
    size += n;
  }
}

bool behind_link(const fs::path& root, const std::string& path) {
  fs::path at = root;
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    struct stat info {};
    at = root / path.substr(0, slash);
    if (::lstat(at.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) return true;
  }
  return false;
}

void put(Json& json, const char* key, const std::string& bytes) {
  json[valid_utf8(bytes) ? key : std::string(key) + "_base64"] =
      valid_utf8(bytes) ? bytes : base64(bytes);
}

std::string take(const Json& json, const std::string& key) {
  const std::string encoded = text_at(json, key + "_base64");
  return encoded.empty() ? text_at(json, key) : unbase64(encoded).value_or("");
}

/// A line; a tree's name is the hash of all of them.
std::string json_line(const TreeFile& file) {
  Json json = Json::object();
  put(json, "path", file.path);
  if (file.link) {
    put(json, "target", file.target);
  } else {
    json["sha256"] = file.sha256;
    json["size"] = file.size;
    if (file.program) json["program"] = true;
  }
  return dump_json(json) + "\n";
}

TreeFile from_json(std::string_view line) {
  const Json json = parse_json(line, "a tree's list");
  TreeFile file{.path = take(json, "path"),
                .program = flag_at(json, "program"),
                .size = number_at(json, "size"),
                .sha256 = text_at(json, "sha256"),
                .target = take(json, "target")};
  file.link = file.sha256.empty();
  return file;
}

/// The usual line: a file whose path is plain text.
bool from_plain(std::string_view line, TreeFile& file) {
  std::string_view path;
  std::string_view sha256;
  PlainLine plain(line);
  plain.skip("{\"path\":\"").text(path).skip("\",\"sha256\":\"").text(sha256);
  plain.skip("\",\"size\":").number(file.size);
  file.program = plain.next_is(",\"program\":true");
  if (file.program) plain.skip(",\"program\":true");
  plain.skip("}");
  if (!plain.whole() || sha256.empty()) return false;
  file.path = path;
  file.sha256 = sha256;
  return true;
}

void require_harmless(const std::string& path) {
  for (const auto& part : split(path, '/')) {
    if (!part.empty() && part != "." && part != ".." && !never_shipped(part) &&
        part.find('\0') == std::string::npos) {
      continue;
    }
    throw Error(Code::usage, "a pushed tree may not hold the path '" + path + "'");
  }
}

}  // namespace

bool never_shipped(std::string_view name) {
  return name == ".git" || name == ".venv" || name == ".workflow";
}

std::optional<TreeFile> look_at_file(const fs::path& root, const std::string& path) {
  const fs::path at = root / path;
  struct stat info {};
  if (::lstat(at.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw_errno("cannot look at '" + at.string() + "'");
  }
  TreeFile file{.path = path};
  if (behind_link(root, path)) return file;
  if (S_ISLNK(info.st_mode)) {
    file.link = true;
    file.target = fs::read_symlink(at).string();
  } else if (S_ISREG(info.st_mode)) {
    const UniqueFd fd = open_regular(at);
    if (!fd.valid()) throw_errno("cannot read '" + at.string() + "'");
    file.program = (info.st_mode & S_IXUSR) != 0;
    file.sha256 = hash_of(fd.get(), at, file.size);
  }
  return file;
}

std::string tree_text(const TreeList& list) {
  std::string text;
  for (const auto& file : list) {
    if (file.link || !is_plain(file.path)) {
      text += json_line(file);
    } else {
      text.append("{\"path\":\"").append(file.path).append("\",\"sha256\":\"");
      text.append(file.sha256).append("\",\"size\":").append(std::to_string(file.size));
      text += file.program ? ",\"program\":true}\n" : "}\n";
    }
  }
  return text;
}

TreeList tree_from(std::string_view text) {
  TreeList list;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    TreeFile file;
    if (!from_plain(line, file)) file = from_json(line);
    require_harmless(file.path);
    if (!list.empty() && list.back().path >= file.path) {
      throw Error(Code::usage, "a tree's list is not in order");
    }
    list.push_back(std::move(file));
  }
  return list;
}

const TreeFile* find_file(const TreeList& list, std::string_view path) {
  const auto at = std::ranges::lower_bound(list, path, {}, &TreeFile::path);
  return at == list.end() || at->path != path ? nullptr : &*at;
}

}  // namespace workflow
