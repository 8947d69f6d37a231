#include "sweep/campaign_rows.h"

#include "common/error.h"
#include "sweep/row_values.h"
#include "tasks/follow.h"

namespace workflow::sweep {
namespace {

void begin(RowState& row) {
  row.attempt += 1;
  move(row, fsm::RunEvent::start);
}

}  // namespace

CampaignRows::CampaignRows(const tasks::Site& site, const Campaign& campaign, PatientIndex& index,
                           const fs::path& dir)
    : site_(site), campaign_(campaign), index_(index), states_(index.load()) {
  std::vector<Row> manifest = campaign_rows(site.files(), dir, campaign);
  bool fits = states_.size() >= manifest.size();
  for (std::size_t i = manifest.size(); i < states_.size(); ++i) {
    fits = fits && states_[i].values.is_object();
  }
  if (!fits) {
    throw Error(Code::precondition,
                "'" + (dir / "rows.jsonl").string() + "' is of another manifest than this sweep",
                "workflow fsm-reset CHECKED_OUT and sweep-start begin anew");
  }
  values_ = with_later(std::move(manifest), states_);
}

void CampaignRows::announce(std::size_t row) {
  RowState& state = states_[row];
  begin(state);
  state.started_at = utc_text(site_.clock().now_ms());
  state.ended_at.clear();
  state.result = Json::object();
  state.health = nullptr;
  index_.append(state, false);
}

void CampaignRows::withdraw(std::size_t row) {
  RowState& state = states_[row];
  state.attempt -= 1;
  move(state, fsm::RunEvent::put_back);
  state.started_at.clear();
  index_.append(state);
}

void CampaignRows::catch_up(std::size_t row) {
  RowState next = states_[row];
  begin(next);
  if (is_attempt(look(row), campaign_.id, next)) states_[row] = std::move(next);
}

void CampaignRows::ended(std::size_t row, const RunView& view) {
  RowState& state = states_[row];
  move_to(state, view.state);
  state.started_at = text_at(view.summary, "started_at");
  state.ended_at = text_at(view.summary, "ended_at");
  state.result = index_result(view.summary);
  index_.append(state, false);
}

void CampaignRows::give_up(std::size_t row, fsm::RunEvent event, const Json& result) {
  RowState& state = states_[row];
  move(state, event);
  state.ended_at = utc_text(site_.clock().now_ms());
  state.result = result;
  index_.append(state);
}

void CampaignRows::again(std::size_t row, bool forgive) {
  RowState& state = states_[row];
  move(state, fsm::RunEvent::retry);
  if (forgive) state.forgiven = state.attempt;
  index_.append(state, forgive);
}

void CampaignRows::note_health(std::size_t row, const Json& health) {
  states_[row].health = health;
  index_.append(states_[row], false);
}

std::size_t CampaignRows::add(const Row& values, const Json& origin) {
  RowState state;
  state.n = static_cast<std::int64_t>(states_.size()) + 1;
  state.run_id = values.run_id;
  state.row_sha256 = values.sha256;
  state.config = values.config;
  state.seed = values.seed;
  state.values = values_json(values);
  state.origin = origin;
  index_.define(state);
  states_.push_back(std::move(state));
  values_.push_back(values);
  return states_.size() - 1;
}

void CampaignRows::replace(std::size_t row, const Row& values) {
  RowState state = states_[row];
  state.row_sha256 = values.sha256;
  state.config = values.config;
  state.seed = values.seed;
  state.values = values_json(values);
  index_.define(state);
  states_[row] = std::move(state);
  values_[row] = values;
}

void CampaignRows::removed(std::size_t row) {
  move(states_[row], fsm::RunEvent::remove);
  index_.append(states_[row]);
}

std::optional<RunView> CampaignRows::look(std::size_t row) const {
  return look_at_run(site_.files(), site_.run_dir(states_[row].run_id));
}

std::optional<RunView> CampaignRows::settle(std::size_t row) const {
  (void)tasks::settle(site_.files(), site_.run_dir(states_[row].run_id));
  return look(row);
}

bool CampaignRows::is_current(std::size_t row, const std::optional<RunView>& view) const {
  return is_attempt(view, campaign_.id, states_[row]);
}

}  // namespace workflow::sweep
