// The gate in process: every pair of the table, evidence, leases and records that are none of ours.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/state_desk.h"

namespace workflow::test {
namespace {

using fsm::Event;
using fsm::State;
using tasks::Evidence;
using tasks::Liveness;

Json names(const std::vector<State>& states) {
  Json out = Json::array();
  for (const State state : states) out.push_back(fsm::name(state));
  return out;
}

/// A state record written by hand, as this build would.
std::string record_of(State state, std::int64_t revision) {
  tasks::StateRecord record;
  record.state = state;
  record.revision = revision;
  return pretty_json(tasks::state_json(record));
}

}  // namespace

TEST_CASE("every legal pair moves as the table says, every other one changes no byte") {
  StateDesk desk;
  for (const State from : fsm::all_states()) {
    for (const Event event : fsm::all_events()) {
      INFO(fsm::name(event) << " in " << fsm::name(from));
      desk.reset(from);
      const auto before = desk.bytes();
      const auto revision = desk.record().revision;
      const auto lines = desk.log().size();
      const auto to = fsm::next(from, event);
      if (!to) {
        const auto refused = desk.refusal(event);
        REQUIRE(refused);
        CHECK(refused->code() == Code::illegal_state);
        CHECK(std::string(refused->what()).find(fsm::name(from)) != std::string::npos);
        const Json details = parse_json(refused->details(), "details");
        CHECK(text_at(details, "state") == fsm::name(from));
        CHECK(member(details, "legal_in") == names(fsm::legal_in(event)));
        CHECK(member(details, "path").is_array());
        CHECK(member(details, "path").empty() == !fsm::is_command(event));
        CHECK(desk.bytes() == before);
        continue;
      }
      const auto done = desk.advance(event);
      CHECK(done.before.state == from);
      CHECK(done.after.state == *to);
      CHECK(done.notes.empty());
      if (*to == from && event != Event::fsm_reset) {
        CHECK(desk.bytes() == before);
        continue;
      }
      const auto now = desk.record();
      CHECK(now.state == *to);
      CHECK(now.previous == from);
      CHECK(now.revision == revision + 1);
      CHECK(now.command == fsm::name(event));
      CHECK(now.reason == "a test asks");
      CHECK(now.updated_ms == desk.clock.now);
      CHECK(now.by.user == "ana");
      const auto log = desk.log();
      REQUIRE(log.size() == lines + 1);
      CHECK(number_at(log.back(), "revision") == now.revision);
      CHECK(text_at(log.back(), "from") == fsm::name(from));
      CHECK(text_at(log.back(), "to") == fsm::name(*to));
    }
  }
}

TEST_CASE("where nothing was ever written the state is INIT, and looking writes nothing") {
  StateDesk desk;
  CHECK(desk.record().state == State::init);
  CHECK(desk.record().revision == 0);
  CHECK(desk.log().empty());
  CHECK_FALSE(fs::exists(desk.state_file().parent_path()));
  CHECK(desk.advance(Event::pod_up).after.revision == 1);
  for (const Event event : fsm::all_events()) {
    if (!fsm::is_reader(event)) continue;
    const auto before = desk.bytes();
    desk.advance(event);
    CHECK(desk.bytes() == before);
  }
}

TEST_CASE("a reset leads to any state and leaves the old one in the log") {
  StateDesk desk;
  for (const State from : fsm::all_states()) {
    for (const State to : fsm::all_states()) {
      desk.reset(from);
      const auto done = desk.reset(to);
      CHECK(done.after.state == to);
      CHECK(text_at(desk.log().back(), "kind") == "reset");
      CHECK(text_at(desk.log().back(), "from") == fsm::name(from));
    }
  }
  CHECK(std::size_t(desk.record().revision) == desk.log().size());
}

TEST_CASE("unenforced, a refusal is a warning and the move says so") {
  StateDesk desk;
  for (const State from : fsm::all_states()) {
    for (const Event event : fsm::all_events()) {
      if (fsm::next(from, event) || !fsm::is_command(event)) continue;
      INFO(fsm::name(event) << " in " << fsm::name(from));
      desk.reset(from);
      const auto revision = desk.record().revision;
      tasks::Ask ask = StateDesk::ask(event);
      ask.enforce = false;
      const auto done = desk.advance(ask);
      REQUIRE(done.notes.size() == 1);
      CHECK(done.notes[0].find("is not legal in") != std::string::npos);
      CHECK(done.notes[0].find("WF_FSM_ENFORCE=0") != std::string::npos);
      const auto now = desk.record();
      if (event == Event::run_stop || event == Event::run_delete) {
        CHECK(now.state == from);
      } else {
        State leads = from;  // where it leads where it is legal and leads somewhere
        for (const State legal : fsm::legal_in(event)) {
          const State to = fsm::next(legal, event).value();
          if (to != legal) leads = to;
        }
        CHECK(now.state == leads);
      }
      if (now.state == from) {
        CHECK(now.revision == revision);
      } else {
        CHECK(now.revision == revision + 1);
        CHECK(now.unenforced);
        CHECK(flag_at(desk.log().back(), "unenforced"));
      }
    }
  }
}

TEST_CASE("what evidence corrects afterwards is not unenforced any more") {
  StateDesk desk;
  desk.reset(State::pod_ready);
  tasks::Ask ask = StateDesk::ask(Event::checkout);
  ask.enforce = false;
  CHECK(desk.advance(ask).after.unenforced);
  desk.evidence.checked_out = {Liveness::gone, "the repository is gone"};
  CHECK(desk.advance(Event::task_run).after.state == State::bootstrapped);
  CHECK_FALSE(desk.record().unenforced);
  CHECK_FALSE(flag_at(desk.log().back(), "unenforced"));
}

TEST_CASE("an effect that throws leaves everything as it was") {
  StateDesk desk;
  desk.reset(State::bootstrapped);
  const auto before = desk.bytes();
  tasks::Ask ask = StateDesk::ask(Event::checkout);
  ask.effect = [](tasks::StateRecord& record) {
    record.campaign = "half";
    throw Error(Code::precondition, "no room");
  };
  CHECK(desk.refusal(ask)->code() == Code::precondition);
  CHECK(desk.bytes() == before);
  bool ran = false;
  ask.event = Event::sweep_start;
  ask.effect = [&](tasks::StateRecord&) { ran = true; };
  CHECK(desk.refusal(ask)->code() == Code::illegal_state);
  CHECK_FALSE(ran);
}

TEST_CASE("a write names the revision it read") {
  StateDesk desk;
  desk.reset(State::bootstrapped);
  tasks::Ask ask = StateDesk::ask(Event::checkout);
  ask.if_revision = 0;
  const auto before = desk.bytes();
  const auto refused = desk.refusal(ask);
  REQUIRE(refused);
  CHECK(refused->code() == Code::busy);
  CHECK(std::string(refused->what()).find("revision 1") != std::string::npos);
  CHECK(desk.bytes() == before);
  ask.if_revision = 1;
  CHECK(desk.advance(ask).after.revision == 2);
}

TEST_CASE("a record that is none of ours is named, and only a reset touches it") {
  const std::string broken =
      GENERATE(std::string(), std::string("{"), std::string("[]"), std::string("null"),
               std::string(64, '\0'), std::string("{\"state\":\"CHECKED_OUT\"}"),
               std::string("{\"schema\":\"other/1\"}"),
               std::string("{\"schema\":\"workflow.state/1\",\"state\":\"LOST\",\"revision\":4}"),
               std::string("{\"schema\":\"workflow.state/1\",\"state\":\"INIT\",\"lease\":{}}"));
  StateDesk desk;
  desk.put(desk.state_file(), broken);
  INFO(broken);
  for (const Event event : {Event::pod_up, Event::checkout, Event::fsm_status}) {
    const auto refused = desk.refusal(event);
    REQUIRE(refused);
    CHECK(refused->code() == Code::precondition);
    CHECK(std::string(refused->what()).find(desk.state_file().string()) != std::string::npos);
    CHECK(refused->hint().find("fsm-reset") != std::string::npos);
    CHECK(read_file(desk.state_file()) == broken);
  }
  tasks::Ask late = StateDesk::ask(Event::fsm_reset);
  late.if_revision = 9;
  CHECK(desk.refusal(late)->code() == Code::busy);
  CHECK(read_file(desk.state_file()) == broken);
  const auto done = desk.reset(State::pod_ready);
  CHECK(done.notes.size() == 1);
  CHECK(desk.record().state == State::pod_ready);
  std::size_t kept = 0;
  for (const auto& [name, bytes] : desk.bytes()) {
    if (name.find(".kept-") != std::string::npos && bytes == broken) ++kept;
  }
  CHECK(kept == 1);
}

TEST_CASE("a record of a newer version is left alone, by a reset too") {
  StateDesk desk;
  const std::string newer =
      "{\"schema\":\"workflow.state/2\",\"state\":\"SOMETHING\",\"revision\":7}";
  desk.put(desk.state_file(), newer);
  for (const Event event : {Event::pod_up, Event::fsm_reset, Event::fsm_status}) {
    const auto refused = desk.refusal(event);
    REQUIRE(refused);
    CHECK(refused->code() == Code::precondition);
    CHECK(std::string(refused->what()).find("newer") != std::string::npos);
    CHECK(read_file(desk.state_file()) == newer);
  }
  CHECK(desk.bytes().size() == 2);  // and the lock
}

TEST_CASE("a torn log line stays and swallows nothing; a missing one is made up for") {
  StateDesk desk;
  desk.reset(State::bootstrapped);
  const std::string first = read_file(desk.log_file());
  desk.put(desk.log_file(), first + "{\"at\":\"2026-");
  desk.advance(Event::checkout);
  CHECK(read_file(desk.log_file()).starts_with(first + "{\"at\":\"2026-\n{"));
  CHECK(desk.log().size() == 2);

  // A crash between the state and its line: the state is at 3, the log ends at 2.
  desk.put(desk.state_file(), record_of(State::bootstrapped, 3));
  CHECK(desk.log().size() == 2);
  desk.advance(Event::checkout);
  const auto log = desk.log();
  REQUIRE(log.size() == 4);
  CHECK(text_at(log[2], "kind") == "recovered");
  CHECK(number_at(log[2], "revision") == 3);
  CHECK(number_at(log[3], "revision") == 4);
}

}  // namespace workflow::test
