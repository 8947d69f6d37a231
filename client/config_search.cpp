#include "client/config_search.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string_view>

#include "common/error.h"

namespace workflow::client {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view file_name = "workflow.env";
constexpr std::size_t size_limit = 1U << 20U;

ConfigFile named(const fs::path& given, const fs::path& working_dir, std::string_view by) {
  const ConfigFile file{(working_dir / given).lexically_normal(), given.string()};
  std::error_code error;
  const auto status = fs::status(file.path, error);
  if (!fs::exists(status)) {
    throw Error(Code::usage,
                "no configuration '" + file.shown + "' (named by " + std::string(by) + ")",
                "correct the path, or copy workflow.env.example there");
  }
  return file;
}

std::optional<uid_t> owner(const fs::path& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return std::nullopt;
  return info.st_uid;
}

bool trusted(const fs::path& file, const fs::path& working_dir) {
  const auto uid = owner(file);
  return uid == uid_t{0} || uid == geteuid() || uid == owner(working_dir);
}

}  // namespace

std::optional<ConfigFile> find_config(const std::optional<fs::path>& flag,
                                      const Environment& environment, const fs::path& working_dir,
                                      std::vector<std::string>& warnings) {
  if (flag) return named(*flag, working_dir, "--config");
  const auto variable = environment ? environment("WORKFLOW_CONFIG") : std::nullopt;
  if (variable && !variable->empty()) return named(*variable, working_dir, "WORKFLOW_CONFIG");

  for (fs::path dir = working_dir;; dir = dir.parent_path()) {
    std::error_code error;
    const fs::path file = dir / file_name;
    if (fs::exists(file, error)) {
      const std::string shown = file.lexically_relative(working_dir).string();
      if (dir == working_dir || trusted(file, working_dir)) return ConfigFile{file, shown};
      warnings.push_back(shown + ": belongs to another user, not read; --config " + shown +
                         " reads it");
    }
    if (fs::exists(dir / ".git", error) || dir == dir.root_path()) return std::nullopt;
  }
}

std::string read_config(const ConfigFile& file) {
  std::error_code error;
  if (fs::is_directory(file.path, error)) {
    throw Error(Code::usage, "'" + file.shown + "' is a directory, not a configuration file");
  }
  std::ifstream in(file.path, std::ios::binary);
  if (!in) throw_errno("cannot read '" + file.shown + "'", Code::usage);
  std::string bytes(size_limit + 1, '\0');
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  if (in.bad()) throw_errno("cannot read '" + file.shown + "'", Code::usage);
  if (bytes.size() > size_limit) {
    throw Error(Code::usage, "'" + file.shown + "' is larger than 1 MiB; not a configuration file");
  }
  return bytes;
}

}  // namespace workflow::client
