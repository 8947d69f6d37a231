#pragma once

#include <string>
#include <string_view>

namespace workflow::client {

/// An http URL without the login that stood in it, and that login as git would send it
/// (`name`, `name:password`; percent-decoded). Other URLs are left as they are.
struct RepoUrl {
  std::string url;
  std::string login{};

  /// What must not be shown of it: the password, or a name that is long enough to be a token.
  [[nodiscard]] std::string secret() const;
};

[[nodiscard]] RepoUrl split_login(std::string_view url);
/// For people: `https://***@host/path` where there was a login.
[[nodiscard]] std::string shown_url(std::string_view url);

}  // namespace workflow::client
