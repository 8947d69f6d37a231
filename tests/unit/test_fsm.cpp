// The tables, exhaustively, against expectations written down independently of them.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "fsm/run_machine.h"
#include "fsm/task_machine.h"
#include "fsm/workflow_machine.h"

namespace workflow::fsm {
namespace {

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> found;
  for (std::string word; in >> word;) found.push_back(word);
  return found;
}

// Columns: INIT, POD_READY, BOOTSTRAPPED, CHECKED_OUT, SWEEP_RUNNING, SWEEP_STALLED,
// SWEEP_COMPLETED, POD_TERMINATED. A letter is where it leads, '-' is a refusal.
const std::string letters = "IPBCRSDT";
const std::vector<std::pair<std::string, std::string>> expected = {
    {"pod-up", "P------P"},
    {"pod-status pod-wait", "PPBCRSDP"},
    {"bootstrap", "-BBB-BB-"},
    {"checkout", "--CC-CC-"},
    {"sweep-start", "---R-RR-"},
    {"all-rows-ended", "----DD--"},
    {"executor-gone breaker-open", "----S---"},
    {"executor-back", "-----R--"},
    {"sweep-stop", "----CC--"},
    {"run-stop run-delete", "----RSD-"},
    {"run-resume run-clone sweep-apply", "----RRR-"},
    {"task-run exec push job-start job-run", "PPBCRSD-"},
    {"pod-down", "-TTTTTT-"},
    {"fsm-reset", "IIIIIIII"},
    {"fsm-status fsm-log fsm-graph plan task-status task-list task-logs task-wait sweep-status "
     "sweep-watch sweep-results run-logs why fetch-run fetch-all",
     "IPBCRSDT"},
};

State state_of(char letter) { return all_states()[letters.find(letter)]; }

}  // namespace

TEST_CASE("every state and event does what the table of the contract says") {
  std::set<Event> covered;
  for (const auto& [events, row] : expected) {
    for (const std::string& word : words(events)) {
      const auto event = event_from(word);
      REQUIRE(event);
      CHECK(covered.insert(*event).second);
      for (std::size_t i = 0; i < letters.size(); ++i) {
        INFO(word << " in " << name(all_states()[i]));
        const auto to = next(all_states()[i], *event);
        REQUIRE(to.has_value() == (row[i] != '-'));
        if (to) CHECK(*to == state_of(row[i]));
      }
    }
  }
  CHECK(covered.size() == all_events().size());
}

TEST_CASE("names go both ways and nothing else is a name") {
  CHECK(all_states().size() == 8);
  for (const State state : all_states()) CHECK(state_from(name(state)) == state);
  for (const Event event : all_events()) CHECK(event_from(name(event)) == event);
  CHECK(name(State::sweep_completed) == "SWEEP_COMPLETED");
  for (const char* text : {"", "init", "INIT ", "pod-up", "UNKNOWN"}) CHECK_FALSE(state_from(text));
  for (const char* text : {"", "pod_up", "POD-UP", "INIT", "unknown"})
    CHECK_FALSE(event_from(text));
}

TEST_CASE("commands, observations and readers are told apart") {
  const std::set<Event> seen = {Event::all_rows_ended, Event::executor_gone, Event::breaker_open,
                                Event::executor_back};
  const auto reading = words(expected.back().first);
  for (const Event event : all_events()) {
    INFO(name(event));
    CHECK(is_command(event) == !seen.contains(event));
    const bool reads = std::find(reading.begin(), reading.end(), name(event)) != reading.end();
    CHECK(is_reader(event) == reads);
  }
}

TEST_CASE("legal_in and legal_commands agree with next") {
  for (const Event event : all_events()) {
    const auto legal = legal_in(event);
    for (const State state : all_states()) {
      INFO(name(event) << " in " << name(state));
      const bool is_legal = next(state, event).has_value();
      CHECK(is_legal == (std::find(legal.begin(), legal.end(), state) != legal.end()));
      const auto plain = legal_commands(state);
      const auto all = legal_commands(state, Readers::included);
      CHECK((std::find(plain.begin(), plain.end(), event) != plain.end()) ==
            (is_legal && is_command(event) && !is_reader(event)));
      CHECK((std::find(all.begin(), all.end(), event) != all.end()) ==
            (is_legal && is_command(event)));
    }
  }
  using enum Event;
  CHECK(legal_commands(State::init) == std::vector{pod_up, pod_status, pod_wait, task_run, exec,
                                                   push, job_start, job_run, fsm_reset});
}

TEST_CASE("a task does what its table says") {
  using enum TaskEvent;
  const std::vector<TaskEvent> events = {start, exit_ok, exit_bad, time_out, cancel, vanish};
  // Columns as `events`; letters: running, success, failed, timed out, cancelled, lost.
  const std::map<std::string, std::string> rows = {
      {"pending", "R-F-CL"},   {"running", "-SFTCL"},   {"success", "------"}, {"failed", "------"},
      {"timed_out", "------"}, {"cancelled", "------"}, {"lost", "------"}};
  const std::map<char, std::string> names = {{'R', "running"},   {'S', "success"},
                                             {'F', "failed"},    {'T', "timed_out"},
                                             {'C', "cancelled"}, {'L', "lost"}};
  REQUIRE(all_task_states().size() == rows.size());
  for (const TaskState state : all_task_states()) {
    const std::string& row = rows.at(std::string(name(state)));
    CHECK(task_state_from(name(state)) == state);
    CHECK(is_ended(state) == (row == "------"));
    for (std::size_t i = 0; i < events.size(); ++i) {
      INFO(name(events[i]) << " in " << name(state));
      const auto to = next(state, events[i]);
      REQUIRE(to.has_value() == (row[i] != '-'));
      if (to) CHECK(name(*to) == names.at(row[i]));
    }
  }
  CHECK_FALSE(task_state_from("stopped"));
}

TEST_CASE("a run does what its table says") {
  using enum RunEvent;
  const std::vector<RunEvent> events = {start,  put_back, exit_ok, exit_bad, time_out,
                                        cancel, stop,     vanish,  retry,    remove};
  // Columns as `events`; letters as for tasks, X is stopped, P is pending, D is deleted.
  const std::map<std::string, std::string> rows = {
      {"pending", "R--F-CXL--"}, {"running", "-PSFTCXL--"},   {"success", "---------D"},
      {"failed", "--------PD"},  {"timed_out", "--------PD"}, {"cancelled", "--------PD"},
      {"stopped", "--------PD"}, {"lost", "--------PD"},      {"deleted", "----------"}};
  const std::map<char, std::string> names = {
      {'R', "running"}, {'S', "success"}, {'F', "failed"},  {'T', "timed_out"}, {'C', "cancelled"},
      {'L', "lost"},    {'X', "stopped"}, {'P', "pending"}, {'D', "deleted"}};
  REQUIRE(all_run_states().size() == rows.size());
  for (const RunState state : all_run_states()) {
    const std::string& row = rows.at(std::string(name(state)));
    CHECK(run_state_from(name(state)) == state);
    CHECK(is_ended(state) == (state != RunState::pending && state != RunState::running));
    for (std::size_t i = 0; i < events.size(); ++i) {
      INFO(name(events[i]) << " in " << name(state));
      const auto to = next(state, events[i]);
      REQUIRE(to.has_value() == (row[i] != '-'));
      if (!to) continue;
      CHECK(name(*to) == names.at(row[i]));
      CHECK(next(state, event_between(state, *to).value()) == to);
    }
  }
  CHECK_FALSE(event_between(RunState::pending, RunState::success));
  CHECK_FALSE(run_state_from("skipped"));
}

}  // namespace workflow::fsm
