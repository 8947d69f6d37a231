#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/reconnect.h"
#include "client/settings.h"
#include "common/json_fwd.h"
#include "remote/link/link.h"
#include "remote/transport/endpoint.h"

// One command's way to its target: the settings it was called with and the agent over there.
namespace workflow::client {

/// Told every event of a call but its result.
using OnEvent = std::function<void(const Json&)>;

/// The target in its parts.
struct Target {
  enum class Kind { local, ssh, pod };
  Kind kind = Kind::local;
  std::string destination;  ///< of ssh: an alias, or ssh://user@host:port; of a pod: its id
  std::string provider{};   ///< of a pod
};

/// Reads `local`, `ssh:ALIAS`, …; Error(usage) that says how to set one when it is empty or of no
/// such form.
[[nodiscard]] Target parse_target(const std::string& text);

class Session {
 public:
  /// `interrupt_fd` becomes readable at Ctrl-C (-1: none). Connects at the first call. What
  /// WF_SECRETS names is read now; over ssh it leaves this process's environment.
  Session(Settings settings, int interrupt_fd);

  [[nodiscard]] const Settings& settings() const { return settings_; }

  /// Remarks for people: a connection lost, and there again.
  void on_remark(std::function<void(const std::string&)> remark) { remark_ = std::move(remark); }

  struct Call {
    std::string verb;
    Json args = Json::object();  ///< added to what every request carries: settings, who asks
    std::vector<protocol::Blob> blobs{};
    Again again = Again::once;
    OnEvent on_event{};
    /// What goes to the agent behind the request; asked for anew when the call is made again.
    std::function<link::Input()> input{};
  };
  /// Calls a verb of the agent; after a lost connection once more, as `again` allows.
  Json call(const Call& call);
  /// Where the target is, as the user's own ssh would go there; nothing for this machine. Asked
  /// once.
  [[nodiscard]] const std::optional<transport::Endpoint>& endpoint();
  /// The target may be elsewhere now: its address is found anew at the next call.
  void find_again();
  /// How the target was reached, in words; empty before the first call.
  [[nodiscard]] std::string way() const { return link_ ? link_->way() : std::string(); }
  [[nodiscard]] int interrupt_fd() const { return interrupt_fd_; }
  /// Waits; Error(detached) at Ctrl-C.
  void pause(std::int64_t ms) const;

  /// `call` with bytes in both directions, made once, nothing of which is masked.
  Json stream(const std::string& verb, const Json& args, const link::CallOptions& options,
              std::vector<protocol::Blob> blobs);

  /// A `stream` that only reads: after a lost connection it is made again, with options made anew,
  /// as long as what it hears gets on.
  Json stream_again(const std::string& verb, const Json& args,
                    const std::function<link::CallOptions()>& options,
                    const std::vector<protocol::Blob>& blobs = {});

  /// From the next call on, the way that is quick for many bytes; where WF_TRANSPORT leaves it
  /// open. Not while a call is going.
  void prefer_bulk();
  /// After a call, whether that would win more for so many bytes than logging in again costs. On a
  /// long line it is the line that takes the time.
  [[nodiscard]] bool bulk_pays(std::int64_t bytes) const;

  /// The blobs of the variables that WF_SECRETS names; Error(usage) for one that is not set.
  [[nodiscard]] std::vector<protocol::Blob> secrets() const;
  /// The login that stood in REPO_URL, for the step that needs it; nothing where there was none.
  [[nodiscard]] std::vector<protocol::Blob> repo_login() const;
  /// The values of those that are set, and what is secret in REPO_URL.
  [[nodiscard]] std::vector<std::string> secret_values() const;
  /// The same error without them.
  [[nodiscard]] Error masked(const Error& error) const;

 private:
  [[nodiscard]] protocol::Request request(const std::string& verb, const Json& args,
                                          std::vector<protocol::Blob> blobs) const;
  link::Link& link();
  [[nodiscard]] std::unique_ptr<transport::Transport> reach();

  Settings settings_;
  int interrupt_fd_ = -1;
  std::function<void(const std::string&)> remark_;
  std::map<std::string, std::string> secrets_;  ///< name and value
  std::optional<transport::Endpoint> endpoint_;
  bool bulk_ = false;
  std::unique_ptr<link::Link> link_;
};

}  // namespace workflow::client
