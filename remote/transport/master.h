#pragma once

#include <string>
#include <vector>

#include "remote/transport/endpoint.h"

namespace workflow::transport {

/// Whether a ControlMaster of ssh answers on a socket; costs no process.
[[nodiscard]] bool master_answers(const fs::path& socket);

/// Our own connection through the system's ssh, which outlives this command by 10 minutes.
class Master {
 public:
  Master(const Endpoint& endpoint, int interrupt_fd);

  [[nodiscard]] const fs::path& socket() const { return socket_; }
  /// Logs in unless the connection is open already. A passphrase or a second factor is asked on
  /// the terminal where there is one. Error(unreachable), Error(precondition): as
  /// `throw_for_words`.
  void open() const;

 private:
  void log_in(std::int64_t deadline) const;

  Endpoint endpoint_;
  int interrupt_fd_;
  fs::path socket_;
};

/// A path as the value of an ssh option: blanks and per cent signs mean something there.
[[nodiscard]] std::string ssh_value(const fs::path& path);

/// The same ciphers, with the one first that processors help with.
[[nodiscard]] std::string quick_ciphers_first(const std::string& list);

/// Options of every ssh of ours to that endpoint, the program's name first. Its own words go to
/// the file `log`, apart from what the remote program writes. Only a `login` takes the key of a
/// rented pod that is met for the first time.
[[nodiscard]] std::vector<std::string> ssh_argv(const Endpoint& endpoint, const fs::path& log,
                                                bool login);

/// A file for those words, gone with the object.
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

}  // namespace workflow::transport
