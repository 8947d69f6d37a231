// Providers that are programs of their own: the example of the documentation, and faulty ones.
#include <signal.h>
#include <stdlib.h>

#include <catch2/catch.hpp>

#include "common/json.h"
#include "common/pipe.h"
#include "remote/pods/factories.h"
#include "remote/pods/provider_json.h"
#include "tests/support/scratch.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// A PATH with the example and programs of the test's own.
class Programs {
 public:
  Programs() {
    ::signal(SIGPIPE, SIG_IGN);
    ::setenv("PATH",
             (scratch_.path().string() + ":" + WORKFLOW_EXAMPLE_PROVIDER + ":" + path_).c_str(), 1);
    ::setenv("TOY_PODS", (scratch_ / "pods").c_str(), 1);
  }
  ~Programs() { ::setenv("PATH", path_.c_str(), 1); }

  /// `workflow-provider-odd` is a shell script.
  [[nodiscard]] std::unique_ptr<pods::Provider> odd(const std::string& script,
                                                    int interrupt_fd = -1) const {
    real_files().write(scratch_ / "workflow-provider-odd", "#!/bin/sh\n" + script + "\n",
                       {.mode = 0755});
    return pods::program_provider("odd", {.value = {}, .interrupt_fd = interrupt_fd});
  }

 private:
  Scratch scratch_;
  std::string path_ = std::getenv("PATH");
};

template <class Call>
pods::ProviderError refusal(Call call) {
  try {
    call();
  } catch (const pods::ProviderError& error) {
    return error;
  }
  FAIL("no error");
  std::abort();
}

}  // namespace

TEST_CASE("the example provider answers every question") {
  const Programs programs;
  const auto toy = pods::program_provider("toy", {});
  REQUIRE(toy != nullptr);
  CHECK(toy->name() == "toy");
  CHECK(toy->traits().ending == pods::Ending::by_provider);
  CHECK(toy->traits().is_free);
  CHECK(toy->traits().unseen_ms == 0);

  const auto query = pods::parse_query("type=toy,count=4", "x");
  const auto offers = toy->offers(query);
  REQUIRE(offers.size() == 1);
  CHECK(offers[0].price_total_hr == 2.0);
  CHECK(offers[0].cuda == pods::CudaVersion{12, 4});
  CHECK(offers[0].detail["rack"] == 7);
  CHECK(pods::unfit(offers[0], query).empty());

  const std::string id = toy->create(offers[0], {.name = "wf-ana-1",
                                                 .public_key = "ssh-ed25519 AAAA 'x' \"y\"",
                                                 .query = query,
                                                 .ends_at = "2030-01-01T00:00:00.000Z"});
  const auto pod = toy->describe(id).value();
  CHECK(pod.name == "wf-ana-1");
  CHECK(pod.provider == "toy");
  CHECK(pod.status == pods::PodStatus::running);
  CHECK(pod.ssh == pods::SshAddress{"toy", "127.0.0.1", 22});
  CHECK(pod.price_total_hr == 2.0);
  CHECK(pod.ends_at == "2030-01-01T00:00:00.000Z");
  toy->set_end(id, "2031-01-01T00:00:00.000Z");
  CHECK(toy->list().at(0).ends_at == "2031-01-01T00:00:00.000Z");
  toy->terminate(id);
  toy->terminate(id);
  CHECK(toy->list().empty());
  CHECK_FALSE(toy->describe(id).has_value());

  const auto refused = refusal([&] {
    (void)toy->create(offers[0], {.name = "x", .public_key = "k", .query = query, .volume = "v"});
  });
  CHECK(refused.trouble() == pods::Trouble::rejected);
  CHECK(std::string(refused.what()) == "'workflow-provider-toy' says: a toy has no volumes");
  CHECK_FALSE(refused.maybe_done());
}

TEST_CASE("a program's own words of a failure are told with their category") {
  const Programs programs;
  const auto odd =
      programs.odd(R"(echo 'trying gpu7' >&2; echo '{"ok":false,"error":{"category":"no_capacity",)"
                   R"("message":"all taken","maybe_done":true}}'; exit 1)");
  const auto told =
      refusal([&] { (void)odd->create({}, {.name = "x", .public_key = "k", .query = {}}); });
  CHECK(told.trouble() == pods::Trouble::no_capacity);
  CHECK(told.maybe_done());
  CHECK(told.hint() == "trying gpu7");
}

TEST_CASE("a program that does not answer as it must is believed nothing") {
  const Programs programs;
  struct Case {
    const char* script;
    const char* what;
  };
  for (const auto& [script, what] :
       {Case{R"(echo '{"ok":true,"data":{"id":"p1","pods":[]}}'; exit 3)",
             "ended with exit code 3"},
        Case{"kill -9 $$", "ended with signal KILL"}, Case{"echo hello", "with its JSON"},
        Case{"exit 0", "with its JSON"}, Case{"echo '[]'", "with its JSON"},
        Case{R"(echo '{"ok":"yes"}')", "with its JSON"}}) {
    CAPTURE(script);
    const auto odd = programs.odd(script);
    const auto renting =
        refusal([&] { (void)odd->create({}, {.name = "x", .public_key = "k", .query = {}}); });
    CHECK(renting.maybe_done());
    CHECK_THAT(renting.what(), Catch::Contains(what));
    const auto reading = refusal([&] { (void)odd->list(); });
    CHECK_FALSE(reading.maybe_done());
  }
  const auto no_id = refusal([&] {
    (void)programs.odd(R"(echo '{"ok":true,"data":{"id":"a b"}}')")
        ->create({}, {.name = "x", .public_key = "k", .query = {}});
  });
  CHECK(no_id.maybe_done());
  CHECK_THAT(no_id.what(), Catch::Contains("told no usable id"));
  const auto empty = programs.odd(R"(echo '{"ok":true,"data":{}}')");
  CHECK_THROWS_WITH(empty->list(), Catch::Contains("did not answer with a list 'pods'"));
  CHECK_THROWS_WITH(empty->describe("x"), Catch::Contains("did not answer with a 'pod'"));
}

TEST_CASE("offers and pods without what they need are refused by the missing field") {
  const Programs programs;
  const auto says = [&](const std::string& data) {
    return programs.odd("echo '{\"ok\":true,\"data\":" + data + "}'");
  };
  CHECK_THROWS_WITH(says(R"({"offers":[{"id":"1"}]})")->offers({}),
                    Catch::Contains("an offer without a usable 'price_total_hr'"));
  CHECK_THROWS_WITH(says(R"({"offers":[{"price_total_hr":1}]})")->offers({}),
                    Catch::Contains("an offer without a usable 'id'"));
  CHECK_THROWS_WITH(says(R"({"pods":[{"id":"../x"}]})")->list(),
                    Catch::Contains("a pod without a usable 'id'"));
  CHECK_THROWS_WITH(says(R"({"pods":[{"id":"x","ssh":{}}]})")->list(),
                    Catch::Contains("a pod's ssh without a usable 'host'"));
  const auto pod = says(R"({"pods":[{"id":"x","status":"melting"}]})")->list().at(0);
  CHECK(pod.status == pods::PodStatus::unknown);
  CHECK(pod.status_text == "melting");
}

TEST_CASE("Ctrl-C ends the program") {
  const Programs programs;
  Pipe interrupt = make_pipe();
  REQUIRE(::write(interrupt.write.get(), "c", 1) == 1);
  const auto odd = programs.odd("exec sleep 1000", interrupt.read.get());
  try {
    (void)odd->list();
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.code() == Code::detached);
    CHECK(std::string(error.what()) == "interrupted while 'odd' was asked for 'list'");
  }
}

TEST_CASE("a name that is no name finds no program") {
  const Programs programs;
  CHECK(pods::program_provider("nosuch", {}) == nullptr);
  CHECK(pods::program_provider("../toy", {}) == nullptr);
  CHECK(pods::program_provider("", {}) == nullptr);
}

TEST_CASE("the words of the protocol are those of the interface") {
  using namespace pods;
  for (const auto trouble : {Trouble::credentials, Trouble::account, Trouble::no_capacity,
                             Trouble::rejected, Trouble::rate_limited, Trouble::network}) {
    CHECK(trouble_from(name(trouble)) == trouble);
  }
  CHECK(trouble_from("weather") == Trouble::provider);
  CHECK(ending_from("by_pod_key") == Ending::by_pod_key);
  CHECK(ending_from("never") == Ending::only_by_us);
}
