// What a pod may cost, and what ends it.
#include "remote/pods/budget.h"
#include "tests/support/rent_desk.h"

using namespace workflow;
using namespace workflow::pods;
using namespace workflow::test;
using Catch::Contains;

TEST_CASE("where no timer ends a pod, a limit has to be given") {
  RentDesk desk;
  desk.wish.max_secs.reset();
  SECTION("neither hours nor cost") {
    const Error error = desk.rent_fails();
    CHECK(error.code() == Code::refused);
    CHECK_THAT(error.what(), Contains("without --max-hours or --max-cost"));
    CHECK_THAT(error.what(), Contains("acme, zeta"));
    CHECK(desk.acme->calls("offers") == 0);
  }
  SECTION("a provider that has a timer is used, and one without is passed over") {
    desk.zeta->how.ending = Ending::by_provider;
    desk.zeta->market = {fake_offer("zeta", "z1", 9.0)};
    CHECK(rent(desk.renting, desk.wish).provider == "zeta");
    CHECK_THAT(desk.warnings(), Contains("has no end: --max-hours sets its timer"));
    CHECK(desk.zeta->calls("set_end") == 0);
  }
  SECTION("what is free needs none") {
    desk.acme->how.is_free = true;
    desk.acme->market = {fake_offer("acme", "a1", 0)};
    CHECK(rent(desk.renting, desk.wish).ends_at.empty());
    CHECK(desk.warnings().empty());
  }
  SECTION("a cost is enough") {
    desk.wish.max_cost = 8.0;
    const PodRow pod = rent(desk.renting, desk.wish);
    CHECK(pod.ends_at == utc_text(desk.clock.at + 4 * 3'600'000));
    CHECK_THAT(desk.warnings(), Contains("nothing but workflow gc or pod-down does, gc after"));
  }
}

TEST_CASE("the cost shortens the hours by the price") {
  RentWish wish{.query = {}, .purpose = "pod-up"};
  CHECK_FALSE(allowed_secs(wish, 2.0));
  wish.max_secs = 7200;
  CHECK(allowed_secs(wish, 2.0) == 7200);
  wish.max_cost = 1.0;
  CHECK(allowed_secs(wish, 2.0) == 1800);
  CHECK(allowed_secs(wish, 0.1) == 7200);
  CHECK(allowed_secs(wish, 0.0) == 7200);
  CHECK(end_of(wish, 2.0, 0) == "1970-01-01T00:30:00.000Z");
  wish.max_secs.reset();
  CHECK(allowed_secs(wish, 1e-12) == 1'000'000'000);
}

TEST_CASE("offers that the budget does not bring up are left out, and all of them is a refusal") {
  RentDesk desk;
  desk.wish.max_cost = 0.4;
  CHECK(rent(desk.renting, desk.wish).price_total_hr == 2.0);
  desk.wish.binding = "/q/workflow.env";
  desk.wish.max_cost = 0.2;
  const Error error = desk.rent_fails();
  CHECK(error.code() == Code::refused);
  CHECK_THAT(error.what(), Contains("$0.20 (--max-cost) buys 6 min"));
  CHECK_THAT(error.what(), Contains("$2.00/h at acme; to come up it may take 10 min"));
  CHECK(desk.acme->calls("create") == 1);
}

TEST_CASE("what a pod that was given back has cost is gone from the budget") {
  RentDesk desk;
  desk.wish.max_cost = 2.0;
  desk.acme->market = {fake_offer("acme", "a1", 2.0), fake_offer("acme", "a2", 2.5)};
  desk.renting.look = [&](const PodRow& row) {
    desk.host.answers = row.price_total_hr > 2.2;
    return desk.host;
  };
  const PodRow pod = rent(desk.renting, desk.wish);
  CHECK(pod.price_total_hr == 2.5);
  const double lost = desk.ledger.all().back().cost(0);
  CHECK(lost > 0.3);
  const auto secs = (*parse_utc(pod.ends_at) - *parse_utc(pod.intended_at)) / 1000;
  CHECK(static_cast<double>(secs) == Approx((2.0 - lost) / 2.5 * 3600).margin(2));
  SECTION("and when it is used up nothing more is tried") {
    desk.wish.binding = "/q/workflow.env";
    desk.wish.max_cost = 0.5;
    CHECK_THAT(desk.rent_fails().what(), Contains("1 offer tried"));
  }
}

TEST_CASE("a provider's own timer is handed over with the request, or set and verified") {
  RentDesk desk;
  desk.acme->how.ending = Ending::by_provider;
  SECTION("with the request") {
    const PodRow pod = rent(desk.renting, desk.wish);
    CHECK(desk.acme->pods().front().ends_at == pod.ends_at);
    CHECK(desk.acme->calls("set_end") == 0);
  }
  SECTION("afterwards, though it fails first") {
    desk.acme->takes_timer = false;
    desk.acme->up_after_ms = 5'000;
    desk.acme->fail("set_end", 1, {.trouble = Trouble::provider});
    const PodRow pod = rent(desk.renting, desk.wish);
    CHECK(desk.acme->pods().front().ends_at == pod.ends_at);
    CHECK(pod.ending == Ending::by_provider);
  }
  SECTION("one that it does not take is none") {
    desk.acme->takes_timer = false;
    desk.acme->sets_timer = false;
    desk.acme->fail("set_end", 1, {.trouble = Trouble::provider});
    const PodRow pod = rent(desk.renting, desk.wish);
    CHECK(pod.ending == Ending::only_by_us);
    CHECK_FALSE(pod.ends_at.empty());
    CHECK_THAT(desk.warnings(), Contains("acme has not taken the timer (acme fails at set_end 1)"));
  }
  CHECK(desk.warnings().find("has no end") == std::string::npos);
}

TEST_CASE("a price that is not the offer's is told, kept, and ends the pod sooner") {
  RentDesk desk;
  desk.acme->how.ending = Ending::by_provider;
  desk.wish.max_cost = 4.0;
  desk.acme->up_after_ms = 1'000;
  bool changed = false;
  desk.renting.wait = [&](std::int64_t ms) {
    desk.pass(ms);
    if (!changed) desk.acme->change(desk.acme->pods().front().id, "price", 4.0);
    changed = true;
  };
  const PodRow pod = rent(desk.renting, desk.wish);
  CHECK(pod.price_total_hr == 4.0);
  CHECK_THAT(desk.warnings(), Contains("acme asks $4.00/h where its offer said $2.00/h"));
  CHECK(parse_utc(pod.ends_at).value() - parse_utc(pod.rented_at).value() == 3'600'000);
  CHECK(desk.acme->pods().front().ends_at == pod.ends_at);
}

TEST_CASE("prices are told as people write them") {
  CHECK(price_text(4.78) == "$4.78/h");
  CHECK(price_text(0.0123) == "$0.0123/h");
  CHECK(price_text(0) == "nothing");
}
