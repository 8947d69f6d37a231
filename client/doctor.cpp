#include "client/doctor.h"

#include <cstdlib>

#include "client/doctor_account.h"
#include "client/doctor_here.h"
#include "common/clock.h"
#include "common/text.h"

namespace workflow::client {
namespace {

constexpr std::int64_t skew_that_matters_ms = 2'000;

class Doctor {
 public:
  Doctor(Session& session, const DoctorRequest& request)
      : session_(session), request_(request), tell_(request.tell) {}

  Diagnosis run() {
    add_all(look_at_this_machine(session_.settings()));
    add_all(look_at_settings(session_.settings()));
    if (request_.providers) add_all(look_at_accounts(request_.providers));
    if (resolution() && reach()) target();
    return std::move(diagnosis_);
  }

 private:
  void add(Check check) {
    check.number = static_cast<int>(diagnosis_.checks.size()) + 1;
    tell_(check);
    diagnosis_.checks.push_back(std::move(check));
  }

  void add_all(std::vector<Check> checks) {
    for (Check& check : checks) add(std::move(check));
  }

  /// Where the name leads to, by the user's own ssh settings.
  bool resolution() {
    try {
      local_ = !session_.endpoint();
      if (local_) {
        add({"target", "ok", "this machine"});
        return true;
      }
      const transport::Endpoint& endpoint = *session_.endpoint();
      std::string text = endpoint.destination + " is " + endpoint.user + "@" + endpoint.where();
      if (!endpoint.proxy_jump.empty()) text += ", by way of " + endpoint.proxy_jump;
      if (!endpoint.proxy_command.empty()) text += ", through a ProxyCommand";
      add({"target", "ok", text});
      keys(endpoint);
      return true;
    } catch (const Error& fault) {
      add({"target", "fail", fault.what(), fault.hint()});
      return false;
    }
  }

  /// Whether there is anything to log in with; only a login shows whether it fits.
  void keys(const transport::Endpoint& endpoint) {
    std::vector<std::string> there;
    for (const auto& key : endpoint.identity_files) {
      if (presence(key) == Presence::there) there.push_back(key.string());
    }
    const char* agent = std::getenv("SSH_AUTH_SOCK");
    const bool has_agent = endpoint.identity_agent != "none" &&
                           (!endpoint.identity_agent.empty() || (agent != nullptr && *agent != 0));
    std::string text = there.empty() ? "no key file" : join(there, ", ");
    text += has_agent ? ", and a key agent" : ", no key agent";
    if (there.empty() && !has_agent) {
      add({"key", "warn", text, "ssh-keygen -t ed25519 makes one; its .pub goes to the target"});
    } else {
      add({"key", "ok", text});
    }
  }

  /// Connects, checks the host key, logs in, brings the agent; then asks once more over the same
  /// connection, which is what a round trip costs.
  bool reach() {
    try {
      const std::int64_t before = system_clock().steady_ms();
      const Json status = session_.call({.verb = "fsm-status"});
      const std::int64_t between = system_clock().steady_ms();
      (void)session_.call({.verb = "fsm-status"});
      const std::int64_t after = system_clock().steady_ms();
      diagnosis_.reached = true;
      const std::string took = ", in " + std::to_string(between - before) + " ms; ";
      add({"login", "ok", session_.way() + took + (local_ ? "" : "logged in, ") + "agent there"});
      add({"latency", "ok",
           "a command takes " + std::to_string(after - between) + " ms over an open connection"});
      add({"state", "ok",
           text_at(status, "state") + (number_at(status, "revision") > 0
                                           ? ", recorded in " + text_at(status, "state_file")
                                           : ", nothing is recorded yet")});
      return true;
    } catch (const Error& fault) {
      if (fault.code() == Code::detached) throw;
      diagnosis_.reached = fault.code() != Code::unreachable;
      add({"login", "fail", fault.what(), fault.hint()});
      return false;
    }
  }

  void target() {
    const Json data = session_.call({.verb = "doctor"});
    const std::int64_t skew = number_at(data, "now_ms") - system_clock().now_ms();
    const std::int64_t ahead = skew < 0 ? -skew : skew;
    const std::string text = std::to_string(ahead) + " ms apart from ours";
    if (ahead > skew_that_matters_ms) {
      add({"clock", "warn", text, "times in records are the target's; let it use NTP"});
    } else {
      add({"clock", "ok", text});
    }
    for (const auto& found : member(data, "findings")) {
      add({text_at(found, "check"), text_at(found, "state"), text_at(found, "text"),
           text_at(found, "hint")});
    }
  }

  Session& session_;
  const DoctorRequest& request_;
  const std::function<void(const Check&)>& tell_;
  Diagnosis diagnosis_;
  bool local_ = false;
};

}  // namespace

bool Diagnosis::failed() const {
  for (const auto& check : checks) {
    if (check.state == "fail") return true;
  }
  return false;
}

Diagnosis doctor(Session& session, const DoctorRequest& request) {
  return Doctor(session, request).run();
}

}  // namespace workflow::client
