#include "remote/transport/ssh_session.h"

#include <libssh2.h>
#include <poll.h>

#include <array>
#include <cstdlib>
#include <mutex>

#include "common/clock.h"
#include "common/error.h"
#include "remote/transport/known_hosts.h"
#include "remote/transport/refusal.h"

namespace workflow::transport {
namespace {

constexpr std::int64_t connect_limit_ms = 10'000;
constexpr std::int64_t answer_limit_ms = 20'000;

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (libssh2_init(0) != 0) bug("libssh2_init");
  });
}

/// A kind of key by its file: libssh2 before 1.11 signs RSA with SHA-1, which servers refuse, and
/// encrypted keys need a passphrase that only the system's ssh can ask for.
enum class KeyFile { usable, absent, rsa, encrypted };

KeyFile kind_of(const fs::path& key) {
  const auto bytes = real_files().read(key);
  if (!bytes) return KeyFile::absent;
  const auto pub = real_files().read(key.string() + ".pub").value_or("");
  if (pub.rfind("ssh-rsa", 0) == 0 || bytes->find("BEGIN RSA") != std::string::npos) {
    return KeyFile::rsa;
  }
  if (bytes->find("ENCRYPTED") != std::string::npos) return KeyFile::encrypted;
  return KeyFile::usable;
}

std::string where(const Endpoint& endpoint) {
  return endpoint.host + ":" + std::to_string(endpoint.port);
}

}  // namespace

SshSession::SshSession(const Endpoint& endpoint, int interrupt_fd)
    : endpoint_(endpoint), interrupt_fd_(interrupt_fd) {
  start_library();
  if (endpoint.has_certificates) throw NotForLibssh2("it logs in with a certificate");
  if (!endpoint.proxy_jump.empty()) throw NotForLibssh2("it goes through a ProxyJump");
  if (!endpoint.proxy_command.empty()) throw NotForLibssh2("it goes through a ProxyCommand");
  const std::int64_t limit =
      endpoint.connect_timeout > 0 ? endpoint.connect_timeout * 1000 : connect_limit_ms;
  socket_ = connect_tcp(endpoint.host, endpoint.port, limit, interrupt_fd);
  handle_.reset(libssh2_session_init());
  session_ = handle_.get();
  if (session_ == nullptr) bug("libssh2_session_init");
  libssh2_session_set_blocking(session_, 0);
  handshake();
  log_in();
}

SshSession::~SshSession() = default;

void SshSession::Free::operator()(_LIBSSH2_SESSION* session) const {
  libssh2_session_free(session);
}

bool SshSession::wait(std::int64_t limit_ms) const {
  const int wanted = libssh2_session_block_directions(session_);
  short events = 0;
  if ((wanted & LIBSSH2_SESSION_BLOCK_INBOUND) != 0) events |= POLLIN;
  if ((wanted & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0) events |= POLLOUT;
  if (events == 0) events = POLLIN;
  std::array<pollfd, 2> fds{{{socket_.get(), events, 0}, {interrupt_fd_, POLLIN, 0}}};
  ::poll(fds.data(), fds.size(), static_cast<int>(limit_ms));
  return fds[1].revents != 0;
}

int SshSession::complete(const std::function<int()>& call, const std::string& what) {
  const std::int64_t deadline = system_clock().steady_ms() + answer_limit_ms;
  while (true) {
    const int result = call();
    if (result != LIBSSH2_ERROR_EAGAIN) return result;
    const std::int64_t left = deadline - system_clock().steady_ms();
    if (left <= 0) {
      throw Error(Code::unreachable, where(endpoint_) + " does not go on with " + what,
                  "is it an ssh server, and is it overloaded?");
    }
    if (wait(left)) throw Error(Code::detached, "detached");
  }
}

std::string SshSession::last_error() const {
  char* text = nullptr;
  libssh2_session_last_error(session_, &text, nullptr, 0);
  return text != nullptr ? text : "no reason given";
}

void SshSession::handshake() {
  const KnownHosts known(session_, endpoint_);
  if (const std::string algorithms = known.preferred_algorithms(); !algorithms.empty()) {
    libssh2_session_method_pref(session_, LIBSSH2_METHOD_HOSTKEY, algorithms.c_str());
  }
  const int result = complete([this] { return libssh2_session_handshake(session_, socket_.get()); },
                              "the handshake");
  if (result == LIBSSH2_ERROR_KEX_FAILURE || result == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE ||
      result == LIBSSH2_ERROR_METHOD_NONE || result == LIBSSH2_ERROR_METHOD_NOT_SUPPORTED) {
    throw NotForLibssh2("no algorithm in common (" + last_error() + ")");
  }
  if (result == LIBSSH2_ERROR_BANNER_RECV || result == LIBSSH2_ERROR_SOCKET_DISCONNECT ||
      result == LIBSSH2_ERROR_SOCKET_RECV) {
    throw Error(Code::unreachable, where(endpoint_) + " closed the connection before the login",
                "too many logins at once (MaxStartups), a proxy without a way, or no sshd there");
  }
  if (result != 0) {
    throw Error(Code::unreachable, where(endpoint_) + ": handshake failed: " + last_error());
  }
  known.require_match();
}

bool SshSession::try_agent() {
  if (endpoint_.identity_agent == "none") return false;
  const auto let_go = [](LIBSSH2_AGENT* agent) {
    libssh2_agent_disconnect(agent);
    libssh2_agent_free(agent);
  };
  const std::unique_ptr<LIBSSH2_AGENT, decltype(let_go)> agent(libssh2_agent_init(session_),
                                                               let_go);
  if (!agent) return false;
  if (!endpoint_.identity_agent.empty()) {
    libssh2_agent_set_identity_path(agent.get(), endpoint_.identity_agent.c_str());
  }
  if (libssh2_agent_connect(agent.get()) != 0 || libssh2_agent_list_identities(agent.get()) != 0) {
    return false;
  }
  libssh2_agent_publickey* identity = nullptr;
  libssh2_agent_publickey* previous = nullptr;
  while (libssh2_agent_get_identity(agent.get(), &identity, previous) == 0) {
    const auto log_in = [&] {
      return libssh2_agent_userauth(agent.get(), endpoint_.user.c_str(), identity);
    };
    if (complete(log_in, "the login") == 0) return true;
    previous = identity;
  }
  return false;
}

bool SshSession::try_key(const fs::path& key, std::string& tried) {
  switch (kind_of(key)) {
    case KeyFile::absent:
      return false;
    case KeyFile::rsa:
      tried += " " + key.string() + " (RSA)";
      return false;
    case KeyFile::encrypted:
      tried += " " + key.string() + " (has a passphrase)";
      return false;
    case KeyFile::usable:
      break;
  }
  tried += " " + key.string();
  return complete(
             [&] {
               return libssh2_userauth_publickey_fromfile_ex(
                   session_, endpoint_.user.c_str(), static_cast<unsigned>(endpoint_.user.size()),
                   nullptr, key.c_str(), nullptr);
             },
             "the login") == 0;
}

void SshSession::log_in() {
  if (!endpoint_.identities_only && try_agent()) return;
  std::string tried;
  for (const auto& key : endpoint_.identity_files) {
    if (try_key(key, tried)) return;
  }
  throw NotForLibssh2("no key that libssh2 can use was accepted; tried" +
                      (tried.empty() ? std::string(" the agent only") : tried));
}

}  // namespace workflow::transport
