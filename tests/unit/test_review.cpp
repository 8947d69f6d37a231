// The ledger and the providers' listings, laid side by side.
#include <signal.h>
#include <sys/wait.h>

#include "remote/pods/owner.h"
#include "tests/support/rent_desk.h"

using namespace workflow;
using namespace workflow::pods;
using namespace workflow::test;
using Catch::Contains;

namespace {

/// A process of this machine that has gone.
std::string gone_owner() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  const std::string me = this_owner();
  return me.substr(0, me.rfind(' ') + 1) + std::to_string(child);
}

std::string why(const Review& review, const std::string& name) {
  for (const auto& orphan : review.orphans) {
    if (orphan.row.name == name) return orphan.why;
  }
  return {};
}

}  // namespace

TEST_CASE("a pod that is wanted and there is no orphan") {
  RentDesk desk;
  const PodRow pod = rent(desk.renting, desk.wish);
  const Review found = review(desk.renting);
  REQUIRE(found.live.size() == 1);
  CHECK(found.live.front().name == pod.name);
  CHECK(found.orphans.empty());
  CHECK(found.unasked.empty());
  CHECK(desk.rented() == 1);
}

TEST_CASE("a pod that the ledger has as ended, and its provider lists, lives and costs") {
  RentDesk desk;
  PodRow row = rent(desk.renting, desk.wish);
  row.held = Held::ended;
  row.ended_at = row.ready_at;
  SECTION("it was wanted, and is so again") {
    desk.ledger.save(row);
    CHECK(review(desk.renting).orphans.empty());
    CHECK(desk.last().held == Held::ready);
    CHECK(desk.last().ended_at.empty());
  }
  SECTION("it was to be ended, and that is gone on with") {
    row.wanted = false;
    desk.ledger.save(row);
    const Review found = review(desk.renting);
    CHECK_THAT(why(found, row.name), Contains("was to be ended"));
    CHECK(give_back(desk.renting, found.orphans.front().row).held == Held::ended);
    CHECK(desk.rented() == 0);
  }
}

TEST_CASE("an intent is settled by the listing") {
  RentDesk desk;
  PodRow row = left_behind(desk, Held::intended, "");
  row.user_host = gone_owner();
  desk.ledger.intend(row);
  SECTION("its pod is there") {
    const std::string id = desk.acme->put("wf-ana-left");
    const Review found = review(desk.renting);
    REQUIRE(found.live.size() == 1);
    CHECK(found.live.front().held == Held::rented);
    CHECK(desk.last().pod_id == id);
    CHECK(desk.last().rented_at == row.intended_at);
    CHECK_THAT(why(found, "wf-ana-left"), Contains("whose command has gone before it was ready"));
  }
  SECTION("it is not there yet, which is no proof") {
    CHECK(review(desk.renting).live.size() == 1);
    CHECK(desk.last().held == Held::intended);
  }
  SECTION("it is not there, and would be") {
    desk.clock.at += desk.acme->how.unseen_ms;
    CHECK(review(desk.renting).live.empty());
    CHECK(desk.last().held == Held::never);
  }
  SECTION("its provider does not answer") {
    desk.clock.at += desk.acme->how.unseen_ms;
    desk.acme->fail_always("list", {.trouble = Trouble::network});
    const Review found = review(desk.renting);
    CHECK(found.live.size() == 1);
    REQUIRE(found.unasked.size() == 1);
    CHECK_THAT(found.unasked.front(), Contains("acme: acme fails at list"));
    CHECK(desk.last().held == Held::intended);
  }
}

TEST_CASE("an intent whose renter lives is left to it") {
  RentDesk desk;
  const pid_t other = ::fork();
  if (other == 0) {
    ::pause();
    ::_exit(0);
  }
  PodRow row = left_behind(desk, Held::intended, "");
  const std::string me = this_owner();
  row.user_host = me.substr(0, me.rfind(' ') + 1) + std::to_string(other);
  // The child is younger than an intent of an hour ago would be.
  row.intended_at = utc_text(desk.clock.at - 5'000);
  desk.acme->how.unseen_ms = 1'000;
  desk.ledger.intend(row);
  const Review found = review(desk.renting);
  CHECK(found.live.size() == 1);
  CHECK(found.orphans.empty());
  CHECK(desk.last().held == Held::intended);
  ::kill(other, SIGKILL);
  REQUIRE(::waitpid(other, nullptr, 0) == other);
  CHECK(review(desk.renting).live.empty());
  CHECK(desk.last().held == Held::never);
}

TEST_CASE("a pod that is gone has ended; one that cannot be asked about has not") {
  RentDesk desk;
  const PodRow pod = rent(desk.renting, desk.wish);
  SECTION("gone") {
    fs::remove(desk.scratch / "acme" / pod.pod_id);
    CHECK(review(desk.renting).live.empty());
    CHECK(desk.last().held == Held::ended);
    CHECK_FALSE(desk.last().ended_at.empty());
  }
  SECTION("ended in the listing's own words") {
    desk.acme->change(pod.pod_id, "status", "ended");
    CHECK(review(desk.renting).live.empty());
    CHECK(desk.last().held == Held::ended);
  }
  SECTION("not listed, but not describable either") {
    fs::remove(desk.scratch / "acme" / pod.pod_id);
    desk.acme->fail_always("describe", {.trouble = Trouble::provider});
    CHECK(review(desk.renting).live.size() == 1);
    CHECK(desk.last().held == Held::ready);
  }
  SECTION("the provider is not set up") {
    desk.providers.erase(desk.providers.begin());
    const Review found = review(desk.renting);
    CHECK(found.live.size() == 1);
    REQUIRE(found.unasked.size() == 1);
    CHECK_THAT(found.unasked.front(), Contains("acme: it is not set up here"));
  }
  SECTION("stopped, which may cost") {
    desk.acme->change(pod.pod_id, "status", "stopped");
    CHECK_THAT(review(desk.renting).live.front().last_error,
               Contains("acme says: stopped; it may cost all the same"));
  }
}

TEST_CASE("a pod that was just rented may not be listed yet") {
  RentDesk desk;
  desk.ledger.intend(left_behind(desk, Held::rented, "id-late"));
  CHECK(review(desk.renting).live.size() == 1);
  desk.clock.at += desk.acme->how.unseen_ms;
  CHECK(review(desk.renting).live.empty());
}

TEST_CASE("orphans are told with the reason") {
  RentDesk desk;
  PodRow pod = rent(desk.renting, desk.wish);
  SECTION("nobody wants it") {
    pod.wanted = false;
    desk.ledger.save(pod);
    CHECK_THAT(why(review(desk.renting), pod.name), Contains("who is done with it"));
  }
  SECTION("it is past its end") {
    desk.clock.at += 5 * 3'600'000;
    const Review found = review(desk.renting);
    CHECK_THAT(why(found, pod.name), Contains("was to end at " + pod.ends_at));
    CHECK(found.orphans.front().may_work);
  }
  SECTION("its end was begun") {
    pod.held = Held::ending;
    desk.ledger.save(pod);
    const Review found = review(desk.renting);
    CHECK_THAT(why(found, pod.name), Contains("was to be ended, and acme still has it"));
    CHECK_FALSE(found.orphans.front().may_work);
  }
  SECTION("its job's command has gone, and the job may go on") {
    pod.purpose = "job train";
    pod.user_host = gone_owner();
    desk.ledger.save(pod);
    desk.clock.at += 3 * 3'600'000;
    const Review found = review(desk.renting);
    CHECK_THAT(why(found, pod.name), Contains("rented 3 h ago by"));
    CHECK_THAT(why(found, pod.name), Contains("whose job-run has gone"));
    CHECK(found.orphans.front().may_work);
    CHECK(found.orphans.front().ours);
  }
  SECTION("it has not become ready for hours, on a machine that nobody can ask") {
    pod.held = Held::rented;
    pod.user_host = "ana@elsewhere 1";
    desk.ledger.save(pod);
    CHECK(why(review(desk.renting), pod.name).empty());
    desk.clock.at += 10'000'000;
    CHECK_THAT(why(review(desk.renting), pod.name), Contains("has not become ready since"));
  }
  CHECK(desk.rented() == 1);
}

TEST_CASE("pods with names like ours that this ledger does not know are told apart") {
  RentDesk desk;
  const PodRow pod = rent(desk.renting, desk.wish);
  (void)desk.zeta->put("wf-ben-0001");
  (void)desk.zeta->put("somebody-elses");
  const std::string ended = desk.zeta->put("wf-ben-0002");
  desk.zeta->change(ended, "status", "ended");
  const std::string twin = desk.acme->put(pod.name);
  const Review found = review(desk.renting);
  REQUIRE(found.orphans.size() == 2);
  CHECK_FALSE(found.orphans[0].ours);
  CHECK(found.orphans[0].row.pod_id == twin);
  CHECK_THAT(found.orphans[0].why, Contains("a second pod of that name"));
  CHECK_FALSE(found.orphans[1].ours);
  CHECK(found.orphans[1].row.name == "wf-ben-0001");
  CHECK(found.live.size() == 1);
}
