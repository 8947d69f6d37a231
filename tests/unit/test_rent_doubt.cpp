// Renting in doubt: lost answers, Ctrl-C, what an earlier call left behind, other processes.
#include <signal.h>
#include <sys/wait.h>

#include "remote/pods/owner.h"
#include "tests/support/eventually.h"
#include "tests/support/rent_desk.h"

using namespace workflow;
using namespace workflow::pods;
using namespace workflow::test;
using Catch::Contains;

TEST_CASE("a lost answer is resolved by the listing, however late it shows the pod") {
  const std::int64_t seen_after_ms = GENERATE(0, 45'000);
  RentDesk desk;
  desk.acme->seen_after_ms = seen_after_ms;
  desk.acme->fail("create", 1, {.trouble = Trouble::network, .after = true, .maybe_done = true});
  const PodRow pod = rent(desk.renting, desk.wish);
  CHECK(desk.acme->calls("create") == 1);
  REQUIRE(desk.acme->pods().size() == 1);
  CHECK(pod.pod_id == desk.acme->pods().front().id);
  CHECK(pod.held == Held::ready);
  CHECK(pod.rented_at == pod.intended_at);
}

TEST_CASE("an answer without an id is resolved by the listing, too") {
  RentDesk desk;
  desk.acme->tells_no_id = true;
  const PodRow pod = rent(desk.renting, desk.wish);
  CHECK(pod.pod_id == desk.acme->pods().front().id);
  CHECK(desk.acme->calls("create") == 1);
}

TEST_CASE("a call that had no effect is proven so before the next offer is tried") {
  RentDesk desk;
  desk.acme->fail("create", 1, {.trouble = Trouble::network, .maybe_done = true});
  const std::int64_t begun = desk.clock.at;
  const PodRow pod = rent(desk.renting, desk.wish);
  CHECK(desk.clock.at - begun >= desk.acme->how.unseen_ms);
  CHECK(desk.rented() == 1);
  CHECK(pod.price_total_hr == 3.0);
  const PodRow lost = desk.ledger.all().back();
  CHECK(lost.held == Held::never);
  CHECK(desk.ledger.attempts(lost.name).front().trouble == "network");
}

TEST_CASE("a listing that fails proves nothing") {
  RentDesk desk;
  desk.acme->fail("create", 1, {.trouble = Trouble::network, .after = true, .maybe_done = true});
  for (int nth = 1; nth < 12; ++nth) {
    desk.acme->fail("list", nth, {.trouble = Trouble::rate_limited});
  }
  const PodRow pod = rent(desk.renting, desk.wish);
  CHECK(pod.pod_id == desk.acme->pods().front().id);
  CHECK(desk.acme->calls("create") == 1);
}

TEST_CASE("under a doubt that stays nothing else is rented") {
  RentDesk desk;
  desk.acme->fail("create", 1, {.trouble = Trouble::network, .after = true, .maybe_done = true});
  desk.acme->fail_always("list", {.trouble = Trouble::network});
  const Error error = desk.rent_fails();
  CHECK(error.code() == Code::provider);
  CHECK_THAT(error.what(),
             Contains("was rented at acme ($2.00/h) cannot be found out: acme fails"));
  CHECK(desk.acme->calls("create") == 1);
  CHECK(desk.last().held == Held::intended);
  SECTION("and the same wish goes on with it when the provider answers again") {
    desk.acme->heal();
    const PodRow pod = rent(desk.renting, desk.wish);
    CHECK(pod.pod_id == desk.acme->pods().front().id);
    CHECK(desk.acme->calls("create") == 1);
  }
}

TEST_CASE("Ctrl-C leaves a true ledger and says what costs") {
  RentDesk desk;
  SECTION("before anything") {
    desk.press();
    CHECK_THAT(desk.rent_fails().what(), Contains("nothing is rented"));
    CHECK(desk.ledger.all().empty());
  }
  SECTION("between the intent and the call") {
    desk.press_at = "offer";
    CHECK_THAT(desk.rent_fails().what(), Contains("nothing is rented"));
    CHECK(desk.last().held == Held::never);
  }
  SECTION("within the call") {
    desk.acme->at_create = [](const PodRequest&) { throw Error(Code::detached, "detached"); };
    const Error error = desk.rent_fails();
    CHECK_THAT(error.what(), Contains("whether 'wf-"));
    CHECK_THAT(error.what(), Contains("is not known; it would cost $2.00/h"));
    CHECK(desk.last().held == Held::intended);
  }
  SECTION("while it boots") {
    desk.acme->up_after_ms = 60'000;
    desk.press_at = "booting";
    const Error error = desk.rent_fails();
    CHECK(error.code() == Code::detached);
    CHECK_THAT(error.what(), Contains("at acme is rented and costs $2.00/h"));
    CHECK_THAT(error.hint(), Contains("workflow gc ends it"));
    CHECK(text_at(parse_json(error.details(), "details"), "pod_id") == desk.last().pod_id);
    CHECK(desk.last().held == Held::rented);
    CHECK(desk.last().wanted);
  }
  SECTION("while it is given back") {
    desk.host = {.answers = false, .why_not = "wrong", .never_will = true};
    desk.acme->lies = 1;
    desk.press_at = "attempt";
    CHECK_THAT(desk.rent_fails().what(), Contains("was asked to end, and it is not known"));
    CHECK(desk.last().held == Held::ending);
  }
}

TEST_CASE("what an earlier call left behind is finished, not repeated") {
  RentDesk desk;
  SECTION("a pod that was rented") {
    desk.ledger.intend(left_behind(desk, Held::rented, desk.acme->put("wf-ana-left")));
    const PodRow pod = rent(desk.renting, desk.wish);
    CHECK(pod.name == "wf-ana-left");
    CHECK(pod.held == Held::ready);
    CHECK(pod.user_host == this_owner());
    CHECK(desk.acme->calls("create") == 0);
    CHECK_THAT(desk.told(), Contains("resumed booting"));
  }
  SECTION("an intent whose pod is there") {
    desk.ledger.intend(left_behind(desk, Held::intended, ""));
    const std::string id = desk.acme->put("wf-ana-left");
    desk.acme->seen_after_ms = 30'000;
    CHECK(rent(desk.renting, desk.wish).pod_id == id);
    CHECK(desk.acme->calls("create") == 0);
  }
  SECTION("an intent that never was") {
    desk.ledger.intend(left_behind(desk, Held::intended, ""));
    CHECK(rent(desk.renting, desk.wish).name != "wf-ana-left");
    CHECK(desk.ledger.find("wf-ana-left")->held == Held::never);
    CHECK(desk.rented() == 1);
  }
  SECTION("an end that was begun") {
    PodRow row = left_behind(desk, Held::ending, desk.acme->put("wf-ana-left"));
    row.wanted = false;
    desk.ledger.intend(row);
    CHECK(rent(desk.renting, desk.wish).name != "wf-ana-left");
    CHECK(desk.ledger.find("wf-ana-left")->held == Held::ended);
    CHECK(desk.rented() == 1);
  }
  SECTION("a pod that never comes up is given back first") {
    const std::string id = desk.acme->put("wf-ana-left");
    desk.ledger.intend(left_behind(desk, Held::rented, id));
    desk.acme->change(id, "status", "failed");
    CHECK(rent(desk.renting, desk.wish).name != "wf-ana-left");
    CHECK(desk.ledger.find("wf-ana-left")->held == Held::ended);
    CHECK(desk.rented() == 1);
  }
}

TEST_CASE("a pod that is ready is the answer, as long as it is not proven gone") {
  RentDesk desk;
  const PodRow pod = rent(desk.renting, desk.wish);
  SECTION("it is there") {
    CHECK(rent(desk.renting, desk.wish).name == pod.name);
    CHECK(desk.rented() == 1);
  }
  SECTION("its provider ended it") {
    fs::remove(desk.scratch / "acme" / pod.pod_id);
    CHECK(rent(desk.renting, desk.wish).name != pod.name);
    CHECK(desk.ledger.find(pod.name)->held == Held::ended);
  }
  SECTION("its provider does not answer") {
    desk.acme->fail_always("describe", {.trouble = Trouble::network});
    const Error error = desk.rent_fails();
    CHECK(error.code() == Code::provider);
    CHECK_THAT(error.what(), Contains("is still rented at acme cannot be found out"));
    CHECK(desk.rented() == 1);
  }
  SECTION("its provider is not set up any more") {
    desk.providers.erase(desk.providers.begin());
    const Error error = desk.rent_fails();
    CHECK(error.code() == Code::precondition);
    CHECK_THAT(error.what(), Contains("provider 'acme' cannot be asked"));
  }
  SECTION("another wish is another pod") {
    desk.wish.binding.clear();
    desk.wish.purpose = "job train";
    CHECK(rent(desk.renting, desk.wish).name != pod.name);
    CHECK(desk.rented() == 2);
  }
}

TEST_CASE("a wish that another living process is at is busy; its death makes it free") {
  RentDesk desk;
  const pid_t other = ::fork();
  if (other == 0) {
    ::pause();
    ::_exit(0);
  }
  PodRow row = left_behind(desk, Held::rented, desk.acme->put("wf-ana-left"));
  const std::string me = this_owner();
  row.user_host = me.substr(0, me.rfind(' ') + 1) + std::to_string(other);
  desk.ledger.intend(row);
  const Error error = desk.rent_fails();
  CHECK(error.code() == Code::busy);
  CHECK_THAT(error.what(), Contains("'wf-ana-left' is being rented at acme by"));
  ::kill(other, SIGKILL);
  SECTION("though nobody has asked yet how it ended") {
    REQUIRE(eventually([&] { return life_of(row.user_host, 0) == OwnerLife::gone; }));
  }
  SECTION("and it is cleared away") { REQUIRE(::waitpid(other, nullptr, 0) == other); }
  CHECK(rent(desk.renting, desk.wish).name == "wf-ana-left");
  (void)::waitpid(other, nullptr, WNOHANG);
  CHECK(desk.rented() == 1);
}

TEST_CASE("a process that began after the intent is not its renter") {
  CHECK(life_of(this_owner(), 0) == OwnerLife::this_one);
  const std::string me = this_owner();
  const std::string parent = me.substr(0, me.rfind(' ') + 1) + std::to_string(::getppid());
  CHECK(life_of(parent, 0) == OwnerLife::alive);
  CHECK(life_of(parent, 4'000'000'000'000) == OwnerLife::gone);
  CHECK(life_of("ana@elsewhere 1", 0) == OwnerLife::unknown);
  CHECK(life_of("nonsense", 0) == OwnerLife::unknown);
}

TEST_CASE("what another process does with the pod meanwhile is respected") {
  RentDesk desk;
  desk.acme->up_after_ms = 30'000;
  Held by_other = Held::ended;
  desk.renting.wait = [&](std::int64_t ms) {
    desk.pass(ms);
    PodRow row = desk.last();
    row.held = by_other;
    desk.ledger.save(row);
  };
  SECTION("it ended it") {
    const Error error = desk.rent_fails();
    CHECK(error.code() == Code::busy);
    CHECK_THAT(error.what(), Contains("another process is ending 'wf-"));
    CHECK(desk.last().held == Held::ended);
  }
  SECTION("it brought it up") {
    by_other = Held::ready;
    CHECK(rent(desk.renting, desk.wish).held == Held::ready);
  }
}

TEST_CASE("of two that come at once the second goes on with the first one's intent") {
  RentDesk desk;
  // The market is asked after the ledger was: just then the other one writes.
  desk.zeta->fail("offers", 1, {});
  desk.acme->at_create = [](const PodRequest&) { FAIL("a second pod"); };
  const std::string id = desk.acme->put("wf-ana-left");
  struct Meanwhile final : Provider {
    RentDesk& desk;
    PodRow row;
    Meanwhile(RentDesk& of, PodRow other) : desk(of), row(std::move(other)) {}
    [[nodiscard]] std::string name() const override { return "meanwhile"; }
    [[nodiscard]] Traits traits() const override { return {}; }
    std::vector<Offer> offers(const GpuQuery&) override {
      desk.ledger.intend(row);
      return {};
    }
    std::string create(const Offer&, const PodRequest&) override { return {}; }
    std::optional<Pod> describe(const std::string&) override { return std::nullopt; }
    std::vector<Pod> list() override { return {}; }
    void terminate(const std::string&) override {}
  };
  desk.providers.push_back(std::make_unique<Meanwhile>(desk, left_behind(desk, Held::rented, id)));
  CHECK(rent(desk.renting, desk.wish).name == "wf-ana-left");
  CHECK(desk.ledger.all().size() == 1);
}
