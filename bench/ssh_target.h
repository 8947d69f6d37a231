#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/delay_relay.h"
#include "tests/support/far_space.h"

namespace workflow::bench {

/// How far away the same sshd is: on loopback, or behind a relay that delays nothing, or one that
/// makes a round trip of 50 ms.
enum class Where { near, relayed, far };

/// A real sshd of its own under three names of the user's ssh settings: `pod`, and `quick` and
/// `slow` through the relays. At work, its workspace is checked out, its sweep runs, and
/// connections are up.
class SshTarget {
 public:
  static constexpr std::chrono::milliseconds one_way{25};

  enum class Work { sweep, none };
  explicit SshTarget(Work work = Work::sweep);

  /// Seconds of `workflow WORDS…` over a way (WF_TRANSPORT); throws when it fails.
  double ours(Where where, const std::string& way, const std::vector<std::string>& words);
  /// Seconds of a login by the system's ssh that runs `true`.
  double ssh(Where where);
  /// The same of `cat`, which waits for a line on its stdin as our agent does.
  double ssh_cat(Where where);
  /// Both over a master connection that is up.
  double shared_ssh(Where where);
  double shared_cat(Where where);
  /// Seconds of any program of the system's, `input` its stdin; throws when it fails.
  double program(std::vector<std::string> argv, const fs::path& input = {});

  /// The settings of ssh that make the names known.
  [[nodiscard]] fs::path settings() const { return space_.sshd().dir() / "ssh_config"; }
  [[nodiscard]] const test::Workspace& space() const { return space_.space; }

  [[nodiscard]] test::Workspace& space() { return space_.space; }
  [[nodiscard]] static std::string name(Where where);

 private:
  static std::vector<std::string> login(Where where) { return {"ssh", name(where)}; }
  [[nodiscard]] std::vector<std::string> shared(Where where) const;
  [[nodiscard]] std::string master(Where where) const;
  void make_name(Where where, int port);
  void open_masters();
  void start_work();

  test::FarSpace space_;
  DelayRelay quick_;
  DelayRelay slow_;
};

}  // namespace workflow::bench
