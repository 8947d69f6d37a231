#include <catch2/catch.hpp>

#include <deque>
#include <map>

#include "tests/support/rows_double.h"

using namespace workflow;
using namespace workflow::sweep;
using namespace workflow::test;
using fsm::RunState;

namespace {

using Changes = std::map<std::string, std::string>;

std::string csv(const std::vector<std::string>& rows) {
  std::string text = "run_id,config,seed,notes\n";
  for (const auto& row : rows) text += row + "\n";
  return text;
}

std::vector<Row> rows_of(const std::vector<std::string>& rows) {
  return parse_manifest(csv(rows), "new.csv").rows;
}

/// A campaign in words: `a,c.py,1,` in a state.
class Standing {
 public:
  Standing& row(const std::string& line, RunState state, bool begun = true, bool cloned = false) {
    values_.push_back(rows_of({line}).front());
    rows.push_back({&values_.back(), state, begun && state != RunState::pending, cloned});
    return *this;
  }
  std::vector<StandingRow> rows;

 private:
  std::deque<Row> values_;
};

Changes changes(const Standing& standing, const std::vector<std::string>& next, bool force = false,
                Before before = Before::nothing) {
  const std::vector<Row> rows = rows_of(next);
  const auto plan = plan_apply(
      {.standing = standing.rows, .rows = rows, .force = force, .before = [&](const Row&) {
         return before;
       }});
  Changes out;
  for (const auto& row : plan_json(plan, standing.rows)) {
    out[text_at(row, "run_id")] = text_at(row, "change");
  }
  return out;
}

constexpr RunState all_ended_states[] = {RunState::success, RunState::failed, RunState::timed_out,
                                         RunState::stopped, RunState::lost};

}  // namespace

TEST_CASE("the manifest that a campaign has changes nothing, whatever its rows are doing") {
  for (const RunState state : fsm::all_run_states()) {
    INFO(fsm::name(state));
    const Changes found = changes(Standing().row("a,c.py,1,", state), {"a,c.py,1,"});
    if (state == RunState::cancelled) {
      CHECK(found == Changes{{"a", "back"}});
    } else if (state == RunState::deleted) {
      CHECK(found == Changes{{"a", "kept"}});
    } else {
      CHECK(found.empty());
    }
  }
}

TEST_CASE("rows that are new, changed before they began, or gone before they began") {
  Standing standing;
  standing.row("a,c.py,1,", RunState::pending).row("b,c.py,1,", RunState::pending);
  CHECK(changes(standing, {"a,c.py,2,", "n,c.py,1,"}) ==
        Changes{{"a", "changed"}, {"b", "gone"}, {"n", "added"}});
  CHECK(changes(standing, {"a,c.py,1,other words", "b,c.py,1,"}) == Changes{{"a", "changed"}});
}

TEST_CASE("a run that has ended or goes on with other values is a conflict without force") {
  for (const RunState state : all_ended_states) {
    INFO(fsm::name(state));
    const Standing standing = std::move(Standing().row("a,c.py,1,", state));
    CHECK(changes(standing, {"a,c.py,2,"}) == Changes{{"a", "conflict"}});
    CHECK(changes(standing, {"a,c.py,2,"}, true) == Changes{{"a", "changed"}});
    // What only says how it is started is no other run.
    CHECK(changes(standing, {"a,c.py,1,a remark"}).empty());
  }
  const Standing going = std::move(Standing().row("a,c.py,1,", RunState::running));
  CHECK(changes(going, {"a,c.py,2,"}) == Changes{{"a", "conflict"}});
  CHECK(changes(going, {"a,c.py,2,"}, true) == Changes{{"a", "changed"}});
}

TEST_CASE("what has begun stays when the manifest knows it no more; clones stay always") {
  for (const RunState state : all_ended_states) {
    CHECK(changes(Standing().row("a,c.py,1,", state), {"b,c.py,1,"}) ==
          Changes{{"a", "kept"}, {"b", "added"}});
  }
  CHECK(changes(Standing().row("a,c.py,1,", RunState::running), {"b,c.py,1,"}).at("a") == "kept");
  const Standing cloned = std::move(Standing().row("a-c2,c.py,1,", RunState::pending, false, true));
  CHECK(changes(cloned, {"b,c.py,1,"}) == Changes{{"b", "added"}});
}

TEST_CASE("a deleted row stays so, and its id is free for other values") {
  Standing standing;
  standing.row("a,c.py,1,", RunState::deleted);
  CHECK(changes(standing, {"a,c.py,1,"}) == Changes{{"a", "kept"}});
  CHECK(changes(standing, {"a,c.py,2,"}) == Changes{{"a", "added"}});
  standing.row("a,c.py,2,", RunState::pending);
  CHECK(changes(standing, {"a,c.py,2,"}).empty());
  CHECK(changes(standing, {"a,c.py,3,"}) == Changes{{"a", "changed"}});
}

TEST_CASE("a new row's id is asked what it has done in earlier sweeps") {
  const Standing none;
  CHECK(changes(none, {"a,c.py,1,"}, false, Before::ended_well) == Changes{{"a", "kept"}});
  CHECK(changes(none, {"a,c.py,1,"}, false, Before::other_values) == Changes{{"a", "conflict"}});
  CHECK(changes(none, {"a,c.py,1,"}, true, Before::other_values) == Changes{{"a", "changed"}});
  CHECK(changes(none, {"a,c.py,1,"}, true, Before::going) == Changes{{"a", "conflict"}});
}

TEST_CASE("an applied manifest is the campaign's, and applied once more does nothing") {
  OpsDesk desk;
  RowsDouble rows;
  rows.add(rows_of({"a,c.py,1,"}).front(), {});
  rows.add(rows_of({"b,c.py,1,"}).front(), {});
  rows.add(rows_of({"d,c.py,1,"}).front(), {});
  rows.ends(2, RunState::running);
  rows.ends(2, RunState::success);
  rows.did.clear();
  const std::string next = csv({"a,c.py,2,", "n,c.py,1,", "d,c.py,9,"});
  const auto id = desk.ask(OpKind::sweep_apply, "", {{"force", true}}, next);
  Operations ops = desk.executor();
  ops.turn(rows);
  CHECK(desk.state(id) == "completed");
  CHECK(rows.did == std::vector<std::string>{"replace a", "add n", "remove d", "add d", "end b"});
  CHECK(rows.state(1) == RunState::cancelled);
  CHECK(rows.last_order.reason == "gone from the manifest by operation 1 of ana@laptop");
  CHECK(find_row(rows.rows(), "d") == 4u);
  CHECK(member(desk.store().read(id).result, "plan").size() == 4);
  rows.did.clear();
  desk.ask(OpKind::sweep_apply, "", {}, next);
  ops.turn(rows);
  CHECK(rows.did.empty());
}

TEST_CASE("a row that is going is ended before it has other values, and nothing is done twice") {
  OpsDesk desk;
  RowsDouble rows;
  rows.add(rows_of({"a,c.py,1,"}).front(), {});
  rows.ends(0, RunState::running);
  rows.did.clear();
  const auto id =
      desk.ask(OpKind::sweep_apply, "", {{"force", true}}, csv({"a,c.py,2,", "n,c.py,1,"}));
  {
    Operations first = desk.executor();
    first.turn(rows);
    first.turn(rows);
    CHECK(desk.state(id) == "processing");
    CHECK(rows.did == std::vector<std::string>{"end a", "add n"});
  }
  rows.ends(0, RunState::stopped);
  Operations next = desk.executor();  // the first one was killed
  next.turn(rows);
  CHECK(desk.state(id) == "completed");
  CHECK(rows.did == std::vector<std::string>{"end a", "add n", "remove a", "add a"});
  CHECK(rows.values(2).seed == 2);
}

TEST_CASE("a conflict at its turn ends an apply before it has done anything") {
  OpsDesk desk;
  RowsDouble rows;
  rows.add(rows_of({"a,c.py,1,"}).front(), {});
  rows.ends(0, RunState::running);
  rows.did.clear();
  const auto id = desk.ask(OpKind::sweep_apply, "", {}, csv({"a,c.py,2,", "n,c.py,1,"}));
  Operations ops = desk.executor();
  ops.turn(rows);
  CHECK(desk.state(id) == "failed");
  CHECK(desk.reason(id) == "'a': it is going with other values");
  CHECK(rows.did.empty());
}

TEST_CASE("an apply keeps its place among the operations on runs") {
  OpsDesk desk;
  RowsDouble rows;
  rows.add(rows_of({"a,c.py,1,"}).front(), {});
  rows.add(rows_of({"b,c.py,1,"}).front(), {});
  rows.ends(0, RunState::running);
  const auto stop = desk.ask(OpKind::run_stop, "a");
  const auto apply = desk.ask(OpKind::sweep_apply, "", {}, csv({"a,c.py,1,", "n,c.py,1,"}));
  const auto behind = desk.ask(OpKind::run_stop, "n");
  Operations ops = desk.executor();
  ops.turn(rows);
  CHECK(desk.state(stop) == "processing");
  CHECK(desk.state(apply) == "pending");
  CHECK(desk.state(behind) == "pending");
  rows.ends(0, RunState::stopped);
  ops.turn(rows);
  CHECK(desk.state(apply) == "completed");
  CHECK(desk.state(behind) == "completed");
  CHECK(rows.state(find_row(rows.rows(), "n").value()) == RunState::stopped);
}
