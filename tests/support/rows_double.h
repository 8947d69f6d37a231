#pragma once

#include <string>
#include <vector>

#include "common/error.h"
#include "sweep/operations.h"
#include "tests/support/flaky_files.h"
#include "tests/support/scratch.h"
#include "tests/support/state_desk.h"

namespace workflow::test {

/// The rows of a campaign without any process: what is going ends when the test says so.
class RowsDouble final : public sweep::RowControl {
 public:
  std::size_t put(const std::string& run_id, fsm::RunState state) {
    sweep::Row row;
    row.run_id = run_id;
    row.config = "c.py";
    row.sha256 = "of " + run_id;
    add(row, {});
    rows_.back().state = state;
    rows_.back().attempt = state == fsm::RunState::pending ? 0 : 1;
    did.clear();
    return rows_.size() - 1;
  }
  void ends(std::size_t row, fsm::RunState state) { sweep::move_to(rows_[row], state); }
  [[nodiscard]] fsm::RunState state(std::size_t row) const { return rows_[row].state; }

  [[nodiscard]] const std::vector<sweep::RowState>& rows() const override { return rows_; }
  [[nodiscard]] const sweep::Row& values(std::size_t row) const override { return values_[row]; }
  void end(std::size_t row, const tasks::Order& order) override {
    note("end", row);
    last_order = order;
    if (rows_[row].state == fsm::RunState::pending) {
      sweep::move_to(rows_[row], fsm::run_state_from(order.as).value());
    }
  }
  void again(std::size_t row) override {
    note("again", row);
    sweep::move(rows_[row], fsm::RunEvent::retry);
  }
  std::size_t add(const sweep::Row& values, const Json& origin) override {
    sweep::RowState row;
    row.n = static_cast<std::int64_t>(rows_.size()) + 1;
    row.run_id = values.run_id;
    row.row_sha256 = values.sha256;
    rows_.push_back(row);
    values_.push_back(values);
    last_origin = origin;
    note("add", rows_.size() - 1);
    return rows_.size() - 1;
  }
  void replace(std::size_t row, const sweep::Row& values) override {
    if (rows_[row].state != fsm::RunState::pending) bug("only a waiting row has other values");
    note("replace", row);
    values_[row] = values;
  }
  void remove(std::size_t row) override {
    note("remove", row);
    sweep::move(rows_[row], fsm::RunEvent::remove);
  }

  std::vector<std::string> did;  ///< `end a`, `again b` …
  tasks::Order last_order;
  Json last_origin;
  std::string breaks_on{};  ///< such a call is refused

 private:
  void note(const std::string& what, std::size_t row) {
    const std::string text = what + " " + rows_[row].run_id;
    if (text == breaks_on) throw Error(Code::unreachable, "it runs elsewhere");
    did.push_back(text);
  }

  std::vector<sweep::RowState> rows_;
  std::vector<sweep::Row> values_;
};

/// A campaign's operations on a scratch directory.
class OpsDesk {
 public:
  OpsDesk() : site(files, clock, site_args()) { campaign.id = "20260131T000000Z-0000abcd"; }

  [[nodiscard]] sweep::OpStore store() { return {files, clock, site.campaign_dir(campaign.id)}; }
  std::int64_t ask(sweep::OpKind kind, const std::string& run_id, const Json& what = Json::object(),
                   const std::optional<std::string>& manifest = {}) {
    sweep::Operation op;
    op.kind = kind;
    op.run_id = run_id;
    op.ask = what;
    op.by = "ana@laptop";
    return store().add(op, manifest).id;
  }
  [[nodiscard]] sweep::Operations executor() {
    return {site, campaign, [this](const std::string& text) { said += text + "\n"; }};
  }
  [[nodiscard]] std::string state(std::int64_t id) {
    return std::string(sweep::name(store().read(id).state));
  }
  [[nodiscard]] std::string reason(std::int64_t id) { return store().read(id).reason; }

  Scratch scratch;
  FlakyFiles files;
  HandClock clock;
  tasks::Site site;
  sweep::Campaign campaign;
  std::string said;

 private:
  [[nodiscard]] Json site_args() const {
    return {{"settings",
             {{"OPS_REMOTE_OUTPUTS_DIR", (scratch / "outputs").string()},
              {"OPS_REMOTE_REPO", (scratch / "repo").string()}}}};
  }
};

}  // namespace workflow::test
