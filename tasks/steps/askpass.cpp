#include "tasks/steps/askpass.h"

namespace workflow::tasks {
namespace {

/// The URL that git's question is about: `Password for 'https://name@host': `.
std::string_view asked_url(std::string_view prompt) {
  const auto begin = prompt.find('\'');
  const auto end = prompt.rfind('\'');
  return begin == end ? std::string_view() : prompt.substr(begin + 1, end - begin - 1);
}

}  // namespace

std::string http_server(std::string_view url) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return {};
  const std::string scheme(url.substr(0, scheme_end));
  if (scheme != "http" && scheme != "https") return {};
  std::string_view host = url.substr(scheme_end + 3);
  host = host.substr(0, host.find('/'));
  if (const auto at = host.rfind('@'); at != std::string_view::npos) host.remove_prefix(at + 1);
  return scheme + "://" + std::string(host);
}

std::string askpass_answer(std::string_view prompt,
                           const std::function<std::string(const std::string&)>& variable) {
  const std::string server = http_server(asked_url(prompt));
  if (server.empty() || server != variable(askpass_server)) return {};
  const std::string login = variable(askpass_login);
  const auto colon = login.find(':');
  if (prompt.rfind("Username", 0) == 0) {
    // Servers that take a token look at the name hardly or not at all; this one is GitHub's.
    const std::string name = login.substr(0, colon);
    return name.empty() ? "x-access-token" : name;
  }
  if (colon != std::string::npos) return login.substr(colon + 1);
  return variable(variable(askpass_token));
}

}  // namespace workflow::tasks
