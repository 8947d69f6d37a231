#include "tasks/evidence.h"

namespace workflow::tasks {

using fsm::Event;
using fsm::State;

namespace {

bool at_least_bootstrapped(State state) {
  return state != State::init && state != State::pod_ready && state != State::pod_terminated;
}

bool at_least_checked_out(State state) {
  return at_least_bootstrapped(state) && state != State::bootstrapped;
}

Supported by_event(State from, Event observed, std::string reason) {
  return {fsm::next(from, observed).value_or(from), std::move(reason)};
}

Supported sweep(const StateRecord& record, const Evidence& evidence) {
  const bool stalled = record.state == State::sweep_stalled;
  if (record.state != State::sweep_running && !stalled) return {record.state};
  if (evidence.executor.holds == Liveness::alive) {
    if (stalled) return by_event(record.state, Event::executor_back, "its executor is back");
    return {record.state};
  }
  if (evidence.executor.holds == Liveness::unknown) return {record.state};
  if (evidence.rows_ended) {
    return by_event(record.state, Event::all_rows_ended, "every selected row has ended");
  }
  if (stalled) return {record.state};
  return by_event(record.state, Event::executor_gone, evidence.executor.why);
}

}  // namespace

State leads_to(State from, Event event) {
  if (const auto to = fsm::next(from, event)) return *to;
  for (const State legal : fsm::legal_in(event)) {
    const State to = fsm::next(legal, event).value_or(legal);
    if (to != legal) return to;
  }
  return from;
}

Supported supported(const StateRecord& record, const Evidence& evidence) {
  const State state = record.state;
  if (!evidence.found_campaign.empty()) {
    return {State::sweep_running,
            "its record is gone, but campaign " + evidence.found_campaign + " is running"};
  }
  if (evidence.found_lease) {
    return {state, "its record is gone, but '" + evidence.found_lease->task_id + "' is at work"};
  }
  if (state == State::init || state == State::pod_terminated) return {state};
  if (record.lease && evidence.lease_holder == Liveness::gone && evidence.lease_succeeded) {
    return {leads_to(state, record.lease->command),
            "'" + record.lease->task_id + "' has ended well"};
  }
  // A sweep that runs here is better proof of where we are than any file.
  if (evidence.executor.holds == Liveness::alive) return sweep(record, evidence);
  const std::string pod = text_at(record.pod, "id");
  if (!pod.empty() && !evidence.pod_id.empty() && pod != evidence.pod_id) {
    return {State::pod_ready, "this is another pod (id " + evidence.pod_id.substr(0, 8) + ", was " +
                                  pod.substr(0, 8) + ") on the same volume"};
  }
  if (at_least_bootstrapped(state) && evidence.bootstrapped.holds == Liveness::gone) {
    return {State::pod_ready, evidence.bootstrapped.why};
  }
  if (at_least_checked_out(state) && evidence.checked_out.holds == Liveness::gone) {
    return {State::bootstrapped, evidence.checked_out.why};
  }
  return sweep(record, evidence);
}

}  // namespace workflow::tasks
