#include "sweep/known_rows.h"

#include <map>

#include "common/error.h"
#include "common/text.h"
#include "sweep/run.h"
#include "tasks/steps/code_now.h"

namespace workflow::sweep {
namespace {

bool lives(const RunView& run) {
  return !run.task.record.ended() && run.task.leader != tasks::Liveness::gone;
}

std::string wait_or_end(const std::string& run_id) {
  return "wait for it, or end it: workflow task-cancel " + run_id;
}

Error conflict(const std::vector<Fault>& conflicts) {
  std::string text;
  for (const auto& fault : conflicts) text += fault.text() + "\n";
  return Error(Code::exists,
               text + counted(static_cast<std::int64_t>(conflicts.size()), "row") +
                   (conflicts.size() == 1 ? " differs" : " differ") +
                   " from what ran; nothing was started",
               "give them new ids, or --force moves the old runs to _bak");
}

void adopt_ended(const RunView& run, RowState& state, JudgedRows& judged) {
  state.state = RunState::success;
  state.skipped = true;
  state.started_at = text_at(run.summary, "started_at");
  state.ended_at = text_at(run.summary, "ended_at");
  state.result = index_result(run.summary);
  judged.skipped += 1;
}

std::string kept_note(const std::string& sha, const std::string& now,
                      const std::vector<std::string>& ids) {
  const bool one = ids.size() == 1;
  return (one ? "'" + ids.front() + "'" : counted(static_cast<std::int64_t>(ids.size()), "row")) +
         " ran the code " + tasks::short_code(sha) + " (now it is " + tasks::short_code(now) + ")" +
         (one ? " and is" : " and are") + " kept; --redo-changed runs " + (one ? "it" : "them") +
         " again";
}

}  // namespace

JudgedRows judge_rows(const tasks::Site& site, const std::vector<Row>& rows, const SweepAsk& ask,
                      const Campaign& campaign) {
  JudgedRows judged;
  std::vector<Fault> conflicts;
  std::map<std::string, std::vector<std::string>> of_other_code;
  for (const Row& row : rows) {
    RowState state;
    state.n = static_cast<std::int64_t>(judged.states.size()) + 1;
    state.run_id = row.run_id;
    state.row_sha256 = row.sha256;
    state.config = row.config;
    state.seed = row.seed;
    const auto run = look_at_run(site.files(), site.run_dir(row.run_id));
    if (run && run->row_sha256 != row.sha256) {
      if (lives(*run)) {
        throw Error(Code::busy, "run '" + row.run_id + "' is going with other values",
                    wait_or_end(row.run_id));
      }
      conflicts.push_back({ask.manifest_name, row.line, 1,
                           "run_id '" + row.run_id + "' has run already with other values"});
      judged.to_move.push_back(row.run_id);
    } else if (run && run->state == RunState::success &&
               !(ask.redo_changed && text_at(run->summary, "git_sha") != campaign.git_sha)) {
      adopt_ended(*run, state, judged);
      const std::string sha = text_at(run->summary, "git_sha");
      if (sha != campaign.git_sha) of_other_code[sha].push_back(row.run_id);
    } else if (run && lives(*run) && run->campaign_id != campaign.id) {
      throw Error(Code::busy,
                  "run '" + row.run_id + "' of campaign " + run->campaign_id + " is still going",
                  wait_or_end(row.run_id));
    }
    judged.states.push_back(std::move(state));
  }
  if (!conflicts.empty() && !ask.force) throw conflict(conflicts);
  for (const auto& [sha, ids] : of_other_code)
    judged.notes.push_back(kept_note(sha, campaign.git_sha, ids));
  return judged;
}

}  // namespace workflow::sweep
