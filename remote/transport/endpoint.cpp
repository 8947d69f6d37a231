#include "remote/transport/endpoint.h"

#include <cstdlib>

#include "common/error.h"
#include "common/subprocess.h"
#include "common/text.h"

namespace workflow::transport {
namespace {

fs::path expanded(std::string text, const fs::path& home) {
  if (text.rfind("~/", 0) == 0) text.replace(0, 1, home.string());
  return text;
}

bool set(const std::string& value) { return !value.empty() && value != "none"; }

}  // namespace

Endpoint parse_endpoint(const std::string& destination, const std::string& lines,
                        const fs::path& home) {
  Endpoint endpoint;
  endpoint.destination = destination;
  for (const auto& line : split(lines, '\n')) {
    const auto space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string key = lower(line.substr(0, space));
    const std::string value(trim(std::string_view(line).substr(space + 1)));
    if (key == "hostname") endpoint.host = value;
    if (key == "port") endpoint.port = parse_integer(value).value_or(22);
    if (key == "user") endpoint.user = value;
    if (key == "hostkeyalias" && set(value)) endpoint.host_key_alias = value;
    if (key == "identityfile") endpoint.identity_files.push_back(expanded(value, home));
    if (key == "identitiesonly") endpoint.identities_only = truthy(value);
    if (key == "identityagent" && value != "SSH_AUTH_SOCK") {
      endpoint.identity_agent = value == "none" ? value : expanded(value, home).string();
    }
    if (key == "certificatefile") endpoint.has_certificates = true;
    if (key == "proxyjump" && set(value)) endpoint.proxy_jump = value;
    if (key == "proxycommand" && set(value)) endpoint.proxy_command = value;
    if (key == "controlpath" && set(value)) endpoint.control_path = expanded(value, home).string();
    if (key == "connecttimeout") endpoint.connect_timeout = parse_integer(value).value_or(0);
    if (key == "userknownhostsfile" || key == "globalknownhostsfile") {
      for (const auto& file : split(value, ' ')) {
        if (set(file)) endpoint.known_hosts.push_back(expanded(file, home));
      }
    }
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

}  // namespace workflow::transport
