#pragma once

#include <string>

#include "common/subprocess.h"
#include "common/text.h"
#include "common/unique_fd.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/sshd.h"
#include "tests/support/workspace.h"

namespace workflow::test {

/// A user's workspace with ssh settings of its own, from which targets are reached by the built
/// program.
class Reach {
 public:
  Reach();
  ~Reach();
  Reach(const Reach&) = delete;
  Reach& operator=(const Reach&) = delete;

  /// Names a server in the settings; `first` are lines that win over what is needed to log in.
  void host(const std::string& alias, const Sshd& sshd, const std::string& first = {});
  /// Names a port of this machine that may be no server at all.
  void at(const std::string& alias, int port, const std::string& first = {});

  /// Runs `workflow -v fsm-status` there; `way` is WF_TRANSPORT.
  [[nodiscard]] Captured ask(const std::string& alias, const std::string& way = "auto");
  /// The same without waiting; its words go to `out` in the workspace.
  [[nodiscard]] pid_t start(const std::string& alias, const std::string& way,
                            const std::string& out);
  /// Ends the connections that ssh keeps open for later commands.
  void end_masters() const;
  /// Processes of this workspace whose command line holds `words`.
  [[nodiscard]] std::size_t processes(const std::string& words) const;

  Workspace space;

 private:
  [[nodiscard]] std::vector<std::string> words(const std::string& alias) const;
  void add(const std::string& lines) const;
};

/// A listening port of this machine that says nothing to those who come.
class Listener {
 public:
  Listener();
  [[nodiscard]] int port() const { return port_; }
  void close() { fd_.reset(); }
  /// How many connections have come so far.
  [[nodiscard]] std::size_t queued() const;
  /// Takes all places in the queue, so that further connections are not answered at all.
  void fill();

 private:
  UniqueFd fd_;
  int port_ = 0;
  std::vector<UniqueFd> waiting_;
  mutable std::vector<UniqueFd> taken_;
};

/// A connection to a port of this machine, and whether the server has greeted it.
[[nodiscard]] UniqueFd connected(int port);
[[nodiscard]] bool greeted(const UniqueFd& connection);

/// The exit code of a child, after its end.
[[nodiscard]] int exit_of(pid_t pid);

}  // namespace workflow::test
