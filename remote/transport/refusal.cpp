#include "remote/transport/refusal.h"

#include <cstdlib>

#include "common/text.h"

namespace workflow::transport {
namespace {

std::string with(const std::string& before, const std::string& detail, const char* after = "") {
  return detail.empty() ? "" : before + detail + after;
}

/// The keys that ssh tries: those of its settings that are there, and the agent's.
std::string offered(const Endpoint& endpoint) {
  std::vector<std::string> keys;
  for (const auto& file : endpoint.identity_files) {
    if (presence(file) == Presence::there) keys.push_back(file.string());
  }
  const bool agent = !endpoint.identity_agent.empty() || std::getenv("SSH_AUTH_SOCK") != nullptr;
  if (agent && endpoint.identity_agent != "none" && !endpoint.identities_only) {
    keys.push_back("the agent");
  }
  return keys.empty() ? "no key at all" : join(keys, ", ");
}

}  // namespace

ClosedBeforeLogin::ClosedBeforeLogin(const Endpoint& endpoint)
    : Error(
          Code::unreachable, endpoint.where() + " closed the connection before the login",
          "too many logins at once there (MaxStartups of its sshd), or no sshd behind that port") {}

Error refuses_connections(const Endpoint& endpoint) {
  return Error(Code::unreachable, endpoint.where() + " refuses connections",
               "is its sshd running, and is the port right?");
}

Error does_not_answer(const Endpoint& endpoint) {
  return Error(Code::unreachable,
               endpoint.where() + " does not answer (connect timed out after " +
                   human_duration(endpoint.limit_ms() / 1000) + ")",
               "is the machine up, and does a firewall let you through?");
}

Error has_no_address(const Endpoint& endpoint, const std::string& why) {
  return Error(Code::unreachable, "'" + endpoint.host + "' has no address: " + why,
               "is the name right, and is there a network?");
}

Error cannot_be_reached(const Endpoint& endpoint, const std::string& why) {
  return Error(Code::unreachable, endpoint.where() + " cannot be reached: " + why,
               "try it with 'ssh " + endpoint.destination + "'");
}

Error connection_lost(const std::string& why) {
  return Error(Code::unreachable,
               "the connection was lost: " + why + "; outcome unknown, nothing assumed",
               "look before you repeat it: workflow fsm-status");
}

Error opens_no_channel(const std::string& why) {
  return Error(Code::unreachable, "the target opens no channel: " + why,
               "its sshd allows only so many at once on a connection (MaxSessions)");
}

Error host_key_unknown(const Endpoint& endpoint, const std::string& key) {
  return Error(Code::precondition,
               "the host key of " + endpoint.where() + " is not known" + with(" (it is ", key, ")"),
               "log in once with 'ssh " + endpoint.destination +
                   "' and compare the fingerprint with one that you were given");
}

Error host_key_changed(const Endpoint& endpoint, const std::string& key, const std::string& place) {
  const std::string what = "the host key of " + endpoint.where() + with(" (", key, ")") +
                           " is not the one that is known" + with(" from ", place);
  if (!endpoint.pod_id.empty()) {
    return Error(Code::precondition, what,
                 "pod " + endpoint.pod_id +
                     " had another key at first contact: somebody may be listening; ask its "
                     "provider, or rent another");
  }
  const std::string file = place.substr(0, place.rfind(':'));
  return Error(Code::precondition, what,
               "if the machine was really made anew: ssh-keygen " +
                   (file.empty() ? "" : "-f " + shell_quote(file) + " ") + "-R '" +
                   endpoint.name_in_known_hosts() + "', then log in once with 'ssh " +
                   endpoint.destination + "'; if not, somebody may be listening");
}

Error host_key_revoked(const Endpoint& endpoint, const std::string& key) {
  return Error(Code::precondition,
               "the host key of " + endpoint.where() + with(" (", key, ")") + " is revoked",
               "known_hosts marks it @revoked: its machine, or somebody with its key, is not to be "
               "trusted");
}

Error login_refused(const Endpoint& endpoint, const std::string& words, bool asked) {
  const std::string what = endpoint.where() + " refuses the login of '" + endpoint.user +
                           "': " + words + "; tried " + offered(endpoint);
  return Error(Code::precondition, what,
               asked ? "is the user right, and is your public key in its authorized_keys?"
                     : "is the user right, and is your public key in its authorized_keys?\n"
                       "a passphrase or a second factor is asked on a terminal only: ssh-add the "
                       "key, or run this once from a terminal");
}

}  // namespace workflow::transport
