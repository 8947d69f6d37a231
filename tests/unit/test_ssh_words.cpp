// What ssh says when it fails, as OpenSSH 8 to 9 say it, and what it means.
#include <catch2/catch.hpp>

#include "remote/transport/refusal.h"
#include "remote/transport/ssh_words.h"

namespace workflow::test {
namespace {

struct Case {
  const char* words;
  Code code;
  const char* told;
};

transport::Endpoint endpoint() {
  transport::Endpoint endpoint;
  endpoint.destination = "pod";
  endpoint.host = "10.0.0.7";
  endpoint.user = "ana";
  return endpoint;
}

}  // namespace

TEST_CASE("ssh's own words become our errors") {
  const Case cases[] = {
      {"ssh: connect to host 10.0.0.7 port 22: Connection refused\n", Code::unreachable,
       "10.0.0.7:22 refuses connections"},
      {"ssh: connect to host 10.0.0.7 port 22: Connection timed out\n", Code::unreachable,
       "does not answer"},
      {"Connection timed out during banner exchange\n", Code::unreachable, "does not answer"},
      {"ssh: connect to host 10.0.0.7 port 22: No route to host\n", Code::unreachable,
       "No route to host"},
      {"ssh: Could not resolve hostname 10.0.0.7: Name or service not known\r\n", Code::unreachable,
       "has no address: Name or service not known"},
      {"kex_exchange_identification: Connection closed by remote host\n", Code::unreachable,
       "closed the connection before the login"},
      {"kex_exchange_identification: read: Connection reset by peer\n", Code::unreachable,
       "closed the connection before the login"},
      {"ana@10.0.0.7: Permission denied (publickey,password).\n", Code::precondition,
       "refuses the login of 'ana': permission denied (publickey,password)"},
      {"Received disconnect from 10.0.0.7 port 22:2: Too many authentication failures\n",
       Code::precondition, "too many keys"},
      {"Host key verification failed.\n", Code::precondition, "is not known"},
      {"No ED25519 host key is known for 10.0.0.7 and you have requested strict checking.\n",
       Code::precondition, "is not known"},
      {"Unable to negotiate with 10.0.0.7 port 22: no matching cipher found. Their offer: x\n",
       Code::precondition, "no matching cipher"},
      {"/home/ana/.ssh/config: line 3: Bad configuration option: x\n", Code::usage, "line 3"},
      {"mux_client_request_session: session request failed: Session open refused by peer\n",
       Code::unreachable, "opens no channel"}};
  for (const auto& row : cases) {
    INFO(row.words);
    try {
      transport::throw_for_words(endpoint(), row.words, false);
      FAIL("nothing was thrown");
    } catch (const Error& error) {
      INFO(error.what());
      CHECK(error.code() == row.code);
      CHECK(std::string(error.what()).find(row.told) != std::string::npos);
    }
  }
}

TEST_CASE("a changed key names the file and line of the old one") {
  const std::string words =
      "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n"
      "The fingerprint for the ECDSA key sent by the remote host is\nSHA256:abc.\n"
      "Offending ED25519 key in /home/ana/.ssh/known_hosts:12\nHost key verification failed.\n";
  try {
    transport::throw_for_words(endpoint(), words, false);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) ==
          "the host key of 10.0.0.7:22 (SHA256:abc) is not the one that is known from "
          "/home/ana/.ssh/known_hosts:12");
  }
}

TEST_CASE("words of a connection that was open are no reason to try again") {
  for (const char* words :
       {"", "client_loop: send disconnect: Broken pipe\n", "Timeout, server pod not responding.\n",
        "Read from remote host 10.0.0.7: Connection timed out\n",
        "Connection to 10.0.0.7 closed by remote host.\n",
        "Warning: Permanently added '10.0.0.7' (ED25519) to the list of known hosts.\n"}) {
    INFO(words);
    CHECK_NOTHROW(transport::throw_for_words(endpoint(), words, false));
  }
}

TEST_CASE("a dropped login may be repeated, a refused one may not") {
  CHECK_THROWS_AS(transport::throw_for_words(
                      endpoint(), "kex_exchange_identification: Connection closed\n", false),
                  transport::ClosedBeforeLogin);
  try {
    transport::throw_for_words(endpoint(), "ana@h: Permission denied (publickey).\n", false);
  } catch (const transport::ClosedBeforeLogin&) {
    FAIL("it would be tried again");
  } catch (const Error&) {
    SUCCEED();
  }
}

}  // namespace workflow::test
