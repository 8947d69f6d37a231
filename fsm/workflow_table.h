#pragma once
// The transition table of the workflow machine: the only place that knows which command is legal
// where. Gate, refusals, paths, diagrams and the README's table are derived from it. Inside fsm/
// only; everyone else asks workflow_machine.h.

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "fsm/machine.h"
#include "fsm/workflow_machine.h"

namespace workflow::fsm::table {

/// A set of enumerators; a lone enumerator is the set of itself, a list is the union.
template <class T>
struct Set {
  std::uint64_t bits = 0;

  constexpr Set() = default;
  constexpr Set(T value) : bits(std::uint64_t{1} << static_cast<unsigned>(value)) {}
  constexpr Set(std::initializer_list<Set> parts) {
    for (const Set& part : parts) bits |= part.bits;
  }

  [[nodiscard]] constexpr bool has(T value) const { return (bits & Set(value).bits) != 0; }
  friend constexpr bool operator==(const Set&, const Set&) = default;
};
using States = Set<State>;
using Events = Set<Event>;

using enum State;
using enum Event;

// clang-format off
constexpr auto state_names = std::to_array<Name<State>>({
    {init,            "INIT"},
    {pod_ready,       "POD_READY"},
    {bootstrapped,    "BOOTSTRAPPED"},
    {checked_out,     "CHECKED_OUT"},
    {sweep_running,   "SWEEP_RUNNING"},
    {sweep_stalled,   "SWEEP_STALLED"},
    {sweep_completed, "SWEEP_COMPLETED"},
    {pod_terminated,  "POD_TERMINATED"},
});

constexpr auto event_names = std::to_array<Name<Event>>({
    {pod_up,         "pod-up"},         {pod_status,    "pod-status"},
    {pod_wait,       "pod-wait"},       {bootstrap,     "bootstrap"},
    {checkout,       "checkout"},       {sweep_start,   "sweep-start"},
    {all_rows_ended, "all-rows-ended"}, {executor_gone, "executor-gone"},
    {breaker_open,   "breaker-open"},   {executor_back, "executor-back"},
    {sweep_stop,     "sweep-stop"},     {run_stop,      "run-stop"},
    {run_delete,     "run-delete"},     {run_resume,    "run-resume"},
    {run_clone,      "run-clone"},      {sweep_apply,   "sweep-apply"},
    {task_run,       "task-run"},       {exec,          "exec"},
    {push,           "push"},           {job_start,     "job-start"},
    {job_run,        "job-run"},        {pod_down,      "pod-down"},
    {fsm_reset,      "fsm-reset"},      {fsm_status,    "fsm-status"},
    {fsm_log,        "fsm-log"},        {fsm_graph,     "fsm-graph"},
    {plan,           "plan"},           {task_status,   "task-status"},
    {task_list,      "task-list"},      {task_logs,     "task-logs"},
    {task_wait,      "task-wait"},      {sweep_status,  "sweep-status"},
    {sweep_watch,    "sweep-watch"},    {sweep_results, "sweep-results"},
    {run_logs,       "run-logs"},       {why,           "why"},
    {fetch_run,      "fetch-run"},      {fetch_all,     "fetch-all"},
});

constexpr Events observations{all_rows_ended, executor_gone, breaker_open, executor_back};
constexpr Events readers{fsm_status, fsm_log, fsm_graph, plan, task_status, task_list, task_logs,
                         task_wait, sweep_status, sweep_watch, sweep_results, run_logs, why,
                         fetch_run, fetch_all};
// clang-format on

/// Every state but those given.
constexpr States any_but(States left_out) {
  States rest;
  for (const auto& entry : state_names)
    if (!left_out.has(entry.value)) rest = {rest, entry.value};
  return rest;
}

/// Where a row leads: a state, or back to where it came from, or to a state the caller names.
struct To {
  enum class Kind { state, unchanged, chosen };
  Kind kind = Kind::state;
  State state = init;

  constexpr To(Kind k) : kind(k) {}
  constexpr To(State s) : state(s) {}
};

/// One row of the table: any of these events, in any of these states.
struct Transition {
  Events on;
  States from;
  To to;
};

constexpr auto unchanged = To::Kind::unchanged;
constexpr auto chosen = To::Kind::chosen;

// clang-format off
constexpr States any    = any_but({});
constexpr States absent{init, pod_terminated};             // there is no pod
constexpr States paused{sweep_stalled, sweep_completed};   // a campaign, and nothing schedules it
constexpr States swept {sweep_running, paused};            // there is a campaign

constexpr Events probes{pod_status, pod_wait};             // the target answers
constexpr Events stalls{executor_gone, breaker_open};
constexpr Events rerun {run_resume, run_clone, sweep_apply};
constexpr Events work  {task_run, exec, push, job_start, job_run};

constexpr auto transitions = std::to_array<Transition>({
    // command or event       legal in                                        leads to
    {pod_up,                  absent,                                         pod_ready},
    {probes,                  absent,                                         pod_ready},
    {probes,                  any_but(absent),                                unchanged},
    {bootstrap,               {pod_ready, bootstrapped, checked_out, paused}, bootstrapped},
    {checkout,                {bootstrapped, checked_out, paused},            checked_out},
    {sweep_start,             {checked_out, paused},                          sweep_running},
    {all_rows_ended,          {sweep_running, sweep_stalled},                 sweep_completed},
    {stalls,                  sweep_running,                                  sweep_stalled},
    {executor_back,           sweep_stalled,                                  sweep_running},
    {sweep_stop,              {sweep_running, sweep_stalled},                 checked_out},
    {{run_stop, run_delete},  swept,                                          unchanged},
    {rerun,                   swept,                                          sweep_running},
    {work,                    init,                                           pod_ready},
    {work,                    any_but(absent),                                unchanged},
    {pod_down,                any_but(absent),                                pod_terminated},
    {fsm_reset,               any,                                            chosen},
    {readers,                 any,                                            unchanged},
});
// clang-format on

constexpr State resolve(To to, State from) {
  switch (to.kind) {
    case To::Kind::state:
      return to.state;
    case To::Kind::unchanged:
      return from;
    case To::Kind::chosen:
      return init;
  }
  return from;
}

template <class Visit>
constexpr void for_each_row(Visit visit) {
  for (const auto& transition : transitions)
    for (const auto& [event, event_name] : event_names)
      for (const auto& [state, state_name] : state_names)
        if (transition.on.has(event) && transition.from.has(state))
          visit(Row<State, Event>{state, event, resolve(transition.to, state)});
}

consteval std::size_t row_count() {
  std::size_t count = 0;
  for_each_row([&](const auto&) { ++count; });
  return count;
}

consteval auto expand() {
  std::array<Row<State, Event>, row_count()> rows{};
  std::size_t i = 0;
  for_each_row([&](const auto& row) { rows[i++] = row; });
  return rows;
}

/// The table as plain rows: what the proofs are about and what is asked at run time.
struct WorkflowMachine {
  using State = fsm::State;
  using Event = fsm::Event;
  static constexpr State initial = State::init;
  static constexpr auto states = state_names;
  static constexpr auto events = event_names;
  static constexpr auto rows = expand();

  static constexpr bool is_final(State) { return false; }
  // Nothing but a reset leads to INIT: a terminated pod is where the ordinary course ends.
  static constexpr bool is_rest(State state) { return state == State::pod_terminated; }
  static constexpr bool by_person(Event event) { return !observations.has(event); }
  static constexpr bool is_escape(Event event) { return event == Event::fsm_reset; }
};

}  // namespace workflow::fsm::table
