#include "remote/sync/listing.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "common/error.h"
#include "common/text.h"
#include "remote/sync/below.h"

namespace workflow::sync {
namespace {

class Lister {
 public:
  Lister(const fs::path& root, const Choose& choose, LinksOut links_out)
      : root_(root), choose_(choose), links_out_(links_out) {}

  Listing list() {
    enter("", Choice::take);
    return std::move(out_);
  }

 private:
  void enter(const std::string& below, Choice choice) {
    std::error_code fault;
    std::vector<std::string> names;
    const fs::path dir = below.empty() ? root_ : root_ / below;
    for (fs::directory_iterator it(dir, fault), end; !fault && it != end; it.increment(fault)) {
      names.push_back(it->path().filename().string());
    }
    if (fault && fault != std::errc::no_such_file_or_directory) {
      if (below.empty()) {
        throw Error(Code::precondition, "cannot read '" + dir.string() + "': " + fault.message());
      }
      pass_over(below, fault.message());
    }
    std::sort(names.begin(), names.end());
    for (const auto& name : names) look(below.empty() ? name : below + "/" + name, choice);
  }

  void look(const std::string& path, Choice above) {
    struct stat info {};
    if (::lstat((root_ / path).c_str(), &info) != 0) return;  // it has vanished
    const bool directory = S_ISDIR(info.st_mode);
    const Choice choice = above == Choice::take ? choose_(path, directory) : above;
    if (choice == Choice::ignore) return;
    if (choice == Choice::take) {
      take(path, info);
    } else if (S_ISREG(info.st_mode)) {
      out_.left_out_files += 1;
      out_.left_out_bytes += info.st_size;
    }
    if (directory) enter(path, choice);
  }

  void take(const std::string& path, const struct stat& info) {
    Entry entry{.kind = Kind::directory,
                .path = path,
                .mode = info.st_mode & 0777U,
                .mtime_ns = mtime_ns(info)};
    if (S_ISLNK(info.st_mode)) {
      std::error_code fault;
      entry.kind = Kind::link;
      entry.target = fs::read_symlink(root_ / path, fault).string();
      if (fault) return pass_over(path, fault.message());
      if (links_out_ == LinksOut::passed_over && !link_stays_below(path, entry.target)) {
        return pass_over(path, "a link that leads out of the run");
      }
    } else if (S_ISREG(info.st_mode)) {
      entry.kind = Kind::file;
      entry.size = info.st_size;
    } else if (!S_ISDIR(info.st_mode)) {
      return pass_over(path, "no file, directory or link");
    }
    out_.found.push_back({std::move(entry), info.st_ino});
  }

  void pass_over(const std::string& path, const std::string& why) {
    out_.passed_over.push_back("'" + shown(path) + "': " + why);
  }

  const fs::path& root_;
  const Choose& choose_;
  LinksOut links_out_;
  Listing out_;
};

}  // namespace

Listing list_tree(const fs::path& root, const Choose& choose, LinksOut links_out) {
  return Lister(root, choose, links_out).list();
}

bool link_stays_below(const std::string& path, const std::string& target) {
  if (target.empty() || target.front() == '/') return false;
  // How many directories a `..` may leave. One behind a name is refused: the name may be a link.
  auto depth = std::count(path.begin(), path.end(), '/');
  bool named = false;
  for (const auto& part : split(target, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      named = true;
    } else if (named || --depth < 0) {
      return false;
    }
  }
  return true;
}

}  // namespace workflow::sync
