// Paths through the workflow machine and the words of its refusals.
#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

#include "fsm/planner.h"
#include "fsm/workflow_machine.h"

namespace workflow::fsm {
namespace {

std::string path_text(const std::optional<std::vector<Event>>& path) {
  if (!path) return "none";
  std::string text;
  for (const Event event : *path) text += (text.empty() ? "" : " ") + std::string(name(event));
  return text;
}

std::string path(const std::string& from, const std::string& to, bool target_bound = false) {
  return path_text(shortest_path(*state_from(from), *state_from(to), target_bound));
}

std::string text_and_hint(const std::string& state, const std::string& command,
                          bool target_bound = false) {
  const Refusal refusal = refuse(*state_from(state), *event_from(command), target_bound);
  return refusal_text(refusal) + "\n" + refusal_hint(refusal);
}

}  // namespace

TEST_CASE("paths are the shortest, ties in table order") {
  CHECK(path("CHECKED_OUT", "CHECKED_OUT").empty());
  CHECK(path("INIT", "POD_READY") == "pod-up");
  CHECK(path("INIT", "POD_READY", true) == "pod-status");
  CHECK(path("POD_TERMINATED", "CHECKED_OUT") == "pod-up bootstrap checkout");
  CHECK(path("POD_TERMINATED", "CHECKED_OUT", true) == "pod-status bootstrap checkout");
  CHECK(path("INIT", "SWEEP_COMPLETED", true) ==
        "pod-status bootstrap checkout sweep-start sweep-watch");
  CHECK(path("CHECKED_OUT", "SWEEP_COMPLETED") == "sweep-start sweep-watch");
  CHECK(path("SWEEP_RUNNING", "SWEEP_COMPLETED") == "sweep-watch");
  CHECK(path("SWEEP_STALLED", "SWEEP_COMPLETED") == "sweep-start sweep-watch");
  CHECK(path("SWEEP_STALLED", "SWEEP_RUNNING") == "sweep-start");
  CHECK(path("SWEEP_STALLED", "CHECKED_OUT") == "checkout");
  CHECK(path("SWEEP_RUNNING", "CHECKED_OUT") == "sweep-stop");
  CHECK(path("SWEEP_RUNNING", "BOOTSTRAPPED") == "sweep-stop bootstrap");
  CHECK(path("SWEEP_COMPLETED", "POD_TERMINATED") == "pod-down");
  // The bound target went with its pod.
  CHECK(path("CHECKED_OUT", "POD_READY", true) == "pod-down pod-up");
  // Nobody asks for a stalled sweep, and only a reset leads to INIT.
  CHECK(path("CHECKED_OUT", "SWEEP_STALLED") == "none");
  CHECK(path("POD_TERMINATED", "INIT") == "none");
}

TEST_CASE("every step of every path is legal and gets on") {
  for (const bool target_bound : {false, true}) {
    for (const State from : all_states()) {
      for (const State to : all_states()) {
        INFO(name(from) << " to " << name(to));
        const auto steps = shortest_path(from, to, target_bound);
        CHECK(steps.has_value() ==
              (from == to || (to != State::init && to != State::sweep_stalled)));
        State here = from;
        for (const Event step : steps.value_or(std::vector<Event>{})) {
          CHECK(is_command(step));
          CHECK(step != Event::fsm_reset);
          REQUIRE(next(here, step));
          const State before = here;
          here = *next(here, step == Event::sweep_watch ? Event::all_rows_ended : step);
          CHECK(here != before);
        }
        if (steps) CHECK(here == to);
      }
    }
  }
}

TEST_CASE("a refusal names the state, where it is legal, and the way") {
  CHECK(text_and_hint("POD_READY", "sweep-start") ==
        "'sweep-start' is not legal in POD_READY; it is in CHECKED_OUT, SWEEP_STALLED, "
        "SWEEP_COMPLETED\n"
        "path: bootstrap → checkout → sweep-start      "
        "(workflow advance SWEEP_RUNNING does all three)");
  CHECK(text_and_hint("BOOTSTRAPPED", "sweep-start") ==
        "'sweep-start' is not legal in BOOTSTRAPPED; it is in CHECKED_OUT, SWEEP_STALLED, "
        "SWEEP_COMPLETED\n"
        "path: checkout → sweep-start      (workflow advance SWEEP_RUNNING does both)");
  CHECK(text_and_hint("INIT", "sweep-start", true) ==
        "'sweep-start' is not legal in INIT; it is in CHECKED_OUT, SWEEP_STALLED, "
        "SWEEP_COMPLETED\n"
        "path: pod-status → bootstrap → checkout → sweep-start      "
        "(workflow advance SWEEP_RUNNING does all 4)");
  // advance would stop where the sweep runs; the command itself would still have to be given
  CHECK(text_and_hint("CHECKED_OUT", "run-stop") ==
        "'run-stop' is not legal in CHECKED_OUT; it is in SWEEP_RUNNING, SWEEP_STALLED, "
        "SWEEP_COMPLETED\n"
        "path: sweep-start → run-stop");
  CHECK(text_and_hint("SWEEP_RUNNING", "bootstrap") ==
        "'bootstrap' is not legal in SWEEP_RUNNING; it is in POD_READY, BOOTSTRAPPED, "
        "CHECKED_OUT, SWEEP_STALLED, SWEEP_COMPLETED\n"
        "path: sweep-stop → bootstrap      (workflow advance BOOTSTRAPPED does both)");
  CHECK(text_and_hint("POD_TERMINATED", "exec", true) ==
        "'exec' is not legal in POD_TERMINATED; it is in INIT, POD_READY, BOOTSTRAPPED, "
        "CHECKED_OUT, SWEEP_RUNNING, SWEEP_STALLED, SWEEP_COMPLETED\n"
        "path: pod-status → exec");
  CHECK(text_and_hint("INIT", "executor-gone") ==
        "'executor-gone' is not legal in INIT; it is in SWEEP_RUNNING\n");
}

TEST_CASE("every refused command has a path that ends with itself") {
  for (const State state : all_states()) {
    for (const Event event : all_events()) {
      if (next(state, event)) continue;
      INFO(name(event) << " in " << name(state));
      const Refusal refusal = refuse(state, event, false);
      CHECK(refusal.legal_in == legal_in(event));
      CHECK(refusal.path.empty() == !is_command(event));
      if (refusal.path.empty()) continue;
      CHECK(refusal.path.size() >= 2);
      CHECK(refusal.path.back() == event);
      for (const State there : refusal.legal_in)
        if (const auto steps = shortest_path(state, there, false))
          CHECK(refusal.path.size() <= steps->size() + 1);
    }
  }
}

}  // namespace workflow::fsm
