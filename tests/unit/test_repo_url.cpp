// The login that stands in REPO_URL, and what is left without it.
#include <catch2/catch.hpp>

#include "client/repo_url.h"

namespace workflow::client {

TEST_CASE("a login is taken out of an http URL and decoded") {
  const RepoUrl both = split_login("https://ana:p%40ss%2Fw@git.example:8443/a/b.git");
  CHECK(both.url == "https://git.example:8443/a/b.git");
  CHECK(both.login == "ana:p@ss/w");
  CHECK(both.secret() == "p@ss/w");
  const RepoUrl name = split_login("https://ana@git.example/a");
  CHECK(name.login == "ana");
  CHECK(name.secret().empty());
  CHECK(split_login("HTTP://ghp_0123456789abcdef@h/a").secret() == "ghp_0123456789abcdef");
  CHECK(split_login("https://a:b@c@h/x").url == "https://h/x");
  CHECK(split_login("https://a:%zz%4@h").login == "a:%zz%4");
}

TEST_CASE("other URLs are left as they are") {
  for (const char* url : {"git@git.example:a/b.git", "ssh://git@git.example/a", "/srv/a@b",
                          "https://git.example/a@b", "https://git.example", "http://", ""}) {
    CAPTURE(url);
    CHECK(split_login(url).url == url);
    CHECK(split_login(url).login.empty());
    CHECK(shown_url(url) == url);
  }
  CHECK(shown_url("https://ana:p@git.example/a") == "https://***@git.example/a");
}

}  // namespace workflow::client
