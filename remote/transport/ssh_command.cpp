#include "remote/transport/ssh_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "common/error.h"
#include "common/text.h"
#include "common/unique_fd.h"
#include "remote/transport/known_lines.h"
#include "remote/transport/own_files.h"

namespace workflow::transport {
namespace {

/// What the settings of the user's ssh do not know of a rented pod. Its key is taken at the login,
/// when none is known, and only then.
void add_pod(std::vector<std::string>& argv, const Endpoint& endpoint, bool login) {
  if (endpoint.pod_id.empty()) return;
  const fs::path& file = endpoint.known_hosts.front();
  real_files().make_dirs(file.parent_path());
  if (presence(file) == Presence::absent) real_files().append(file, "", {.mode = 0600});
  const bool takes_it = login && known_lines(endpoint).empty();
  for (const auto& key : endpoint.identity_files) {
    argv.insert(argv.end(), {"-i", key.string()});
  }
  add_options(argv, {"HostKeyAlias=" + endpoint.host_key_alias,
                     "UserKnownHostsFile=" + ssh_value(file), "GlobalKnownHostsFile=none",
                     std::string("StrictHostKeyChecking=") + (takes_it ? "accept-new" : "yes"),
                     "HashKnownHosts=no", "UpdateHostKeys=no", "CheckHostIP=no"});
}

}  // namespace

std::vector<std::string> ssh_argv(const Endpoint& endpoint, bool login) {
  std::vector<std::string> argv{"ssh"};
  add_options(argv, {"RemoteCommand=none"});
  add_pod(argv, endpoint, login);
  return argv;
}

void add_options(std::vector<std::string>& argv, const std::vector<std::string>& options) {
  for (const auto& option : options) argv.insert(argv.end(), {"-o", option});
}

std::vector<std::string> keepalive_options(const Endpoint& endpoint) {
  const std::int64_t seconds = (endpoint.limit_ms() + 999) / 1000;
  return {"ServerAliveInterval=5", "ServerAliveCountMax=2",
          "ConnectTimeout=" + std::to_string(seconds)};
}

std::string ssh_value(const fs::path& path) {
  std::string out = "\"";
  for (const char c : path.string()) out += c == '%' ? std::string("%%") : std::string(1, c);
  return out + "\"";
}

std::string quick_ciphers_first(const std::string& list) {
  std::vector<std::string> names = split(list, ',');
  std::stable_partition(names.begin(), names.end(),
                        [](const auto& name) { return name == "aes128-gcm@openssh.com"; });
  return join(names, ",");
}

SshLog::SshLog() {
  std::string path = (runtime_directory() / "log-XXXXXX").string();
  const UniqueFd fd(::mkstemp(path.data()));
  if (!fd.valid()) throw_errno("'" + path + "'");
  path_ = path;
}

SshLog::~SshLog() { ::unlink(path_.c_str()); }

void log_to(std::vector<std::string>& argv, const SshLog& log) {
  argv.insert(argv.end(), {"-T", "-E", log.path().string()});
  add_options(argv, {"LogLevel=INFO"});
}

}  // namespace workflow::transport
