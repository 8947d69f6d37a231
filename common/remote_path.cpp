#include "common/remote_path.h"

#include "common/error.h"
#include "common/text.h"

namespace workflow {

std::string remote_path(std::string_view text, std::string_view what) {
  if (text.empty()) throw Error(Code::usage, std::string(what) + " is empty");
  if (text.find('\0') != std::string_view::npos) {
    throw Error(Code::usage, std::string(what) + " holds a NUL byte");
  }
  const bool absolute = text.front() == '/';
  const bool home = text == "~" || text.starts_with("~/");
  std::vector<std::string> parts;
  for (const auto& part : split(home ? text.substr(1) : text, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    } else if (!absolute) {  // above / there is nothing
      throw Error(Code::usage,
                  std::string(what) + " '" + std::string(text) + "' leads out of the " +
                      (home ? "home directory" : "workspace"),
                  "write an absolute path if you mean it");
    }
  }
  const std::string path = join(parts, "/");
  if (absolute) return "/" + path;
  if (home) return path.empty() ? "~" : "~/" + path;
  return path.empty() ? "." : path;
}

}  // namespace workflow
