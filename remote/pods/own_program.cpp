#include "remote/pods/own_program.h"

#include <unistd.h>

#include <cstdlib>

#include "common/error.h"
#include "common/text.h"

namespace workflow::pods {
namespace {

bool executable(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

fs::path find_executable(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string search = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  for (const auto& dir : split(search + ":/usr/local/sbin:/usr/sbin:/sbin", ':')) {
    if (!dir.empty() && executable(fs::path(dir) / name)) return fs::path(dir) / name;
  }
  return {};
}

fs::path own_program() {
  std::error_code ignored;
  const fs::path self = fs::read_symlink("/proc/self/exe", ignored);
  if (self.filename() == "workflow") return self;
  // Replaced by a newer one meanwhile: the old one can still be started by this name.
  if (self.filename() == "workflow (deleted)") return "/proc/self/exe";
  if (const char* set = std::getenv("WORKFLOW_PROGRAM"); set != nullptr && executable(set)) {
    return fs::absolute(set);
  }
  const fs::path found = find_executable("workflow");
  if (!found.empty()) return found;
  throw Error(Code::precondition, "the executable 'workflow' is not found",
              "put it on the PATH, or name it in WORKFLOW_PROGRAM");
}

}  // namespace workflow::pods
