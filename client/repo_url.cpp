#include "client/repo_url.h"

#include <utility>

#include "common/text.h"

namespace workflow::client {
namespace {

constexpr std::size_t shortest_token = 16;

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) { return std::string_view("0123456789abcdef").find(c); };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string pair = lower(text.substr(i + 1, 2));
    const bool escaped = text[i] == '%' && pair.size() == 2 &&
                         digit(pair[0]) != std::string_view::npos &&
                         digit(pair[1]) != std::string_view::npos;
    out += escaped ? static_cast<char>(digit(pair[0]) * 16 + digit(pair[1])) : text[i];
    if (escaped) i += 2;
  }
  return out;
}

/// Where a login begins and ends in an http URL; both 0 for none.
std::pair<std::size_t, std::size_t> login_in(std::string_view url) {
  const std::string start = lower(url.substr(0, 8));
  std::size_t begin = start.rfind("https://", 0) == 0 ? 8 : 0;
  if (begin == 0 && start.rfind("http://", 0) == 0) begin = 7;
  const auto at = url.substr(0, url.find('/', begin)).rfind('@');
  return begin == 0 || at == std::string_view::npos || at < begin
             ? std::pair<std::size_t, std::size_t>{}
             : std::pair{begin, at};
}

}  // namespace

std::string RepoUrl::secret() const {
  const auto colon = login.find(':');
  if (colon != std::string::npos) return login.substr(colon + 1);
  return login.size() >= shortest_token ? login : std::string();
}

RepoUrl split_login(std::string_view url) {
  const auto [begin, at] = login_in(url);
  if (at == 0) return {std::string(url)};
  return {std::string(url.substr(0, begin)) + std::string(url.substr(at + 1)),
          percent_decoded(url.substr(begin, at - begin))};
}

std::string shown_url(std::string_view url) {
  const auto [begin, at] = login_in(url);
  if (at == 0) return std::string(url);
  return std::string(url.substr(0, begin)) + "***" + std::string(url.substr(at));
}

}  // namespace workflow::client
