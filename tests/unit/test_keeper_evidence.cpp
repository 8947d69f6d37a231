// What evidence corrects, who holds a lease, and what is left of it when the holder is gone.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/state_desk.h"

namespace workflow::test {
namespace {

using fsm::Event;
using fsm::State;
using tasks::Evidence;
using tasks::Liveness;

struct Case {
  const char* what;
  State recorded;
  State supported;
  Evidence evidence;
};

Evidence with(void (*set)(Evidence&)) {
  Evidence evidence;
  set(evidence);
  return evidence;
}

std::vector<Case> cases() {
  const Evidence no_tools = with([](auto& e) { e.bootstrapped = {Liveness::gone, "no git"}; });
  const Evidence no_repo = with([](auto& e) { e.checked_out = {Liveness::gone, "no repo"}; });
  const Evidence dead = with([](auto& e) { e.executor = {Liveness::gone, "it is gone"}; });
  const Evidence ended = with([](auto& e) {
    e.executor = {Liveness::gone, "it is gone"};
    e.rows_ended = true;
  });
  const Evidence alive = with([](auto& e) { e.executor = {Liveness::alive}; });
  const Evidence busy_without_repo = with([](auto& e) {
    e.executor = {Liveness::alive};
    e.checked_out = {Liveness::gone, "no repo"};
  });
  const Evidence unknown = with([](auto& e) { e.rows_ended = true; });
  using enum State;
  return {{"tools gone", bootstrapped, pod_ready, no_tools},
          {"tools gone", checked_out, pod_ready, no_tools},
          {"tools gone", sweep_completed, pod_ready, no_tools},
          {"tools gone", pod_ready, pod_ready, no_tools},
          {"tools gone", init, init, no_tools},
          {"repository gone", checked_out, bootstrapped, no_repo},
          {"repository gone", sweep_stalled, bootstrapped, no_repo},
          {"repository gone", bootstrapped, bootstrapped, no_repo},
          {"executor gone", sweep_running, sweep_stalled, dead},
          {"executor gone", sweep_stalled, sweep_stalled, dead},
          {"executor gone", checked_out, checked_out, dead},
          {"executor gone, all ended", sweep_running, sweep_completed, ended},
          {"executor gone, all ended", sweep_stalled, sweep_completed, ended},
          {"executor back", sweep_stalled, sweep_running, alive},
          {"executor alive", sweep_running, sweep_running, alive},
          {"executor alive", sweep_completed, sweep_completed, alive},
          {"executor alive beats a missing file", sweep_running, sweep_running, busy_without_repo},
          {"executor unknown", sweep_running, sweep_running, unknown},
          {"executor unknown", sweep_stalled, sweep_stalled, unknown}};
}

}  // namespace

TEST_CASE("the state is corrected to what evidence supports, with a reason in the log") {
  for (const Case& one : cases()) {
    INFO(one.what << " in " << fsm::name(one.recorded));
    StateDesk desk;
    desk.reset(one.recorded);
    desk.evidence = one.evidence;
    const auto shown = tasks::supported(desk.record(), one.evidence);
    CHECK(shown.state == one.supported);
    const auto before = desk.bytes();
    const auto done = desk.advance(Event::fsm_log);
    CHECK(done.after.state == one.supported);
    if (one.supported == one.recorded) {
      CHECK(desk.bytes() == before);
      CHECK(done.notes.empty());
      continue;
    }
    CHECK(desk.record().revision == 2);
    CHECK(desk.record().previous == one.recorded);
    CHECK(desk.record().reason == shown.reason);
    REQUIRE(done.notes.size() == 1);
    CHECK(done.notes[0].find(shown.reason) != std::string::npos);
    const Json line = desk.log().back();
    CHECK(text_at(line, "kind") == "correction");
    CHECK(text_at(line, "reason") == shown.reason);
    CHECK_FALSE(shown.reason.empty());
  }
}

TEST_CASE("another pod on the same volume is POD_READY, and is the pod from then on") {
  for (const State from : fsm::all_states()) {
    if (from == State::init || from == State::pod_terminated) continue;
    INFO(fsm::name(from));
    StateDesk desk;
    desk.evidence.pod_id = "aaaaaaaaaaaa";
    desk.reset(from);
    CHECK(text_at(desk.record().pod, "id") == "aaaaaaaaaaaa");
    desk.evidence.pod_id = "bbbbbbbbbbbb";
    CHECK(tasks::supported(desk.record(), desk.evidence).state == State::pod_ready);
    const auto done = desk.advance(Event::pod_status);
    CHECK(done.after.state == State::pod_ready);
    CHECK(text_at(desk.record().pod, "id") == "bbbbbbbbbbbb");
    REQUIRE(done.notes.size() == 1);
    CHECK(done.notes[0].find("another pod") != std::string::npos);
    // What is done on it now counts.
    desk.lease(Event::bootstrap, "bootstrap-3");
    desk.keeper().settle_lease("bootstrap-3", true, "done");
    CHECK(desk.advance(Event::pod_status).after.state == State::bootstrapped);
  }
}

TEST_CASE("a lease learns the pod when nobody knew it before") {
  StateDesk desk;
  desk.reset(State::pod_ready);
  CHECK(desk.record().pod.empty());
  desk.evidence.pod_id = "aaaaaaaaaaaa";
  desk.lease(Event::bootstrap, "bootstrap-2");
  CHECK(text_at(desk.record().pod, "id") == "aaaaaaaaaaaa");
}

TEST_CASE("a lease moves nothing until its task has succeeded") {
  StateDesk desk;
  desk.reset(State::pod_ready);
  const auto begun = desk.lease(Event::bootstrap, "bootstrap-2");
  CHECK(begun.after.state == State::pod_ready);
  REQUIRE(desk.record().lease);
  CHECK(desk.record().lease->task_id == "bootstrap-2");
  CHECK(desk.record().lease->since_ms == desk.clock.now);

  const auto before = desk.bytes();
  desk.keeper().settle_lease("bootstrap-1", true, "not mine");
  CHECK(desk.bytes() == before);

  SECTION("success") {
    desk.keeper().settle_lease("bootstrap-2", true, "tools are there", {{"bootstrap", {{"a", 1}}}});
    CHECK(desk.record().state == State::bootstrapped);
    CHECK(desk.record().previous == State::pod_ready);
    CHECK(desk.record().claims.contains("bootstrap"));
    CHECK(text_at(desk.log().back(), "kind") == "move");
  }
  SECTION("failure") {
    desk.keeper().settle_lease("bootstrap-2", false, "no git", {{"bootstrap", {{"a", 1}}}});
    CHECK(desk.record().state == State::pod_ready);
    CHECK(desk.record().claims.empty());
    CHECK(text_at(desk.log().back(), "kind") == "lease");
  }
  CHECK_FALSE(desk.record().lease);
  CHECK(desk.record().by.user == "ana");
  CHECK(desk.record().revision == 3);
  const auto after = desk.bytes();
  desk.keeper().settle_lease("bootstrap-2", true, "twice");
  CHECK(desk.bytes() == after);
}

TEST_CASE("while a lease is held or may be, nobody else moves the state") {
  const Liveness holder = GENERATE(Liveness::alive, Liveness::unknown);
  StateDesk desk;
  desk.reset(State::bootstrapped);
  desk.lease(Event::checkout, "checkout-2");
  desk.evidence.lease_holder = holder;
  const auto before = desk.bytes();
  for (const Event event : {Event::bootstrap, Event::checkout, Event::pod_down}) {
    tasks::Ask ask = StateDesk::ask(event);
    if (event != Event::pod_down) ask.lease_task = "other-3";
    const auto refused = desk.refusal(ask);
    REQUIRE(refused);
    CHECK(refused->code() == Code::busy);
    CHECK(std::string(refused->what()).find("'checkout' by ana@laptop") != std::string::npos);
    const Json holds = member(parse_json(refused->details(), "details"), "holder");
    CHECK(text_at(holds, "task_id") == "checkout-2");
    CHECK(text_at(holds, "user") == "ana");
  }
  CHECK(desk.bytes() == before);
  desk.advance(Event::task_run);
  desk.advance(Event::pod_status);
  CHECK(desk.bytes() == before);
  desk.reset(State::pod_ready);
  CHECK_FALSE(desk.record().lease);
}

TEST_CASE("a lease whose holder is gone is taken over and said so") {
  StateDesk desk;
  desk.reset(State::bootstrapped);
  desk.lease(Event::checkout, "checkout-2");
  desk.evidence.lease_holder = Liveness::gone;
  const auto done = desk.lease(Event::checkout, "checkout-3");
  REQUIRE(done.notes.size() == 1);
  CHECK(done.notes[0].find("took over from 'checkout' (task checkout-2)") != std::string::npos);
  CHECK(desk.record().lease->task_id == "checkout-3");
  CHECK(desk.record().state == State::bootstrapped);
  CHECK(desk.log().size() == 4);
}

TEST_CASE("a step that had ended well is committed by whoever comes next") {
  const bool enforce = GENERATE(true, false);
  StateDesk desk;
  desk.reset(enforce ? State::bootstrapped : State::pod_ready);
  tasks::Ask ask = StateDesk::ask(Event::checkout);
  ask.enforce = enforce;
  ask.lease_task = "checkout-2";
  desk.advance(ask);
  desk.evidence.lease_holder = Liveness::gone;
  desk.evidence.lease_succeeded = true;
  desk.evidence.lease_claims = {{"checkout", {{"git_sha", "abc"}}}};
  CHECK(tasks::supported(desk.record(), desk.evidence).state == State::checked_out);
  const auto done = desk.advance(Event::pod_status);
  CHECK(done.after.state == State::checked_out);
  CHECK(desk.record().claims.contains("checkout"));
  CHECK_FALSE(desk.record().lease);
  CHECK(desk.record().reason.find("recorded afterwards") != std::string::npos);
}

TEST_CASE("what would change the code under living runs is refused with their names") {
  StateDesk desk;
  desk.reset(State::sweep_stalled);
  desk.evidence.living_runs = {"lr1", "lr2"};
  const auto before = desk.bytes();
  for (const Event event : {Event::bootstrap, Event::checkout}) {
    const auto refused = desk.refusal(event);
    REQUIRE(refused);
    CHECK(refused->code() == Code::busy);
    CHECK(std::string(refused->what()).find("lr1, lr2") != std::string::npos);
    const Json holds = member(parse_json(refused->details(), "details"), "holder");
    CHECK(member(holds, "runs") == Json({"lr1", "lr2"}));
  }
  CHECK(desk.bytes() == before);
  CHECK(desk.advance(Event::sweep_start).after.state == State::sweep_running);
}

TEST_CASE("a reset works where looking does not") {
  StateDesk desk;
  desk.reset(State::sweep_running);
  tasks::Ask ask = StateDesk::ask(Event::fsm_reset);
  const auto broken = [](const tasks::StateRecord&) -> Evidence {
    throw Error(Code::precondition, "'campaign.json' is not valid JSON");
  };
  const auto done = desk.keeper().advance(ask, broken);
  CHECK(done.after.state == State::init);
  REQUIRE(done.notes.size() == 1);
  CHECK(done.notes[0].find("campaign.json") != std::string::npos);
}

}  // namespace workflow::test
