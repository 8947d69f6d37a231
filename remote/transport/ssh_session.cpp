#include "remote/transport/ssh_session.h"

#include <libssh2.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>

#include "common/clock.h"
#include "remote/transport/admission.h"
#include "remote/transport/known_hosts.h"
#include "remote/transport/login.h"
#include "remote/transport/refusal.h"
#include "remote/transport/ssh_words.h"
#include "remote/transport/tcp.h"

namespace workflow::transport {
namespace {

constexpr std::int64_t answer_limit_ms = 20'000;

void start_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (libssh2_init(0) != 0) bug("libssh2_init");
  });
}

// As libssh2 would receive and send by itself, but that the connection has ended stays known:
// libssh2 says of a cut that no algorithm was in common, or that a key was not accepted.
ssize_t noted(ssize_t n, bool end, void** peer_gone) {
  const int failure = n < 0 ? errno : 0;
  if (end || (n < 0 && failure != EAGAIN && failure != EINTR)) {
    *static_cast<bool*>(*peer_gone) = true;
  }
  return n < 0 ? -failure : n;
}

ssize_t receive(libssh2_socket_t socket, void* buffer, std::size_t size, int flags, void** gone) {
  const ssize_t n = ::recv(socket, buffer, size, flags);
  return noted(n, n == 0, gone);
}

ssize_t send(libssh2_socket_t socket, const void* buffer, std::size_t size, int flags,
             void** gone) {
  return noted(::send(socket, buffer, size, flags), false, gone);
}

}  // namespace

SshSession::SshSession(const Endpoint& endpoint, int interrupt_fd)
    : endpoint_(endpoint), interrupt_fd_(interrupt_fd) {
  start_library();
  require_keys_for_libssh2(endpoint);
  admit(endpoint, interrupt_fd, [this](std::int64_t deadline) { connect(deadline); });
  login_deadline_ = std::numeric_limits<std::int64_t>::max();
}

SshSession::~SshSession() = default;

void SshSession::Free::operator()(_LIBSSH2_SESSION* session) const {
  libssh2_session_free(session);
}

void SshSession::connect(std::int64_t deadline) {
  login_deadline_ = deadline;
  handle_.reset();
  if (has_proxy(endpoint_)) {
    proxy_.emplace(endpoint_);
  } else {
    socket_ = connect_tcp(endpoint_, deadline, interrupt_fd_);
  }
  peer_gone_ = false;
  handle_.reset(libssh2_session_init_ex(nullptr, nullptr, nullptr, &peer_gone_));
  session_ = handle_.get();
  if (session_ == nullptr) bug("libssh2_session_init");
  libssh2_session_set_blocking(session_, 0);
  libssh2_session_callback_set(session_, LIBSSH2_CALLBACK_RECV, reinterpret_cast<void*>(&receive));
  libssh2_session_callback_set(session_, LIBSSH2_CALLBACK_SEND, reinterpret_cast<void*>(&send));
  handshake();
  try {
    log_in(*this, endpoint_);
  } catch (const NotForLibssh2&) {
    if (!peer_gone_) throw;
    throw cannot_be_reached(endpoint_, "the connection was lost during the login");
  }
}

bool SshSession::wait(std::int64_t limit_ms) const {
  const int wanted = libssh2_session_block_directions(session_);
  short events = 0;
  if ((wanted & LIBSSH2_SESSION_BLOCK_INBOUND) != 0) events |= POLLIN;
  if ((wanted & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0) events |= POLLOUT;
  if (events == 0) events = POLLIN;
  std::array<pollfd, 2> fds{{{socket(), events, 0}, {interrupt_fd_, POLLIN, 0}}};
  ::poll(fds.data(), fds.size(), static_cast<int>(limit_ms));
  return fds[1].revents != 0;
}

int SshSession::complete(const std::function<int()>& call, const std::string& what) {
  const std::int64_t deadline =
      std::min(system_clock().steady_ms() + answer_limit_ms, login_deadline_);
  while (true) {
    const int result = call();
    if (result != LIBSSH2_ERROR_EAGAIN) return result;
    const std::int64_t left = deadline - system_clock().steady_ms();
    if (left <= 0) {
      if (proxy_) throw_for_proxy_words(endpoint_, proxy_->words());
      throw Error(Code::unreachable, endpoint_.where() + " does not go on with " + what,
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
  const std::string algorithms = known.preferred_algorithms();
  if (!algorithms.empty()) {
    libssh2_session_method_pref(session_, LIBSSH2_METHOD_HOSTKEY, algorithms.c_str());
  }
  const int result =
      complete([this] { return libssh2_session_handshake(session_, socket()); }, "the handshake");
  if (result != 0) no_handshake(result, algorithms);
  known.require_match();
}

void SshSession::throw_for_proxy() {
  const std::string words = proxy_->words();
  try {
    throw_for_proxy_words(endpoint_, words);
  } catch (const Error& error) {
    // A jump host that wants to ask something can do so through the system's ssh.
    if (error.code() != Code::precondition) throw;
    throw NotForLibssh2(error.what());
  }
}

void SshSession::no_handshake(int result, const std::string& known_algorithms) {
  const bool cut = peer_gone_ && !proxy_;
  if (cut) throw ClosedBeforeLogin(endpoint_);
  if (result == LIBSSH2_ERROR_KEX_FAILURE || result == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE ||
      result == LIBSSH2_ERROR_METHOD_NONE || result == LIBSSH2_ERROR_METHOD_NOT_SUPPORTED) {
    throw NotForLibssh2(known_algorithms == "ssh-rsa"
                            ? "only an RSA host key of it is known"
                            : "no host key type, cipher or MAC in common");
  }
  if (proxy_) throw_for_proxy();
  if (result == LIBSSH2_ERROR_BANNER_RECV || result == LIBSSH2_ERROR_SOCKET_DISCONNECT ||
      result == LIBSSH2_ERROR_SOCKET_RECV || result == LIBSSH2_ERROR_SOCKET_SEND) {
    throw ClosedBeforeLogin(endpoint_);
  }
  throw cannot_be_reached(endpoint_, "handshake failed: " + last_error());
}

}  // namespace workflow::transport
