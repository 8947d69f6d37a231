#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include "common/clock.h"
#include "common/pipe.h"
#include "common/subprocess.h"
#include "remote/pods/provider_api.h"
#include "tests/support/provider_failure.h"
#include "tests/support/scratch.h"

// One request, and who may repeat it. The fake of Vast answers; its paths are of no meaning here.
namespace workflow::pods {
namespace {

using test::failure_of;
using test::ProviderServer;
using test::Scratch;

struct Fixture {
  Scratch scratch;
  ProviderServer server{scratch.path() / "server"};

  [[nodiscard]] ProviderApi api(std::int64_t limit_ms = 10'000,
                                std::int64_t first_wait_ms = 5) const {
    return ProviderApi({.provider = "vast",
                        .url = server.url("vast"),
                        .key = ProviderServer::key("vast"),
                        .key_name = "VAST_API_KEY",
                        .limit_ms = limit_ms,
                        .first_wait_ms = first_wait_ms});
  }
  void fault(Json fault) {
    fault["provider"] = "vast";
    fault["call"] = "*";
    server.fault(fault);
  }
  [[nodiscard]] int asked() const { return server.count("vast", "*"); }
};

constexpr const char* listing = "/instances/?owner=me";

TEST_CASE("a question is asked again after 429, 5xx and a lost connection") {
  for (const Json& fault :
       {Json{{"kind", "status"}, {"status", 429}}, Json{{"kind", "status"}, {"status", 503}},
        Json{{"kind", "cut"}}, Json{{"kind", "cut"}, {"after", true}}, Json{{"kind", "half"}}}) {
    CAPTURE(fault.dump());
    Fixture f;
    Json twice = fault;
    twice["times"] = 2;
    f.fault(twice);
    CHECK(f.api().ask("GET", listing).status == 200);
    CHECK(f.asked() == 3);
  }
}

TEST_CASE("a question is given up after four tries, with the last reason") {
  Fixture f;
  f.fault({{"kind", "status"}, {"status", 502}, {"times", 0}, {"body", "bad gateway"}});
  auto api = f.api();
  const auto error = failure_of([&] { (void)api.ask("GET", listing); });
  CHECK(error.trouble() == Trouble::provider);
  CHECK_FALSE(error.maybe_done());
  CHECK_THAT(error.what(), Catch::Contains("'vast': HTTP 502 bad gateway"));
  CHECK(f.asked() == 4);
}

TEST_CASE("a lost connection that stays lost is the network's trouble") {
  Fixture f;
  f.fault({{"kind", "cut"}, {"times", 0}});
  auto api = f.api();
  const auto error = failure_of([&] { (void)api.ask("GET", listing); });
  CHECK(error.trouble() == Trouble::network);
  CHECK_FALSE(error.maybe_done());
  CHECK(f.asked() == 4);
}

TEST_CASE("Retry-After is respected, and not waited for beyond the limit") {
  Fixture f;
  f.fault({{"kind", "status"}, {"status", 429}, {"retry_after", 1}});
  CHECK(f.api().ask("GET", listing).status == 200);
  const auto requests = f.server.requests();
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].at("at").get<double>() - requests[0].at("at").get<double>() >= 1.0);

  f.fault({{"kind", "status"}, {"status", 429}, {"retry_after", 3600}});
  auto api = f.api();
  const auto error = failure_of([&] { (void)api.ask("GET", listing); });
  CHECK(error.trouble() == Trouble::rate_limited);
  CHECK(f.asked() == 3);
}

TEST_CASE("a change is made once, and says whether it may have been done") {
  struct Row {
    Json fault;
    Trouble trouble;
    bool maybe_done;
  };
  const std::vector<Row> rows{
      {{{"kind", "status"}, {"status", 429}}, Trouble::rate_limited, false},
      {{{"kind", "status"}, {"status", 401}}, Trouble::credentials, false},
      {{{"kind", "status"}, {"status", 402}}, Trouble::account, false},
      {{{"kind", "status"}, {"status", 403}}, Trouble::account, false},
      {{{"kind", "status"}, {"status", 500}}, Trouble::provider, true},
      {{{"kind", "status"}, {"status", 504}, {"after", true}}, Trouble::provider, true},
      {{{"kind", "status"}, {"status", 302}}, Trouble::provider, true},
      {{{"kind", "cut"}}, Trouble::network, true},
      {{{"kind", "cut"}, {"after", true}}, Trouble::network, true},
      {{{"kind", "half"}, {"after", true}}, Trouble::network, true}};
  for (const auto& row : rows) {
    CAPTURE(row.fault.dump());
    Fixture f;
    f.fault(row.fault);
    auto api = f.api();
    const auto error =
        failure_of([&] { (void)api.change("PUT", "/asks/7001/", R"({"label":"x"})"); });
    CHECK(error.trouble() == row.trouble);
    CHECK(error.maybe_done() == row.maybe_done);
    CHECK(f.asked() == 1);
  }
}

TEST_CASE("a server that is not there has been sent nothing") {
  // A port that is bound and not listened at refuses everybody.
  const UniqueFd bound(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof place;
  REQUIRE(::bind(bound.get(), reinterpret_cast<sockaddr*>(&place), size) == 0);
  REQUIRE(::getsockname(bound.get(), reinterpret_cast<sockaddr*>(&place), &size) == 0);
  ProviderApi api({.provider = "vast",
                   .url = "http://127.0.0.1:" + std::to_string(ntohs(place.sin_port)),
                   .key = ProviderServer::key("vast"),
                   .key_name = "VAST_API_KEY",
                   .first_wait_ms = 5});
  const auto error = failure_of([&] { (void)api.change("PUT", "/asks/1/", "{}"); });
  CHECK(error.trouble() == Trouble::network);
  CHECK_FALSE(error.maybe_done());
  CHECK_THAT(error.what(), Catch::Contains("was not reached"));
}

TEST_CASE("a slow answer ends at the deadline") {
  Fixture f;
  f.fault({{"kind", "slow"}, {"ms", 20'000}});
  auto api = f.api(300);
  const std::int64_t before = system_clock().steady_ms();
  const auto error = failure_of([&] { (void)api.change("PUT", "/asks/7001/", "{}"); });
  CHECK(error.trouble() == Trouble::network);
  CHECK(error.maybe_done());
  CHECK(system_clock().steady_ms() - before < 5'000);
}

TEST_CASE("Ctrl-C ends a request at once") {
  Fixture f;
  f.fault({{"kind", "slow"}, {"ms", 20'000}});
  const Pipe pipe = make_pipe();
  REQUIRE(::write(pipe.write.get(), "x", 1) == 1);
  const auto one = test::adapter(f.server, "vast", pipe.read.get());
  const std::int64_t before = system_clock().steady_ms();
  try {
    (void)one->list();
    FAIL("it came to an end");
  } catch (const Error& error) {
    CHECK(error.code() == Code::detached);
  }
  CHECK(system_clock().steady_ms() - before < 5'000);
}

TEST_CASE("a key never leaves in the clear, nor to what is no URL") {
  for (const std::string url :
       {"http://console.vast.ai/api", "http://127.evil.example/x", "http://127.0.0.1.evil.example/",
        "ftp://127.0.0.1/", "file:///etc/passwd", "console.vast.ai", ""}) {
    CAPTURE(url);
    try {
      (void)exchange({.url = url, .headers = {"Authorization: Bearer k-0123"}}, {});
      FAIL("it was sent");
    } catch (const Error& error) {
      CHECK(error.code() == Code::usage);
    }
  }
}

TEST_CASE("a certificate that nobody vouches for ends the connection before the key is sent") {
  const Scratch scratch;
  const fs::path pem = scratch / "server.pem";
  const Captured made =
      capture({.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=127.0.0.1",
                        "-keyout", pem.string(), "-out", (scratch / "cert.pem").string()}});
  REQUIRE(made.ok());
  real_files().append(pem, read_file(scratch / "cert.pem"));
  const ProviderServer server(scratch / "server", pem);
  const auto error = failure_of([&] {
    (void)exchange({.url = server.url("vast") + listing, .headers = {"Authorization: Bearer k"}},
                   {});
  });
  CHECK(error.trouble() == Trouble::network);
  CHECK_FALSE(error.maybe_done());
  CHECK_THAT(error.what(), Catch::Contains("certificate"));
  CHECK(server.requests().empty());
}

TEST_CASE("what an answer says is shown without the key in it") {
  Fixture f;
  const std::string key = ProviderServer::key("vast");
  f.fault({{"kind", "status"}, {"status", 401}, {"body", "key '" + key + "' is not known"}});
  auto api = f.api();
  const auto error = failure_of([&] { (void)api.ask("GET", listing); });
  CHECK_THAT(error.what(), Catch::Contains("key '***' is not known"));
  CHECK_THAT(error.hint(), Catch::Contains("VAST_API_KEY"));
  for (const auto& request : f.server.requests()) {
    CHECK_THAT(request.dump(), !Catch::Contains(key));
  }
}

TEST_CASE("what is no JSON object is not understood") {
  Fixture f;
  for (const std::string body : {"<html>busy</html>", "[]", "null", "{\"instances\":", ""}) {
    CAPTURE(body);
    f.fault({{"kind", "body"}, {"body", body}});
    auto api = f.api();
    const HttpAnswer answer = api.ask("GET", listing);
    CHECK(failure_of([&] { (void)api.json_of(answer); }).trouble() == Trouble::provider);
    CHECK(failure_of([&] { (void)api.json_of(answer, true); }).maybe_done());
  }
}

TEST_CASE("requests keep the pace that a provider wants") {
  Fixture f;
  ProviderApi api({.provider = "vast",
                   .url = f.server.url("vast"),
                   .key = ProviderServer::key("vast"),
                   .key_name = "VAST_API_KEY",
                   .pace_ms = 200});
  for (int n = 0; n < 3; ++n) (void)api.ask("GET", listing);
  const auto requests = f.server.requests();
  for (std::size_t n = 1; n < requests.size(); ++n) {
    const double apart =
        requests[n].at("at").get<double>() - requests[n - 1].at("at").get<double>();
    CHECK(apart > 0.15);
  }
}

}  // namespace
}  // namespace workflow::pods
