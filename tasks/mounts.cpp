#include "tasks/mounts.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <vector>

#include "common/text.h"

namespace workflow::tasks {
namespace {

/// mountinfo writes space, tab, newline and backslash as three octal digits.
std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool has_option(const std::string& options, std::string_view wanted) {
  for (const auto& option : split(options, ',')) {
    if (option == wanted) return true;
  }
  return false;
}

bool lies_under(const fs::path& path, const fs::path& point) {
  const auto relative = path.lexically_relative(point);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

bool Mount::is_network() const {
  return type.rfind("nfs", 0) == 0 || type == "cifs" || type == "smb3" || type == "lustre" ||
         type == "ceph" || type == "gpfs" || type == "beegfs";
}

std::optional<Mount> mount_in(std::string_view mountinfo, const fs::path& path) {
  std::optional<Mount> found;
  std::size_t depth = 0;
  for (const auto& line : split(mountinfo, '\n')) {
    const auto dash = line.find(" - ");
    const auto fields = split(line.substr(0, dash), ' ');
    if (dash == std::string::npos || fields.size() < 6) continue;
    const auto rest = split(line.substr(dash + 3), ' ');
    const fs::path point = unescaped(fields[4]);
    if (rest.size() < 3 || !lies_under(path, point)) continue;
    const auto deep = static_cast<std::size_t>(std::distance(point.begin(), point.end()));
    if (found && deep < depth) continue;  // of two at the same point the later one covers
    depth = deep;
    found = Mount{point, unescaped(rest[0]), unescaped(rest[1]),
                  has_option(fields[5], "ro") || has_option(rest[2], "ro"),
                  has_option(fields[5], "noexec")};
  }
  return found;
}

fs::path nearest_existing(fs::path path) {
  std::error_code ignored;
  while (!fs::exists(path, ignored) && path.has_relative_path()) path = path.parent_path();
  const fs::path real = fs::canonical(path, ignored);
  return ignored ? path : real;
}

namespace {

constexpr int most_links = 40;

/// Where a path leads without its symlinks, as far as the first FUSE mount on the way.
fs::path leads_to(std::string_view mountinfo, const fs::path& path) {
  std::vector<fs::path> rest(path.begin(), path.end());
  std::reverse(rest.begin(), rest.end());
  fs::path at = path.is_absolute() ? fs::path() : fs::current_path();
  for (int links = 0; !rest.empty();) {
    const fs::path part = rest.back();
    rest.pop_back();
    if (part == ".." || part.empty() || part == ".") {
      if (part == "..") at = at.parent_path();
      continue;
    }
    at = part.is_absolute() ? part : at / part;
    const auto mount = mount_in(mountinfo, at);
    if (mount && mount->is_fuse()) return at;
    std::error_code none;
    const fs::path target = fs::read_symlink(at, none);
    if (none || ++links > most_links) continue;
    at = at.parent_path();
    const std::vector<fs::path> parts(target.begin(), target.end());
    rest.insert(rest.end(), parts.rbegin(), parts.rend());
  }
  return at;
}

}  // namespace

std::optional<Mount> mount_of(const fs::path& path) {
  const auto mountinfo = real_files().read("/proc/self/mountinfo");
  return mountinfo ? mount_in(*mountinfo, leads_to(*mountinfo, path)) : std::nullopt;
}

std::optional<Space> space_at(const fs::path& path) {
  struct statvfs info {};
  if (::statvfs(nearest_existing(path).c_str(), &info) != 0) return std::nullopt;
  const auto block = static_cast<std::int64_t>(info.f_frsize);
  Space space;
  space.free_bytes = static_cast<std::int64_t>(info.f_bavail) * block;
  space.total_bytes = static_cast<std::int64_t>(info.f_blocks) * block;
  if (info.f_files > 0) space.free_inodes = static_cast<std::int64_t>(info.f_favail);
  return space;
}

}  // namespace workflow::tasks
