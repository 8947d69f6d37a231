#pragma once

#include <string>
#include <vector>

#include "remote/transport/endpoint.h"

// How every ssh of ours is called, so that one place knows what the user's settings do not.
namespace workflow::transport {

/// The beginning of every call, the program's name first: the keys of a rented pod, and no command
/// of the settings. Only a `login` takes the key of a rented pod that is met for the first time.
[[nodiscard]] std::vector<std::string> ssh_argv(const Endpoint& endpoint, bool login);

/// Adds each as `-o OPTION`.
void add_options(std::vector<std::string>& argv, const std::vector<std::string>& options);

/// A dead peer is noticed within ten seconds, a login ends within its limit.
[[nodiscard]] std::vector<std::string> keepalive_options(const Endpoint& endpoint);

/// A path as the value of an ssh option: blanks and per cent signs mean something there.
[[nodiscard]] std::string ssh_value(const fs::path& path);

/// The same ciphers, with the one first that processors help with.
[[nodiscard]] std::string quick_ciphers_first(const std::string& list);

/// A file for ssh's own words, gone with the object.
class SshLog {
 public:
  SshLog();
  ~SshLog();
  SshLog(const SshLog&) = delete;
  SshLog& operator=(const SshLog&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] std::string words() const { return real_files().read(path_).value_or(""); }

 private:
  fs::path path_;
};

/// ssh's own words go there, apart from what the remote program writes.
void log_to(std::vector<std::string>& argv, const SshLog& log);

}  // namespace workflow::transport
