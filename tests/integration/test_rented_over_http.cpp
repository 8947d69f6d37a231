// Whole rentals as a user does them, at a provider whose API and misdeeds are a fake's and whose
// pod is a real sshd.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/fake_gpus.h"
#include "tests/support/provider_server.h"
#include "tests/support/sshd.h"
#include "tests/support/workspace.h"

namespace workflow::test {
namespace {

/// A user with an account at `provider`, whose pods all have one sshd and two GPUs.
class Rented {
 public:
  explicit Rented(const std::string& provider) : provider_(provider) {
    for (const auto& entry : server.environment()) space.set(entry);
    space.set("WF_TARGET=");
    space.set("WF_PROVIDER=" + provider);
    space.set("WF_PROVISION=type=A100,count=2,cloud_type=any");
    space.set("POD_SSH_KEY=" + (sshd_.dir() / "id").string());
    server.ssh("127.0.0.1", sshd_.port());
  }

  void fault(const std::string& call, Json fault) {
    fault["provider"] = provider_;
    fault["call"] = call;
    server.fault(fault);
  }
  [[nodiscard]] std::string state() const { return text_at(space.data({"fsm-status"}), "state"); }
  [[nodiscard]] int count(const std::string& call) const { return server.count(provider_, call); }
  /// Whether a key of the user's stands in what was said or kept.
  [[nodiscard]] bool tells_key(const Captured& said) const {
    const std::string key = ProviderServer::key(provider_);
    for (const auto& entry : fs::recursive_directory_iterator(space.dir())) {
      if (entry.is_regular_file() && contains(read_file(entry.path()), key)) return true;
    }
    return contains(said.out, key) || contains(said.err, key);
  }

  Workspace space;
  ProviderServer server{space.dir() / "provider"};

 private:
  std::string provider_;
  FakeGpus gpus_{space.dir() / "gpus", 2};
  Sshd sshd_{"SetEnv HOME=" + (space.dir() / "pod").string() + " " + gpus_.path_entry()};
};

}  // namespace

TEST_CASE("a pod is rented over HTTP, works, and is given back", "[rented]") {
  for (const std::string provider : {"runpod", "vast"}) {
    CAPTURE(provider);
    Rented user(provider);
    user.server.set("invisible_listings", 1);
    user.server.set("boot_looks", 1);
    const Captured up = user.space.run({"pod-up", "--yes", "--json"});
    CAPTURE(up.err);
    REQUIRE(up.ok());
    const Json said = parse_json(split(trim(up.out), '\n').back(), "pod-up");
    const Json pod = member(member(said, "data"), "pod");
    CHECK(user.state() == "POD_READY");
    REQUIRE(user.server.pods().size() == 1);
    CHECK(text_at(pod, "name") == text_at(user.server.pods().front(), "name"));
    CHECK(user.space.run({"exec", "--", "echo", "from the pod"}).out == "from the pod\n");
    CHECK(user.space.run({"pod-up", "--yes"}).ok());
    CHECK(user.count("create") == 1);

    const int lies = provider == "runpod" ? 1 : 0;  // each costs a wait
    user.server.set("lying_deletions", lies);
    const Captured down = user.space.run({"pod-down"});
    CAPTURE(down.err);
    CHECK(down.ok());
    CHECK(user.state() == "POD_TERMINATED");
    CHECK(user.server.pods().empty());
    CHECK(user.count("terminate") > lies);
    CHECK_FALSE(user.tells_key(up));
    CHECK_FALSE(user.tells_key(down));
  }
}

TEST_CASE("a pod whose renting was not answered is found by its name, not rented again",
          "[rented]") {
  for (const Json& fault : {Json{{"kind", "cut"}, {"after", true}},
                            Json{{"kind", "status"}, {"status", 502}, {"after", true}},
                            Json{{"kind", "body"}, {"body", "<html>"}, {"after", true}}}) {
    CAPTURE(fault.dump());
    Rented user("runpod");
    user.server.set("invisible_listings", 1);
    user.fault("create", fault);
    const Captured up = user.space.run({"pod-up", "--yes"});
    CAPTURE(up.err);
    CHECK(up.ok());
    CHECK(user.count("create") == 1);
    CHECK(user.server.pods().size() == 1);
    CHECK(user.state() == "POD_READY");
    CHECK(user.space.run({"pod-down"}).ok());
    CHECK(user.server.pods().empty());
  }
}

TEST_CASE("without a word that it may cost, nothing is rented", "[rented]") {
  Rented user("runpod");
  const Captured up = user.space.run({"pod-up"});
  CHECK(up.status.code == 9);
  CHECK(contains(up.err, "$2.38/h"));
  CHECK(user.count("create") == 0);
}

TEST_CASE("no capacity anywhere is exit 10, with every attempt and nothing rented", "[rented]") {
  Rented user("runpod");
  user.server.set("stock", false);
  const Captured up = user.space.run({"pod-up", "--yes"});
  CHECK(up.status.code == 10);
  CHECK(contains(up.err, "no_capacity"));
  CHECK(user.count("create") == 2);
  CHECK(user.server.pods().empty());
  CHECK(user.state() == "INIT");
}

TEST_CASE("a stale key is told as that, and rents nothing", "[rented]") {
  Rented user("vast");
  user.space.set("VAST_API_KEY=stale-0123456789");
  const Captured up = user.space.run({"pod-up", "--yes"});
  CHECK(up.status.code == 10);
  CHECK(contains(up.err, "401"));
  CHECK_FALSE(contains(up.err, "stale-0123456789"));
  CHECK(user.count("create") == 0);
}

TEST_CASE("a pod without the GPUs that were asked for is given back", "[rented]") {
  Rented user("runpod");
  user.space.set("WF_PROVISION=type=A100,count=4");
  const Captured up = user.space.run({"pod-up", "--yes"});
  CAPTURE(up.err);
  CHECK(up.status.code == 10);
  CHECK(contains(up.err, "it has 2 GPUs where 4 were asked for"));
  CHECK(user.count("create") == 1);
  CHECK(user.server.pods().empty());
}

}  // namespace workflow::test
