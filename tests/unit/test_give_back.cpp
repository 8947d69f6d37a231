// The end of a pod: asked for until it is proven.
#include "tests/support/rent_desk.h"

using namespace workflow;
using namespace workflow::pods;
using namespace workflow::test;
using Catch::Contains;

TEST_CASE("a pod that is given back has ended, and so says the ledger") {
  RentDesk desk;
  const PodRow pod = give_back(desk.renting, rent(desk.renting, desk.wish));
  CHECK(pod.held == Held::ended);
  CHECK(desk.rented() == 0);
  CHECK(desk.last().held == Held::ended);
  CHECK_FALSE(desk.last().wanted);
  CHECK(desk.acme->calls("terminate") == 1);
  CHECK_FALSE(desk.ledger.bound("/p/workflow.env"));
  CHECK(text_at(desk.events.back(), "event") == "returned");
  CHECK(give_back(desk.renting, pod).held == Held::ended);
  CHECK(desk.acme->calls("terminate") == 1);
}

TEST_CASE("an end that is called success and is none is asked for again, later and later") {
  RentDesk desk;
  const PodRow pod = rent(desk.renting, desk.wish);
  desk.acme->lies = 3;
  CHECK(give_back(desk.renting, pod).held == Held::ended);
  CHECK(desk.acme->calls("terminate") == 4);
  CHECK(desk.acme->calls("list") > 0);
  CHECK(desk.rented() == 0);
}

TEST_CASE("a provider that fails meanwhile proves nothing") {
  RentDesk desk;
  const PodRow pod = rent(desk.renting, desk.wish);
  desk.acme->fail("terminate", 1, {.trouble = Trouble::network});
  for (int nth = 1; nth < 6; ++nth) desk.acme->fail("list", nth, {.trouble = Trouble::provider});
  CHECK(give_back(desk.renting, pod).held == Held::ended);
  CHECK(desk.rented() == 0);
}

TEST_CASE("when the end is not confirmed in time the ledger goes on saying so") {
  RentDesk desk;
  const PodRow pod = rent(desk.renting, desk.wish);
  desk.acme->fail_always("terminate", {.trouble = Trouble::rejected});
  const Error error = desk.failure([&] { return give_back(desk.renting, pod, 60'000); });
  CHECK(error.code() == Code::provider);
  CHECK_THAT(error.what(), Contains("; its end is not confirmed: acme fails at terminate"));
  CHECK_THAT(error.hint(), Contains("it may go on costing $2.00/h"));
  CHECK(desk.last().held == Held::ending);
  CHECK_THAT(desk.last().last_error, Contains("acme fails at terminate"));
  desk.acme->heal();
  CHECK(give_back(desk.renting, desk.last()).held == Held::ended);
}

TEST_CASE("a pod that nobody has seen yet has not ended by not being listed") {
  RentDesk desk;
  desk.acme->seen_after_ms = 20'000;
  PodRow row = left_behind(desk, Held::rented, desk.acme->put("wf-ana-left"));
  desk.ledger.intend(row);
  CHECK(give_back(desk.renting, row).held == Held::ended);
  CHECK(desk.rented() == 0);
}

TEST_CASE("an intent is settled before it is given back") {
  RentDesk desk;
  desk.ledger.intend(left_behind(desk, Held::intended, ""));
  SECTION("there is a pod") {
    desk.acme->put("wf-ana-left");
    CHECK(give_back(desk.renting, desk.last()).held == Held::ended);
    CHECK(desk.rented() == 0);
  }
  SECTION("there is none") {
    CHECK(give_back(desk.renting, desk.last()).held == Held::never);
    CHECK(desk.acme->calls("terminate") == 0);
  }
}

TEST_CASE("Ctrl-C leaves the end to gc, and says so") {
  RentDesk desk;
  const PodRow pod = rent(desk.renting, desk.wish);
  desk.acme->lies = 1;
  desk.press();
  const Error error = desk.failure([&] { return give_back(desk.renting, pod); });
  CHECK(error.code() == Code::detached);
  CHECK_THAT(error.what(), Contains("was asked to end, and it is not known whether it has"));
  CHECK(desk.last().held == Held::ending);
}

TEST_CASE("a pod that this ledger does not know can be ended, and no other row is touched") {
  RentDesk desk;
  const PodRow pod = rent(desk.renting, desk.wish);
  PodRow stranger;
  stranger.name = pod.name;
  stranger.provider = "acme";
  stranger.pod_id = desk.acme->put(pod.name);
  stranger.held = Held::ready;
  stranger.ready_at = pod.ready_at;
  CHECK(give_back(desk.renting, stranger).held == Held::ended);
  REQUIRE(desk.rented() == 1);
  CHECK(desk.acme->pods().front().id == pod.pod_id);
  CHECK(desk.last().held == Held::ready);
}
