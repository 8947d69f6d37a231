#include "remote/transport/endpoint.h"

#include <cstdlib>

#include "common/error.h"
#include "common/subprocess.h"
#include "common/text.h"
#include "remote/transport/own_files.h"

namespace workflow::transport {
namespace {

constexpr std::int64_t login_limit_ms = 10'000;

fs::path expanded(std::string text, const fs::path& home) {
  if (text.rfind("~/", 0) == 0) text.replace(0, 1, home.string());
  return text;
}

bool set(const std::string& value) { return !value.empty() && value != "none"; }

void read_host(Endpoint& endpoint, const std::string& key, const std::string& value) {
  if (key == "host") endpoint.alias = value;
  if (key == "hostname") endpoint.host = value;
  if (key == "port") endpoint.port = parse_integer(value).value_or(22);
  if (key == "user") endpoint.user = value;
  if (key == "proxyjump" && set(value)) endpoint.proxy_jump = value;
  if (key == "proxycommand" && set(value)) endpoint.proxy_command = value;
  if (key == "proxyusefdpass") endpoint.proxy_hands_over = truthy(value);
  if (key == "ciphers") endpoint.ciphers = value;
  if (key == "connecttimeout") endpoint.connect_timeout = parse_integer(value).value_or(0);
}

void read_keys(Endpoint& endpoint, const std::string& key, const std::string& value,
               const fs::path& home) {
  if (key == "identityfile" && set(value)) {
    endpoint.identity_files.push_back(expanded(value, home));
  }
  if (key == "identitiesonly") endpoint.identities_only = truthy(value);
  if (key == "identityagent" && value != "SSH_AUTH_SOCK") {
    endpoint.identity_agent = value == "none" ? value : expanded(value, home).string();
  }
  if (key == "forwardagent") endpoint.forwards_agent = value != "no";
  if (key == "certificatefile") endpoint.has_certificates = true;
  if (key == "controlpath" && set(value)) endpoint.control_path = expanded(value, home).string();
}

void read_trust(Endpoint& endpoint, const std::string& key, const std::string& value,
                const fs::path& home) {
  if (key == "hostkeyalias" && set(value)) endpoint.host_key_alias = value;
  if (key == "userknownhostsfile" || key == "globalknownhostsfile") {
    for (const auto& file : split(value, ' ')) {
      if (set(file)) endpoint.known_hosts.push_back(expanded(file, home));
    }
    if (key[0] == 'u' && value == "/dev/null")
      endpoint.trusts_otherwise = "UserKnownHostsFile is /dev/null";
  }
  if (key == "stricthostkeychecking" &&
      (value == "accept-new" || value == "no" || value == "off" || value == "false")) {
    endpoint.trusts_otherwise = "StrictHostKeyChecking is " + value;
  }
  if ((key == "knownhostscommand" || key == "revokedhostkeys") && set(value)) {
    endpoint.trusts_otherwise = "its settings have a " + key;
  }
  if (key == "verifyhostkeydns" && truthy(value)) {
    endpoint.trusts_otherwise = "host keys are looked up in the DNS";
  }
}

}  // namespace

std::int64_t Endpoint::limit_ms() const {
  return connect_timeout > 0 ? connect_timeout * 1000 : login_limit_ms;
}

std::string Endpoint::where() const {
  const bool bare_ipv6 = host.find(':') != std::string::npos;
  return (bare_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Endpoint::name_in_known_hosts() const {
  if (!host_key_alias.empty()) return host_key_alias;
  return port == 22 ? host : "[" + host + "]:" + std::to_string(port);
}

Endpoint parse_endpoint(const std::string& destination, const std::string& lines,
                        const fs::path& home) {
  Endpoint endpoint;
  endpoint.destination = destination;
  for (const auto& line : split(lines, '\n')) {
    const auto space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string key = lower(line.substr(0, space));
    const std::string value(trim(std::string_view(line).substr(space + 1)));
    read_host(endpoint, key, value);
    read_keys(endpoint, key, value, home);
    read_trust(endpoint, key, value, home);
  }
  return endpoint;
}

Endpoint resolve_endpoint(const std::string& destination) {
  if (destination.empty() || destination[0] == '-') {
    throw Error(Code::usage, "'" + destination + "' is no ssh destination");
  }
  CaptureSpec spec;
  spec.argv = {"ssh", "-G", "--", destination};
  const Captured answer = capture(spec);
  if (!answer.started) {
    throw Error(Code::precondition, "there is no ssh on this machine: " + answer.err,
                "install the OpenSSH client");
  }
  if (!answer.ok()) {
    throw Error(Code::usage,
                "ssh does not understand '" + destination + "': " + std::string(trim(answer.err)));
  }
  const char* home = std::getenv("HOME");
  return parse_endpoint(destination, answer.out, home != nullptr ? home : "/");
}

Endpoint rented(Endpoint endpoint, const std::string& pod_id) {
  require_id("pod", pod_id);
  endpoint.pod_id = pod_id;
  endpoint.host_key_alias = "workflow-pod-" + pod_id;
  endpoint.known_hosts = {pods_known_hosts()};
  endpoint.trusts_otherwise.clear();
  return endpoint;
}

}  // namespace workflow::transport
