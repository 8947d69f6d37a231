#include "remote/transport/own_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "common/error.h"
#include "common/user_dirs.h"

namespace workflow::transport {
namespace {

/// What ssh adds to the directory: a slash, our name, and a suffix while it binds.
constexpr std::size_t longest_directory = 104 - 1 - 16 - 18;

/// Makes a directory unless it is there; whether nobody else can reach into it.
bool own(const fs::path& dir) {
  ::mkdir(dir.c_str(), 0700);
  struct stat info {};
  return ::lstat(dir.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
         (info.st_mode & 077U) == 0;
}

}  // namespace

fs::path runtime_directory() {
  const fs::path fallback = "/tmp/workflow-" + std::to_string(::geteuid());
  const char* set = std::getenv("XDG_RUNTIME_DIR");
  const bool given = set != nullptr && *set == '/';
  const fs::path wanted = given ? fs::path(set) / "workflow" : fallback;
  // The variable outlives its directory, for example across su.
  if (wanted.string().size() <= longest_directory && own(wanted)) return wanted;
  if (own(fallback)) return fallback;
  throw Error(Code::precondition, "'" + fallback.string() + "' is not a directory of yours alone",
              "remove it, or set XDG_RUNTIME_DIR");
}

fs::path pods_known_hosts() { return state_dir() / "known_hosts"; }

fs::path ways_directory() { return cache_dir() / "ways"; }

std::string text_of(const fs::path& path) try {
  return real_files().read(path).value_or("");
} catch (const Error&) {
  return {};
}

}  // namespace workflow::transport
