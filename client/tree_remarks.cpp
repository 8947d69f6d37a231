#include "client/tree_remarks.h"

namespace workflow::client {
namespace {

/// Pointers of Git LFS have some 130 bytes.
constexpr std::int64_t shortest_pointer = 100;
constexpr std::int64_t longest_pointer = 200;

bool looks_secret(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name.ends_with(".pub") || name.ends_with(".example")) return false;
  return name == ".env" || name.starts_with(".env.") || name == ".netrc" ||
         name.starts_with("id_") || name.ends_with(".pem") || name.ends_with(".key") ||
         name == "credentials.json";
}

bool is_lfs_pointer(const fs::path& root, const TreeFile& file) {
  if (file.link || file.size < shortest_pointer || file.size > longest_pointer) return false;
  return read_file(root / file.path).rfind("version https://git-lfs.github.com/", 0) == 0;
}

}  // namespace

std::string named(const std::vector<std::string>& paths) {
  std::string text = paths.front();
  for (std::size_t i = 1; i < paths.size() && i < 5; ++i) text += ", " + paths[i];
  return paths.size() > 5 ? text + " and " + std::to_string(paths.size() - 5) + " more" : text;
}

std::vector<std::string> remarks_on(const fs::path& root, const TreeList& files) {
  std::vector<std::string> remarks;
  std::vector<std::string> secret;
  std::vector<std::string> pointers;
  for (const auto& file : files) {
    if (looks_secret(file.path)) secret.push_back(file.path);
    if (is_lfs_pointer(root, file)) pointers.push_back(file.path);
  }
  if (!secret.empty()) {
    remarks.push_back("shipped too, and perhaps secret: " + named(secret) +
                      "; .gitignore keeps files here");
  }
  if (!pointers.empty()) {
    remarks.push_back("only pointers of Git LFS, not their data, are here: " + named(pointers) +
                      "; git lfs pull brings it");
  }
  return remarks;
}

}  // namespace workflow::client
