#include <catch2/catch.hpp>

#include "tests/support/provider_failure.h"
#include "tests/support/scratch.h"

// Every adapter against what its provider may do: a pod that may exist is never denied, an account
// that could not be read is never empty, and nothing that costs is asked for twice.
namespace workflow::pods {
namespace {

using test::adapter;
using test::failure_of;
using test::pod_request;
using test::ProviderServer;
using test::Scratch;

const std::vector<std::string> all{"runpod", "vast", "lambda"};

struct Fixture {
  Scratch scratch;
  ProviderServer server{scratch.path() / "server"};

  void fault(const std::string& provider, const std::string& call, Json fault) {
    fault["provider"] = provider;
    fault["call"] = call;
    server.fault(fault);
  }
  [[nodiscard]] std::size_t pods(const std::string& provider) const {
    std::size_t out = 0;
    for (const auto& pod : server.pods()) out += pod.at("provider") == provider ? 1 : 0;
    return out;
  }
};

ProviderError renting_fails(Provider& provider, const std::string& name = "wf-ana-1") {
  const auto offers = provider.offers(test::any_a100());
  return failure_of([&] { (void)provider.create(offers.front(), pod_request(name)); });
}

TEST_CASE("a renting whose answer was lost may have been done; a refused one was not") {
  struct Row {
    Json fault;
    Trouble trouble;
    bool maybe_done;
    std::size_t pods;
  };
  const std::vector<Row> rows{
      {{{"kind", "cut"}}, Trouble::network, true, 0},
      {{{"kind", "cut"}, {"after", true}}, Trouble::network, true, 1},
      {{{"kind", "half"}, {"after", true}}, Trouble::network, true, 1},
      {{{"kind", "status"}, {"status", 500}}, Trouble::provider, true, 0},
      {{{"kind", "status"}, {"status", 502}, {"after", true}}, Trouble::provider, true, 1},
      {{{"kind", "body"}, {"body", "<html>"}, {"after", true}}, Trouble::provider, true, 1},
      {{{"kind", "status"}, {"status", 429}}, Trouble::rate_limited, false, 0},
      {{{"kind", "status"}, {"status", 401}}, Trouble::credentials, false, 0},
      {{{"kind", "status"}, {"status", 403}}, Trouble::account, false, 0}};
  Fixture f;
  for (const auto& provider : all) {
    std::size_t expected = 0;
    int asked = 0;
    for (const auto& row : rows) {
      CAPTURE(provider, row.fault.dump());
      const auto one = adapter(f.server, provider);
      const std::string name = "wf-ana-" + std::to_string(++asked);
      f.fault(provider, "create", row.fault);
      const auto error = renting_fails(*one, name);
      CHECK(error.trouble() == row.trouble);
      CHECK(error.maybe_done() == row.maybe_done);
      CHECK(f.server.count(provider, "create") == asked);
      CHECK(f.pods(provider) == (expected += row.pods));
      // What may have been done is found by its name.
      std::size_t found = 0;
      for (const auto& pod : one->list()) found += pod.name == name ? 1 : 0;
      CHECK(found == row.pods);
    }
  }
}

TEST_CASE("an answer that says yes and names no pod may have made one") {
  Fixture f;
  const std::vector<std::pair<std::string, std::string>> answers{
      {"runpod", R"({"data":{"podFindAndDeployOnDemand":null}})"},
      {"vast", R"({"success":true})"},
      {"lambda", R"({"data":{"instance_ids":[]}})"}};
  for (const auto& [provider, body] : answers) {
    CAPTURE(provider);
    f.fault(provider, "create", {{"kind", "body"}, {"body", body}, {"after", true}});
    const auto one = adapter(f.server, provider);
    const auto error = renting_fails(*one);
    CHECK(error.trouble() == Trouble::provider);
    CHECK(error.maybe_done());
    CHECK(one->list().size() == 1);
  }
}

TEST_CASE("no capacity is no capacity, and nothing was rented") {
  Fixture f;
  f.server.set("stock", false);
  for (const auto& provider : all) {
    CAPTURE(provider);
    const auto one = adapter(f.server, provider);
    const auto error = renting_fails(*one);
    CHECK(error.trouble() == Trouble::no_capacity);
    CHECK_FALSE(error.maybe_done());
  }
}

TEST_CASE("a wrong key is a matter of credentials in every call, and never 'no offers'") {
  Fixture f;
  for (const auto& provider : all) {
    CAPTURE(provider);
    ProviderContext context = f.server.context();
    context.value = [good = context.value](const std::string& key) {
      return good(key) + (key.find("_API_KEY") == std::string::npos ? "" : "-stale");
    };
    std::unique_ptr<Provider> one = runpod_provider(context);
    if (provider == "vast") one = vast_provider(context);
    if (provider == "lambda") one = lambda_provider(context);
    const std::vector<std::function<void()>> calls{
        [&] { (void)one->offers(test::any_a100()); }, [&] { (void)one->list(); },
        [&] { (void)one->describe("20000001"); }, [&] { one->terminate("20000001"); }};
    for (const auto& call : calls) {
      const auto error = failure_of(call);
      CHECK(error.trouble() == Trouble::credentials);
      CHECK_FALSE(error.maybe_done());
    }
  }
}

TEST_CASE("without a key no provider is made") {
  Fixture f;
  const Scratch nowhere;
  ::setenv("XDG_CONFIG_HOME", nowhere.path().c_str(), 1);
  const ProviderContext context{.value = [](const std::string&) { return std::string(); }};
  for (const auto make : {runpod_provider, vast_provider, lambda_provider}) {
    CHECK(failure_of([&] { (void)make(context); }).trouble() == Trouble::credentials);
  }
  ::unsetenv("XDG_CONFIG_HOME");
}

TEST_CASE("an account that could not be read is not empty, and a pod in it is not gone") {
  Fixture f;
  for (const auto& provider : all) {
    for (const std::string body :
         {"{}", R"({"data":null})", R"({"data":{}})", "<html>busy</html>"}) {
      CAPTURE(provider, body);
      const auto one = adapter(f.server, provider);
      for (const std::string call : {"list", "describe", "offers"}) {
        f.fault(provider, call, {{"kind", "body"}, {"body", body}});
      }
      CHECK(failure_of([&] { (void)one->list(); }).trouble() == Trouble::provider);
      CHECK(failure_of([&] { (void)one->describe("20000001"); }).trouble() == Trouble::provider);
      CHECK(failure_of([&] { (void)one->offers(test::any_a100()); }).trouble() ==
            Trouble::provider);
    }
  }
}

TEST_CASE("questions get over what passes: 429, 5xx, a lost connection") {
  Fixture f;
  for (const auto& provider : all) {
    CAPTURE(provider);
    const auto one = adapter(f.server, provider);
    const std::string id =
        one->create(one->offers(test::any_a100()).front(), pod_request("wf-ana-1"));
    f.fault(provider, "list", {{"kind", "status"}, {"status", 503}});
    CHECK(one->list().size() == 1);
    f.fault(provider, "describe", {{"kind", "status"}, {"status", 429}, {"retry_after", 1}});
    CHECK(one->describe(id));
    f.fault(provider, "offers", {{"kind", "cut"}});
    CHECK_FALSE(one->offers(test::any_a100()).empty());
  }
}

TEST_CASE("a new pod may be missing from listings for a while; a deletion may be a lie") {
  Fixture f;
  for (const auto& provider : all) {
    CAPTURE(provider);
    const auto one = adapter(f.server, provider);
    f.server.set("invisible_listings", 2);
    f.server.set("lying_deletions", 1);
    const std::string id =
        one->create(one->offers(test::any_a100()).front(), pod_request("wf-ana-1"));
    CHECK(one->list().empty());
    CHECK(one->list().empty());
    CHECK(one->list().size() == 1);
    one->terminate(id);
    CHECK(one->list().size() == 1);
    one->terminate(id);
    CHECK(one->list().empty());
  }
}

TEST_CASE("an end is asked for once, and its lost answer is no proof of anything") {
  Fixture f;
  for (const auto& provider : all) {
    CAPTURE(provider);
    const auto one = adapter(f.server, provider);
    const std::string id =
        one->create(one->offers(test::any_a100()).front(), pod_request("wf-ana-1"));
    f.fault(provider, "terminate", {{"kind", "cut"}});
    CHECK(failure_of([&] { one->terminate(id); }).maybe_done());
    CHECK(f.server.count(provider, "terminate") == 1);
    CHECK(one->list().size() == 1);
    f.fault(provider, "terminate", {{"kind", "status"}, {"status", 500}, {"after", true}});
    CHECK(failure_of([&] { one->terminate(id); }).trouble() == Trouble::provider);
    CHECK(one->list().empty());
  }
}

TEST_CASE("runpod: what an error under 200 means") {
  struct Row {
    std::string message, code;
    Trouble trouble;
    bool maybe_done;
  };
  const std::vector<Row> rows{
      {"There are no longer any instances available with enough disk space.", "RUNPOD",
       Trouble::no_capacity, false},
      {"You do not have enough balance to rent a pod", "RUNPOD", Trouble::account, false},
      {"Unauthorized", "", Trouble::credentials, false},
      {"nope", "UNAUTHENTICATED", Trouble::credentials, false},
      {"nope", "FORBIDDEN", Trouble::account, false},
      {"Field \"x\" is not defined", "BAD_USER_INPUT", Trouble::rejected, false},
      {"Something went wrong. Please try again later or contact support.", "INTERNAL_SERVER_ERROR",
       Trouble::provider, true},
      {"what nobody has ever read", "RUNPOD", Trouble::rejected, true}};
  Fixture f;
  const auto runpod = adapter(f.server, "runpod");
  for (const auto& row : rows) {
    CAPTURE(row.message);
    f.fault("runpod", "create", {{"kind", "errors"}, {"message", row.message}, {"code", row.code}});
    const auto error = renting_fails(*runpod);
    CHECK(error.trouble() == row.trouble);
    CHECK(error.maybe_done() == row.maybe_done);
    CHECK_THAT(error.what(), Catch::Contains(row.message));
  }
  // In a question it is an error, not an empty answer.
  f.fault("runpod", "list", {{"kind", "errors"}, {"message", "a bad day"}});
  CHECK_THAT(failure_of([&] { (void)runpod->list(); }).what(), Catch::Contains("a bad day"));
  f.fault("runpod", "describe", {{"kind", "errors"}, {"message", "a bad day"}});
  CHECK_THAT(failure_of([&] { (void)runpod->describe("p1"); }).what(),
             Catch::Contains("a bad day"));
  f.fault("runpod", "describe", {{"kind", "errors"}, {"message", "pod not found"}});
  CHECK_FALSE(runpod->describe("p1"));
}

TEST_CASE("runpod: an error beside the new pod's id leaves a pod that is ours") {
  Fixture f;
  const auto runpod = adapter(f.server, "runpod");
  f.fault("runpod", "create",
          {{"kind", "body"}, {"body", R"({"data":{"podFindAndDeployOnDemand":{"id":"p9"}},
                        "errors":[{"message":"machine is busy"}]})"}});
  CHECK(runpod->create(runpod->offers(GpuQuery{}).front(), pod_request("wf-ana-1")) == "p9");
}

TEST_CASE("vast: an instance that failed to start is deleted") {
  Fixture f;
  const auto vast = adapter(f.server, "vast");
  f.fault("vast", "create", {{"kind", "partial"}});
  const auto error = renting_fails(*vast);
  CHECK_FALSE(error.maybe_done());
  CHECK(f.pods("vast") == 0);

  // Where the deletion is no proof, the instance may be there.
  f.fault("vast", "create", {{"kind", "partial"}});
  f.server.set("lying_deletions", 1);
  CHECK(renting_fails(*vast, "wf-ana-2").maybe_done());
  CHECK(f.pods("vast") == 1);
}

TEST_CASE("vast: an instance that does not take our key is given back") {
  Fixture f;
  const auto vast = adapter(f.server, "vast");
  f.fault("vast", "attach",
          {{"kind", "status"}, {"status", 400}, {"body", R"({"success":false,"msg":"bad key"})"}});
  const auto error = renting_fails(*vast);
  CHECK_THAT(error.what(), Catch::Contains("did not take the key: bad key"));
  CHECK_FALSE(error.maybe_done());
  CHECK(f.pods("vast") == 0);

  // A lost answer is no refusal: the key is offered again.
  f.fault("vast", "attach", {{"kind", "cut"}, {"after", true}});
  (void)vast->create(vast->offers(GpuQuery{}).front(), pod_request("wf-ana-2"));
  CHECK(f.server.count("vast", "attach") == 3);
  CHECK(f.pods("vast") == 1);
}

TEST_CASE("vast: what a refusal means") {
  struct Row {
    std::string body;
    Trouble trouble;
  };
  const std::vector<Row> rows{
      {R"({"success":false,"error":"no_such_ask","msg":"gone"})", Trouble::no_capacity},
      {R"({"success":false,"error":"insufficient_credit","msg":"no"})", Trouble::account},
      {R"({"success":false,"error":"invalid_args","msg":"bad disk"})", Trouble::rejected}};
  Fixture f;
  const auto vast = adapter(f.server, "vast");
  for (const auto& row : rows) {
    CAPTURE(row.body);
    f.fault("vast", "create", {{"kind", "status"}, {"status", 400}, {"body", row.body}});
    const auto error = renting_fails(*vast);
    CHECK(error.trouble() == row.trouble);
    CHECK_FALSE(error.maybe_done());
  }
}

TEST_CASE("vast: a 404 of another server says nothing about an instance") {
  Fixture f;
  const auto vast = adapter(f.server, "vast");
  f.fault("vast", "describe",
          {{"kind", "status"}, {"status", 404}, {"body", R"({"detail":"Not Found"})"}});
  (void)failure_of([&] { (void)vast->describe("20000001"); });
}

TEST_CASE("lambda: a key that could not be brought rents nothing") {
  Fixture f;
  const auto lambda = adapter(f.server, "lambda");
  f.fault("lambda", "add_key",
          {{"kind", "status"},
           {"status", 400},
           {"body", R"({"error":{"code":"global/quota-exceeded","message":"too many keys"}})"}});
  const auto refused = renting_fails(*lambda);
  CHECK(refused.trouble() == Trouble::account);
  CHECK_FALSE(refused.maybe_done());
  CHECK(f.server.count("lambda", "create") == 0);

  // A lost answer to the upload is looked up.
  f.fault("lambda", "add_key", {{"kind", "cut"}, {"after", true}});
  (void)lambda->create(lambda->offers(GpuQuery{}).front(), pod_request("wf-ana-1"));
  CHECK(f.server.pods().back().at("keys") == Json::array({test::ana_key}));
}

TEST_CASE("no file of a provider's doings holds a key") {
  Fixture f;
  for (const auto& provider : all) {
    const auto one = adapter(f.server, provider);
    (void)one->create(one->offers(test::any_a100()).front(), pod_request("wf-ana-1"));
  }
  for (const auto& entry : fs::recursive_directory_iterator(f.scratch.path())) {
    if (!entry.is_regular_file()) continue;
    for (const auto& provider : all) {
      CHECK_THAT(read_file(entry.path()), !Catch::Contains(ProviderServer::key(provider)));
    }
  }
}

}  // namespace
}  // namespace workflow::pods
