#include "remote/transport/ssh_words.h"

#include <algorithm>

#include "common/text.h"
#include "remote/transport/proxy.h"
#include "remote/transport/refusal.h"

namespace workflow::transport {
namespace {

bool has(const std::string& words, std::string_view part) {
  return words.find(part) != std::string::npos;
}

/// What stands between two marks; empty when it does not.
std::string between(const std::string& words, std::string_view from, std::string_view to) {
  const auto start = words.find(from);
  if (start == std::string::npos) return "";
  const auto end = words.find(to, start + from.size());
  if (end == std::string::npos) return "";
  return words.substr(start + from.size(), end - start - from.size());
}

/// `/home/ana/.ssh/known_hosts:3`, from "Offending ED25519 key in FILE:LINE".
std::string offending(const std::string& words) {
  std::string place = between(words, "Offending ", "\n");
  const auto in = place.find(" key in ");
  return in == std::string::npos ? "" : place.substr(in + 8);
}

void throw_for_host_key(const Endpoint& endpoint, const std::string& words) {
  const std::string print = between(words, "sent by the remote host is\n", ".\n");
  if (has(words, "REVOKED HOST KEY")) throw host_key_revoked(endpoint, print);
  if (has(words, "REMOTE HOST IDENTIFICATION HAS CHANGED")) {
    throw host_key_changed(endpoint, print, offending(words));
  }
  if (has(words, "Host key verification failed") || has(words, "host key is known for")) {
    throw host_key_unknown(endpoint, "");
  }
}

void throw_for_login(const Endpoint& endpoint, const std::string& words, bool asked) {
  if (has(words, "Too many authentication failures")) {
    throw Error(Code::precondition,
                endpoint.where() + " let go after too many keys that it does not know",
                "name the right one in ~/.ssh/config: IdentityFile, and IdentitiesOnly yes");
  }
  if (has(words, "Permission denied (")) {
    const auto methods = between(words, "Permission denied (", ")");
    throw login_refused(endpoint, "permission denied (" + methods + ")", asked);
  }
  if (has(words, "Unable to negotiate with")) {
    throw Error(Code::precondition,
                "ssh and " + endpoint.where() + " do not agree: " + in_one_line(words),
                "allow one of its algorithms in ~/.ssh/config");
  }
  if (has(words, "Bad owner or permissions") || has(words, "Bad configuration option")) {
    throw Error(Code::usage, "ssh does not accept its settings: " + in_one_line(words));
  }
}

void throw_for_network(const Endpoint& endpoint, const std::string& words) {
  // These come after the login: what the command did is unknown.
  for (const char* late : {"Read from remote host", "client_loop", "not responding"}) {
    if (has(words, late)) return;
  }
  if (has(words, "open refused by peer")) throw opens_no_channel("session open refused by peer");
  if (has(words, "Could not resolve hostname")) {
    throw has_no_address(endpoint, between(words + "\n", endpoint.host + ": ", "\n"));
  }
  if (has(words, "Connection refused")) throw refuses_connections(endpoint);
  if (has(words, "timed out")) throw does_not_answer(endpoint);
  if (has(words, "No route to host") || has(words, "Network is unreachable")) {
    throw cannot_be_reached(endpoint, in_one_line(words));
  }
  if (has(words, "kex_exchange_identification") || has(words, "banner exchange")) {
    throw ClosedBeforeLogin(endpoint);
  }
}

}  // namespace

void throw_for_words(const Endpoint& endpoint, const std::string& words, bool asked) {
  // So ssh says it when its own way to the target, a jump host or a proxy, said no.
  if (has_proxy(endpoint) &&
      (has(words, "UNKNOWN port") || has(words, "stdio forwarding failed"))) {
    throw_for_proxy_words(endpoint, words);
  }
  throw_for_host_key(endpoint, words);
  throw_for_login(endpoint, words, asked);
  throw_for_network(endpoint, words);
}

void throw_for_proxy_words(const Endpoint& endpoint, const std::string& words) {
  if (trim(words).empty()) return;
  const std::string proxy = endpoint.proxy_jump.empty() ? "its ProxyCommand" : endpoint.proxy_jump;
  const std::string what =
      endpoint.where() + " cannot be reached through " + proxy + ": " + in_one_line(words);
  if (has(words, "Permission denied (") || has(words, "Host key verification failed")) {
    throw Error(Code::precondition, what,
                "log in there once with ssh from a terminal, or ssh-add its key");
  }
  throw Error(Code::unreachable, what, "is the address right as seen from there, and is it up?");
}

std::string in_one_line(const std::string& words) {
  std::vector<std::string> lines;
  for (const auto& line : split(words, '\n')) {
    const std::string text(trim(line));
    // The last line repeats the first when a proxy was in between.
    if (!text.empty() && !has(text, "UNKNOWN port") && !has(text, "Permanently added")) {
      lines.push_back(text.substr(0, 200));
    }
  }
  if (lines.size() > 3) lines.erase(lines.begin(), lines.end() - 3);
  return join(lines, "; ");
}

void throw_for_end(const Endpoint& endpoint, const std::string& words, bool asked) {
  throw_for_words(endpoint, words, asked);
  throw cannot_be_reached(endpoint, words.empty() ? "ssh does not say why" : in_one_line(words));
}

}  // namespace workflow::transport
