#include "tasks/steps/data.h"

#include <glob.h>

#include "common/error.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

bool is_there(const fs::path& data, const std::string& pattern) {
  for (const auto& word : split(pattern, ' ')) {
    if (word.empty()) continue;
    glob_t found{};
    const bool any = ::glob((data / word).c_str(), 0, nullptr, &found) == 0 && found.gl_pathc > 0;
    ::globfree(&found);
    if (!any) return false;
  }
  return true;
}

}  // namespace

void ensure_data(const Step& step) {
  const Site& site = step.site();
  const std::string pattern = site.text("DATA_REQUIRED_GLOB");
  if (pattern.empty()) return;
  const fs::path data = site.path("DATA_DIR");
  if (data.empty()) throw Error(Code::usage, "DATA_REQUIRED_GLOB is set, DATA_DIR is not");
  if (is_there(data, pattern)) return;
  const std::string missing = "no '" + pattern + "' in '" + data.string() + "'";
  const std::string command = site.text("DATA_DOWNLOAD_CMD");
  if (command.empty()) {
    throw Error(Code::precondition, missing, "put the data there, or set DATA_DOWNLOAD_CMD");
  }
  site.files().make_dirs(data);
  step.run({"bash", "-c", command}, data, {"DATA_DIR=" + data.string()});
  if (is_there(data, pattern)) return;
  throw Error(Code::precondition, "DATA_DOWNLOAD_CMD ended well, but there is " + missing);
}

}  // namespace workflow::tasks
