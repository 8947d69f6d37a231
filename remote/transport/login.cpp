#include "remote/transport/login.h"

#include <libssh2.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include "common/text.h"
#include "remote/transport/key_file.h"
#include "remote/transport/refusal.h"
#include "remote/transport/ssh_session.h"
#include "remote/transport/tcp.h"

namespace workflow::transport {
namespace {

constexpr int agent_limit_ms = 3'000;

struct LetGo {
  void operator()(LIBSSH2_AGENT* agent) const {
    libssh2_agent_disconnect(agent);
    libssh2_agent_free(agent);
  }
};
using Agent = std::unique_ptr<LIBSSH2_AGENT, LetGo>;

/// libssh2 waits for an agent without a limit, so one that hangs is found out first.
bool agent_answers(const Endpoint& endpoint) {
  const char* socket = std::getenv("SSH_AUTH_SOCK");
  const UniqueFd fd = connect_unix(!endpoint.identity_agent.empty() ? endpoint.identity_agent
                                   : socket != nullptr              ? socket
                                                                    : "");
  // "Which keys have you?": SSH_AGENTC_REQUEST_IDENTITIES, a length and a byte.
  constexpr std::string_view question{"\0\0\0\1\x0b", 5};
  if (!fd.valid() || ::write(fd.get(), question.data(), question.size()) != 5) return false;
  pollfd answer{fd.get(), POLLIN, 0};
  return ::poll(&answer, 1, agent_limit_ms) == 1;
}

Agent connect_agent(SshSession& session, const Endpoint& endpoint) {
  if (endpoint.identity_agent == "none" || !agent_answers(endpoint)) return nullptr;
  Agent agent(libssh2_agent_init(session.get()));
  if (!agent) return nullptr;
  if (!endpoint.identity_agent.empty()) {
    libssh2_agent_set_identity_path(agent.get(), endpoint.identity_agent.c_str());
  }
  if (libssh2_agent_connect(agent.get()) != 0 || libssh2_agent_list_identities(agent.get()) != 0) {
    return nullptr;
  }
  return agent;
}

/// One login under way: the keys of the settings, and what was tried of them.
class Login {
 public:
  Login(SshSession& session, const Endpoint& endpoint) : session_(session), endpoint_(endpoint) {
    for (const auto& file : endpoint.identity_files) keys_.push_back(read_key_file(file));
  }

  void run() {
    const Agent agent = connect_agent(session_, endpoint_);
    if (agent && try_agent(agent.get(), true)) return;
    if (agent && !endpoint_.identities_only && try_agent(agent.get(), false)) return;
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i].is_private && try_file(endpoint_.identity_files[i], keys_[i])) return;
    }
    throw NotForLibssh2("no key that it can use was accepted; tried " +
                        (tried_.empty() ? std::string("none") : join(tried_, ", ")));
  }

 private:
  /// Those of the agent's keys that an identity file names, or all the others.
  bool try_agent(LIBSSH2_AGENT* agent, bool named) {
    libssh2_agent_publickey* identity = nullptr;
    libssh2_agent_publickey* previous = nullptr;
    while (libssh2_agent_get_identity(agent, &identity, previous) == 0) {
      previous = identity;
      const std::string blob(reinterpret_cast<const char*>(identity->blob), identity->blob_len);
      const bool is_named = std::any_of(keys_.begin(), keys_.end(),
                                        [&](const KeyFile& key) { return key.blob == blob; });
      if (is_named != named) continue;
      if (!libssh2_signs(key_type(blob))) {
        tried_.push_back("not " + key_type(blob) + " of the agent");
        continue;
      }
      tried_.push_back("one of the agent");
      const auto offer = [&] {
        return libssh2_agent_userauth(agent, endpoint_.user.c_str(), identity);
      };
      if (session_.complete(offer, "the login") == 0) return true;
    }
    return false;
  }

  bool try_file(const fs::path& path, const KeyFile& key) {
    if (key.encrypted || !(key.type.empty() || libssh2_signs(key.type))) {
      tried_.push_back("not " + path.string() +
                       (key.encrypted ? " (has a passphrase)" : " (" + key.type + ")"));
      return false;
    }
    tried_.push_back(path.string());
    const auto offer = [&] {
      return libssh2_userauth_publickey_fromfile_ex(session_.get(), endpoint_.user.c_str(),
                                                    static_cast<unsigned>(endpoint_.user.size()),
                                                    nullptr, path.c_str(), nullptr);
    };
    return session_.complete(offer, "the login") == 0;
  }

  SshSession& session_;
  const Endpoint& endpoint_;
  std::vector<KeyFile> keys_;
  std::vector<std::string> tried_;
};

}  // namespace

void log_in(SshSession& session, const Endpoint& endpoint) { Login(session, endpoint).run(); }

void require_keys_for_libssh2(const Endpoint& endpoint) {
  bool certificate = endpoint.has_certificates;
  for (const auto& file : endpoint.identity_files) {
    certificate = certificate || read_key_file(file).has_certificate;
  }
  if (certificate) throw NotForLibssh2("it logs in with a certificate");
}

}  // namespace workflow::transport
