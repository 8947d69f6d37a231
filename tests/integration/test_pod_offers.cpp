// pod-offers: several providers at once, the sorted table, and who could not be asked.
#include <catch2/catch.hpp>

#include "tests/support/workspace.h"

using namespace workflow;
using namespace workflow::test;

namespace {

/// A user with the example provider `toy` and a fake `lium`.
class Renter : public Workspace {
 public:
  explicit Renter(const std::string& settings = {}) : Workspace(settings) {
    set("PATH=" + std::string(WORKFLOW_FAKE_LIUM) + ":" + WORKFLOW_EXAMPLE_PROVIDER + ":" +
        std::getenv("PATH"));
    set("FAKE_LIUM=" + dir().string());
  }
};

}  // namespace

TEST_CASE("pod-offers shows this machine as a pod without a GPU") {
  const Renter user;
  const Captured table = user.run({"pod-offers", "type=cpu", "--provider", "loopback"});
  INFO(table.err);
  CHECK(table.status.code == 0);
  CHECK_THAT(table.out, Catch::StartsWith("provider  machine  $/GPU·h   $/h"));
  CHECK_THAT(table.out, Catch::Contains("loopback  cpu"));
  const Json data = user.data({"pod-offers", "--provision", "type=cpu", "--provider", "loopback"});
  REQUIRE(data["offers"].size() == 1);
  CHECK(data["offers"][0]["price_total_hr"] == 0.0);
  CHECK(data["asked"] == Json::array({"loopback"}));
}

TEST_CASE("pod-offers sorts the offers of all providers and names both prices") {
  const Renter user;
  const Json data = user.data({"pod-offers", "type=h100,spot=1,cloud_type=any,providers=toy,lium"});
  REQUIRE(data["offers"].size() == 2);
  CHECK(data["offers"][0]["price_per_gpu_hr"] == 1.4);
  CHECK(data["offers"][1]["cloud_type"] == "secure");
  CHECK(data["asked"].size() == 2);
  CHECK(data["unasked"].empty());
  const Json toys = user.data({"pod-offers", "type=toy,count=8", "--provider", "toy"});
  CHECK(toys["offers"][0]["price_total_hr"] == 4.0);
  CHECK(toys["offers"][0]["price_per_gpu_hr"] == 0.5);
  const Captured one =
      user.run({"pod-offers", "type=H100,spot=1", "--provider", "lium", "--limit", "1"});
  CHECK_THAT(one.err, Catch::Contains("1 more: --limit 2"));
  CHECK(
      user.data({"pod-offers", "type=H100,spot=1", "--provider", "lium", "--limit", "1"})["offers"]
          .size() == 1);
}

TEST_CASE("a provider that fails is told as one that could not be asked") {
  const Renter user;
  user.write("faults.json", R"({"ls": "[red]Error: Invalid API key[/]"})");
  const Captured some = user.run({"pod-offers", "type=toy,providers=toy,lium"});
  CHECK(some.status.code == 0);
  CHECK_THAT(some.err, Catch::Contains("lium could not be asked: 'lium ls' printed no JSON"));
  const Json document = user.json({"pod-offers", "--provider", "lium"});
  CHECK(document["error"]["exit_code"] == 10);
  CHECK(document["data"]["unasked"][0]["provider"] == "lium");
  CHECK(document["data"]["unasked"][0]["category"] == "credentials");
  CHECK_THAT(document["error"]["message"].get<std::string>(),
             Catch::Contains("not all could be asked"));
}

TEST_CASE("where nothing fits, the types there are help") {
  const Renter user;
  const auto hint = [&](const std::string& query, const std::string& provider) {
    const Captured none = user.run({"pod-offers", query, "--provider", provider});
    CHECK(none.status.code == 6);
    CHECK_THAT(none.err, Catch::Contains("no offer fits " + query));
    return none.err;
  };
  CHECK_THAT(hint("type=H10O", "lium"), Catch::Contains("did you mean 'H100'?"));
  CHECK_THAT(hint("type=Voodoo3dfx", "lium"), Catch::Contains("there are H100"));
  CHECK_THAT(hint("type=toj", "toy"), Catch::Contains("did you mean 'TOY 80GB'?"));
  CHECK_THAT(hint("type=H100,max_price=0.01", "lium"), !Catch::Contains("did you mean"));
}

TEST_CASE("the query comes from the settings, too") {
  const Renter user("LIUM_GPU=H100\nLIUM_COUNT=1\nWF_PROVIDER=lium\n");
  CHECK(user.data({"pod-offers"})["offers"].size() == 1);
  const Renter other("WF_PROVISION=type=toy,count=3\nWF_PROVIDER=toy\n");
  CHECK(other.data({"pod-offers"})["offers"][0]["gpu_count"] == 3);
}

TEST_CASE("a query or a provider that is none is a usage error") {
  const Renter user;
  const Captured query = user.run({"pod-offers", "typ=H100,count=0"});
  CHECK(query.status.code == 2);
  CHECK_THAT(query.err, Catch::Contains("QUERY:1: unknown key 'typ'; did you mean 'type'?") &&
                            Catch::Contains("QUERY:16: count '0' is not"));
  const Captured flag = user.run({"pod-offers", "--provision", "typ=H100"});
  CHECK(flag.status.code == 2);
  CHECK_THAT(flag.err, Catch::Contains("WF_PROVISION: column 1: unknown key 'typ'"));
  const Captured provider = user.run({"pod-offers", "--provider", "nosuch"});
  CHECK(provider.status.code == 2);
  CHECK_THAT(provider.err, Catch::Contains("there is no provider 'nosuch'"));
}

TEST_CASE("without any provider it is said how to get one") {
  Workspace user;
  user.set("PATH=/usr/bin:/bin");
  const Captured none = user.run({"pod-offers"});
  CHECK(none.status.code == 2);
  CHECK_THAT(none.err, Catch::Contains("there is no provider to rent from") &&
                           Catch::Contains("loopback needs no account"));
}
