#include "tasks/jobs/cache_place.h"

#include "common/error.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

struct CacheRow {
  const char* variable;
  const char* place;
};
constexpr CacheRow rows[] = {{"HF_HOME", "huggingface"},
                             {"HF_HUB_CACHE", "huggingface/hub"},
                             {"HF_DATASETS_CACHE", "huggingface/datasets"},
                             {"UV_CACHE_DIR", "uv"},
                             {"PIP_CACHE_DIR", "pip"},
                             {"TORCH_HOME", "torch"}};

fs::path chosen(const Site& site, const std::vector<std::string>& places) {
  for (const auto& place : places) {
    const fs::path path = under_home(site, place);
    if (places.size() == 1 || fs::is_directory(path)) return path;
  }
  throw Error(Code::precondition,
              "the volume is at none of the places where it is looked for: " + join(places, ", "),
              "--cache-dir DIR names the place");
}

}  // namespace

fs::path under_home(const Site& site, const std::string& path) {
  const fs::path home = site.expand("~");
  if (path == "~") return home;
  const fs::path below = path.starts_with("~/") ? path.substr(2) : path;
  return (home / below).lexically_normal();
}

std::vector<std::string> cache_environment(const Site& site,
                                           const std::vector<std::string>& places) {
  const fs::path root = chosen(site, places) / ".cache";
  std::vector<std::string> env;
  try {
    for (const auto& row : rows) {
      site.files().make_dirs(root / row.place);
      env.push_back(std::string(row.variable) + "=" + (root / row.place).string());
    }
    const fs::path probe = root / (".workflow-probe-" + random_hex(4));
    site.files().write(probe, "written to\n", {.durable = false});
    fs::remove(probe);
  } catch (const Error& fault) {
    throw Error(Code::precondition, std::string("downloads cannot be kept: ") + fault.what(),
                "--cache-dir DIR names another place");
  }
  return env;
}

}  // namespace workflow::tasks
