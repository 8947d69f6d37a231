// What git's questions are answered with.
#include <catch2/catch.hpp>
#include <map>

#include "tasks/steps/askpass.h"

namespace workflow::tasks {
namespace {

std::string answer(const std::string& prompt, std::map<std::string, std::string> variables) {
  variables.insert({askpass_server, "https://git.example:8443"});
  return askpass_answer(prompt, [&](const std::string& name) { return variables[name]; });
}

const std::map<std::string, std::string> by_token{{askpass_token, "GIT_TOKEN"}, {"GIT_TOKEN", "t"}};

}  // namespace

TEST_CASE("a server is an http URL's scheme, host and port") {
  CHECK(http_server("https://git.example/a/b.git") == "https://git.example");
  CHECK(http_server("https://ana:p@git.example:8443/a") == "https://git.example:8443");
  CHECK(http_server("http://h") == "http://h");
  for (const char* other : {"git@git.example:a/b", "ssh://git@git.example/a", "/srv/git/a", ""}) {
    CHECK(http_server(other).empty());
  }
}

TEST_CASE("questions about our server are answered, all others are not") {
  CHECK(answer("Username for 'https://git.example:8443': ", by_token) == "x-access-token");
  CHECK(answer("Password for 'https://x-access-token@git.example:8443': ", by_token) == "t");
  CHECK(answer("Password for 'https://git.example:8443/a/b.git': ", by_token) == "t");
  for (const char* prompt :
       {"Password for 'https://git.example': ", "Password for 'http://git.example:8443': ",
        "Password for 'https://git.example:8443@evil.example': ",
        "Enter passphrase for key '/home/ana/.ssh/id': ", "Password: ", "'"}) {
    CAPTURE(prompt);
    CHECK(answer(prompt, by_token).empty());
  }
}

TEST_CASE("a login of the URL goes before a token") {
  auto both = by_token;
  both[askpass_login] = "ana:p:q";
  CHECK(answer("Username for 'https://git.example:8443': ", both) == "ana");
  CHECK(answer("Password for 'https://ana@git.example:8443': ", both) == "p:q");
  both[askpass_login] = "ana";
  CHECK(answer("Password for 'https://ana@git.example:8443': ", both) == "t");
}

}  // namespace workflow::tasks
