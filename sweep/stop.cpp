#include "sweep/stop.h"

#include "common/error.h"
#include "sweep/campaign.h"
#include "sweep/evidence.h"
#include "sweep/op_facts.h"
#include "sweep/other_executor.h"
#include "sweep/row_index.h"
#include "sweep/run.h"
#include "tasks/cancel.h"

namespace workflow::sweep {
namespace {

void end_executor(const tasks::Site& site, const std::string& task, const std::string& by) {
  const fs::path dir = site.tasks().dir(task);
  if (!may_be_there(dir)) return;
  const tasks::TaskView view = tasks::cancel_task(site.files(), dir, {.by = by});
  if (!view.record.ended()) {
    throw Error(Code::busy, "the executor of the sweep does not end (task " + task + ")",
                "look at it: workflow task-status " + task);
  }
}

/// The sweep that the state names was stopped, and nothing has happened since.
bool stopped_already(const tasks::StateRecord& record, fsm::State state) {
  return state == fsm::State::checked_out && !record.campaign.empty() && !record.lease &&
         record.command == fsm::name(fsm::Event::sweep_stop);
}

/// Thrown through the keeper when another sweep-stop was quicker.
struct StoppedByAnother {
  std::string by;
};

/// What the target looks like once every run has been ended.
tasks::Evidence after_stop(const tasks::Site& site, const tasks::StateRecord& record,
                           const tasks::StateRecord& before) {
  tasks::Evidence now = gather(site, record);
  if (record.campaign == before.campaign && stopped_already(record, record.state)) {
    throw StoppedByAnother{record.by.user + "@" + record.by.host};
  }
  const bool again = executor_task(record) != executor_task(before);
  if (again || now.executor.holds == tasks::Liveness::alive || !now.living_runs.empty()) {
    throw Error(Code::busy, "the sweep was started again while it was being stopped",
                "stop it once more: workflow sweep-stop");
  }
  now.rows_ended = false;
  now.executor.holds = tasks::Liveness::unknown;  // it was we who ended it: nothing to correct
  return now;
}

}  // namespace

Stopped stop_sweep(const tasks::Site& site, const tasks::Ask& ask,
                   const std::function<void(const std::string&)>& say) {
  recover_record(site, ask);
  tasks::StateKeeper keeper = site.keeper();
  const tasks::StateRecord before = keeper.load();
  const tasks::Evidence evidence = gather(site, before);
  const fsm::State state = tasks::supported(before, evidence).state;
  Stopped result;
  result.campaign_id = before.campaign;
  if (stopped_already(before, state)) {
    say("campaign " + before.campaign + " has been stopped already");
    return result;
  }
  const std::string by = ask.by.user + "@" + ask.by.host;
  // Refused before anything is ended; the keeper decides once more when all is done.
  if (fsm::next(state, fsm::Event::sweep_stop) && !before.campaign.empty()) {
    require_reach(before, evidence);
    site.files().write(stop_file(site.campaign_dir(before.campaign)), pretty_json({{"by", by}}));
    end_executor(site, executor_task(before), by);
    give_up_operations(site, before.campaign, "superseded by sweep-stop");
    say("no further run will start");
    const tasks::Order order{.as = "stopped", .by = by};
    RowIndex index(site.files(), site.clock(), site.campaign_dir(before.campaign));
    std::vector<RowState> rows = index.load();
    for (const auto& row : rows) {
      const fs::path dir = site.run_dir(row.run_id);
      if (row.state != RunState::running) continue;
      if (!is_attempt(look_at_run(site.files(), dir), before.campaign, row)) continue;
      if (tasks::order_cancel(site.files(), dir, order)) result.runs.push_back(row.run_id);
    }
    for (auto& row : rows) {
      if (fsm::is_ended(row.state)) continue;
      const fs::path dir = site.run_dir(row.run_id);
      auto run = row.state == RunState::running ? look_at_run(site.files(), dir) : std::nullopt;
      if (is_attempt(run, before.campaign, row)) {
        const auto view = tasks::cancel_task(site.files(), dir, order);
        if (!view.record.ended()) {
          throw Error(Code::busy, "run '" + row.run_id + "' does not end", "try sweep-stop again");
        }
        run = look_at_run(site.files(), dir);
        move_to(row, run->state);
        row.ended_at = text_at(run->summary, "ended_at");
        row.result = index_result(run->summary);
        say(row.run_id + " " + std::string(fsm::name(row.state)));
      } else if (row.state == RunState::running && processes_of(site, row.run_id)) {
        if (!end_without_record(site, row.run_id)) {
          throw Error(Code::busy, "run '" + row.run_id + "' does not end", "try sweep-stop again");
        }
        move(row, fsm::RunEvent::stop);
        row.result = {{"reason", "its record was gone while it lived; ended by " + by}};
        result.runs.push_back(row.run_id);
        say(row.run_id + " ended without a record");
      } else {
        move(row, fsm::RunEvent::cancel);
        result.pending += 1;
      }
      index.append(row);
    }
  }
  tasks::Ask stop = ask;
  stop.event = fsm::Event::sweep_stop;
  stop.reason = "stopped by " + by;
  // Every row has ended now, which would read as completed: it was stopped, and that is the state.
  try {
    const auto look = [&](const tasks::StateRecord& now) { return after_stop(site, now, before); };
    result.notes = keeper.advance(stop, look).notes;
  } catch (const StoppedByAnother& other) {
    say("campaign " + before.campaign + " was stopped by " + other.by + " at the same time");
  }
  return result;
}

}  // namespace workflow::sweep
