#include <catch2/catch.hpp>

#include <array>

#include "tests/support/answers.h"
#include "tests/support/rows_double.h"

using namespace workflow;
using namespace workflow::sweep;
using namespace workflow::test;
using fsm::RunState;

namespace {

struct Cell {
  const char* op;
  RunState run;  ///< after one turn
};

struct MatrixLine {
  RunState before;
  Cell stop, resume, clone, remove;
};

// What people may rely on, written out once more.
// clang-format off
constexpr auto matrix = [] {
  using enum RunState;
  return std::to_array<MatrixLine>({
    // before    run-stop                 run-resume              run-clone                 run-delete
    {pending,   {"completed", stopped},   {"skipped", pending},   {"completed", pending},   {"completed", deleted}},
    {running,   {"processing", running},  {"skipped", running},   {"completed", running},   {"processing", running}},
    {success,   {"skipped", success},     {"skipped", success},   {"completed", success},   {"completed", deleted}},
    {failed,    {"skipped", failed},      {"completed", pending}, {"completed", failed},    {"completed", deleted}},
    {timed_out, {"skipped", timed_out},   {"completed", pending}, {"completed", timed_out}, {"completed", deleted}},
    {cancelled, {"skipped", cancelled},   {"completed", pending}, {"completed", cancelled}, {"completed", deleted}},
    {stopped,   {"skipped", stopped},     {"completed", pending}, {"completed", stopped},   {"completed", deleted}},
    {lost,      {"skipped", lost},        {"completed", pending}, {"completed", lost},      {"completed", deleted}},
    {deleted,   {"skipped", deleted},     {"skipped", deleted},   {"skipped", deleted},     {"skipped", deleted}},
  });
}();
// clang-format on

void check_cell(OpKind kind, RunState before, const Cell& wanted) {
  INFO(name(kind) << " of a run that is " << fsm::name(before));
  OpsDesk desk;
  RowsDouble rows;
  rows.put("a", before);
  const auto id = desk.ask(kind, "a", {{"run_id", "a-c2"}});
  Operations ops = desk.executor();
  ops.turn(rows);
  CHECK(desk.state(id) == wanted.op);
  CHECK(rows.state(0) == wanted.run);
  const bool cloned = kind == OpKind::run_clone && before != RunState::deleted;
  CHECK(rows.rows().size() == (cloned ? 2u : 1u));
  CHECK(desk.reason(id).empty() == (desk.state(id) == "processing" ||
                                    (desk.state(id) == "completed" && kind != OpKind::run_delete)));
  CHECK(ops.waiting() == (desk.state(id) == "processing"));
}

}  // namespace

TEST_CASE("each operation does in each state of a run what its table says") {
  static_assert(matrix.size() == 9);
  for (const MatrixLine& line : matrix) {
    check_cell(OpKind::run_stop, line.before, line.stop);
    check_cell(OpKind::run_resume, line.before, line.resume);
    check_cell(OpKind::run_clone, line.before, line.clone);
    check_cell(OpKind::run_delete, line.before, line.remove);
  }
}

TEST_CASE("a stop is over when the run has ended, and says when the run was quicker") {
  for (const auto& [end, op] :
       {std::pair{RunState::stopped, "completed"}, std::pair{RunState::success, "skipped"},
        std::pair{RunState::failed, "skipped"}}) {
    INFO(fsm::name(end));
    OpsDesk desk;
    RowsDouble rows;
    rows.put("a", RunState::running);
    const auto id = desk.ask(OpKind::run_stop, "a", {{"grace_secs", 7}});
    Operations ops = desk.executor();
    ops.turn(rows);
    ops.turn(rows);
    CHECK(rows.did == std::vector<std::string>{"end a"});  // told once
    CHECK(rows.last_order.as == "stopped");
    CHECK(rows.last_order.grace_secs == 7);
    rows.ends(0, end);
    ops.turn(rows);
    CHECK(desk.state(id) == op);
    CHECK_FALSE(ops.waiting());
  }
}

TEST_CASE("a run that fails and is tried again while it is being stopped is stopped all the same") {
  OpsDesk desk;
  RowsDouble rows;
  rows.put("a", RunState::running);
  const auto id = desk.ask(OpKind::run_stop, "a");
  Operations ops = desk.executor();
  ops.turn(rows);
  rows.ends(0, RunState::failed);
  rows.again(0);
  ops.turn(rows);
  CHECK(rows.state(0) == RunState::stopped);
  CHECK(desk.state(id) == "completed");
}

TEST_CASE("an operation waits for an earlier one on its run, and for no other") {
  OpsDesk desk;
  RowsDouble rows;
  rows.put("a", RunState::running);
  rows.put("b", RunState::failed);
  const auto stop = desk.ask(OpKind::run_stop, "a");
  const auto resume = desk.ask(OpKind::run_resume, "a");
  const auto other = desk.ask(OpKind::run_resume, "b");
  Operations ops = desk.executor();
  ops.turn(rows);
  CHECK(desk.state(stop) == "processing");
  CHECK(desk.state(resume) == "pending");
  CHECK(desk.state(other) == "completed");
  rows.ends(0, RunState::stopped);
  ops.turn(rows);
  CHECK(desk.state(stop) == "completed");
  CHECK(desk.state(resume) == "completed");
  CHECK(rows.state(0) == RunState::pending);
}

TEST_CASE("an operation that a later one makes pointless is superseded, and says by which") {
  const std::array cases{std::pair{OpKind::run_resume, OpKind::run_stop},
                         std::pair{OpKind::run_resume, OpKind::run_delete},
                         std::pair{OpKind::run_stop, OpKind::run_delete}};
  for (const auto& [first, later] : cases) {
    INFO(name(first) << ", then " << name(later));
    OpsDesk desk;
    RowsDouble rows;
    rows.put("a", RunState::failed);
    const auto id = desk.ask(first, "a");
    desk.ask(later, "a");
    Operations ops = desk.executor();
    ops.turn(rows);
    CHECK(desk.state(id) == "superseded");
    CHECK(desk.reason(id) == "superseded by operation 2");
    CHECK(std::ranges::find(rows.did, "again a") == rows.did.end());
  }
  CHECK_FALSE(
      supersedes(OpKind::run_resume, OpKind::run_stop));  // to begin again from a checkpoint
  CHECK_FALSE(supersedes(OpKind::run_delete, OpKind::run_clone));
}

TEST_CASE("what is going is not superseded any more") {
  OpsDesk desk;
  RowsDouble rows;
  rows.put("a", RunState::running);
  const auto stop = desk.ask(OpKind::run_stop, "a");
  Operations ops = desk.executor();
  ops.turn(rows);
  const auto remove = desk.ask(OpKind::run_delete, "a");
  ops.turn(rows);
  CHECK(desk.state(stop) == "processing");
  rows.ends(0, RunState::stopped);
  ops.turn(rows);
  CHECK(desk.state(stop) == "completed");
  CHECK(desk.state(remove) == "completed");
  CHECK(rows.state(0) == RunState::deleted);
}

TEST_CASE("one operation that fails says why and ends nothing else") {
  OpsDesk desk;
  RowsDouble rows;
  rows.put("a", RunState::running);
  rows.put("b", RunState::failed);
  const auto nobody = desk.ask(OpKind::run_stop, "zz");
  const auto refused = desk.ask(OpKind::run_stop, "a");
  const auto good = desk.ask(OpKind::run_resume, "b");
  rows.breaks_on = "end a";
  Operations ops = desk.executor();
  ops.turn(rows);
  CHECK(desk.state(nobody) == "failed");
  CHECK(desk.reason(nobody) == "the campaign has no run 'zz'");
  CHECK(desk.state(refused) == "failed");
  CHECK(desk.reason(refused) == "it runs elsewhere");
  CHECK(desk.state(good) == "completed");
}

TEST_CASE("an operation whose file is torn is failed and stands in nobody's way") {
  OpsDesk desk;
  RowsDouble rows;
  rows.put("a", RunState::failed);
  const auto torn = desk.ask(OpKind::run_stop, "a");
  const auto good = desk.ask(OpKind::run_resume, "a");
  real_files().write(desk.site.campaign_dir(desk.campaign.id) / "ops/000001.json", "{\"id\":1,");
  Operations ops = desk.executor();
  ops.turn(rows);
  CHECK(desk.state(torn) == "failed");
  CHECK(desk.reason(torn).find("000001.json") != std::string::npos);
  CHECK(desk.state(good) == "completed");
}

TEST_CASE("the same request twice is one operation, and numbers go up in the order of asking") {
  OpsDesk desk;
  Operation op;
  op.kind = OpKind::run_stop;
  op.run_id = "a";
  op.token = "t1";
  CHECK(desk.store().add(op).id == 1);
  CHECK(desk.store().add(op).id == 1);
  op.token = "t2";
  CHECK(desk.store().add(op).id == 2);
  CHECK(desk.store().ids() == std::vector<std::int64_t>{1, 2});
  CHECK(text_at(operation_json(desk.store().read(2)), "kind") == "run-stop");
}

TEST_CASE("what the disk did not take is not begun, and is done when it takes it again") {
  OpsDesk desk;
  RowsDouble rows;
  rows.put("a", RunState::failed);
  const auto id = desk.ask(OpKind::run_resume, "a");
  Operations ops = desk.executor();
  desk.files.fail(1, FlakyFiles::When::before);  // the write of `processing`
  ops.turn(rows);
  REQUIRE(desk.files.has_failed());
  CHECK(rows.state(0) == RunState::failed);
  CHECK(desk.state(id) == "pending");
  CHECK(ops.waiting());
  ops.turn(rows);
  CHECK(rows.state(0) == RunState::pending);
  CHECK(desk.state(id) == "completed");
}

TEST_CASE("an executor that dies at any write of an operation leaves one that is done once") {
  const std::array kinds{OpKind::run_resume, OpKind::run_clone, OpKind::run_delete};
  for (const OpKind kind : kinds) {
    for (int nth = 1; nth <= 2; ++nth) {
      for (const auto when : {FlakyFiles::When::before, FlakyFiles::When::after}) {
        INFO(name(kind) << ", write " << nth);
        OpsDesk desk;
        RowsDouble rows;
        rows.put("a", RunState::failed);
        const auto id = desk.ask(kind, "a", {{"run_id", "a-c2"}});
        {
          Operations first = desk.executor();
          desk.files.fail(nth, when);
          first.turn(rows);  // and is killed
        }
        desk.files.heal();
        Operations next = desk.executor();
        next.turn(rows);
        CHECK(desk.state(id) == "completed");
        CHECK(rows.did.size() == 1);
      }
    }
  }
}

TEST_CASE("a resumed row that has run since is not resumed a second time") {
  OpsDesk desk;
  RowsDouble rows;
  rows.put("a", RunState::failed);
  const auto id = desk.ask(OpKind::run_resume, "a");
  {
    Operations first = desk.executor();
    desk.files.fail(2, FlakyFiles::When::before);  // the write of `completed`
    first.turn(rows);
  }
  desk.files.heal();
  rows.ends(0, RunState::running);
  rows.ends(0, RunState::stopped);
  Operations next = desk.executor();
  next.turn(rows);
  CHECK(desk.state(id) == "completed");
  CHECK(rows.state(0) == RunState::stopped);
}

TEST_CASE("a run from whose checkpoint a clone is yet to begin is not deleted") {
  OpsDesk desk;
  RowsDouble rows;
  rows.put("a", RunState::stopped);
  const auto cold = desk.ask(OpKind::run_clone, "a", {{"run_id", "cold"}, {"warm_start", true}});
  desk.executor().turn(rows);
  CHECK(desk.reason(cold) ==
        "'a' has nothing to begin from: out/ holds no checkpoint of a known name (*.pt *.pth "
        "*.ckpt *.safetensors checkpoint*/)");
  put(desk.scratch / "outputs/a/out/model.ckpt", "weights");
  desk.ask(OpKind::run_clone, "a", {{"run_id", "a-c2"}, {"warm_start", true}});
  const auto remove = desk.ask(OpKind::run_delete, "a");
  Operations ops = desk.executor();
  ops.turn(rows);
  CHECK(desk.state(remove) == "failed");
  CHECK(desk.reason(remove) == "'a-c2' is yet to begin from its checkpoint");
  REQUIRE(rows.rows().size() == 2);
  CHECK(rows.values(1).env.front() ==
        "WF_WARM_START_FROM=" + (desk.scratch / "outputs/a/out").string());
  CHECK(text_at(rows.last_origin, "parent") == "a");
  CHECK(flag_at(rows.last_origin, "warm_start"));
}

TEST_CASE("the id of a clone is free, or the clone fails") {
  OpsDesk desk;
  RowsDouble rows;
  rows.put("a", RunState::success);
  rows.put("b", RunState::pending);
  const auto taken = desk.ask(OpKind::run_clone, "a", {{"run_id", "b"}});
  const auto wrong = desk.ask(OpKind::run_clone, "a", {{"run_id", "c"}, {"set", {"seed=one"}}});
  const auto good = desk.ask(OpKind::run_clone, "a", {{"run_id", "d"}, {"set", {"seed=4"}}});
  Operations ops = desk.executor();
  ops.turn(rows);
  CHECK(desk.reason(taken) == "the campaign has a run 'b' already");
  CHECK(desk.reason(wrong) == "no such row can be: seed 'one' is not an integer");
  CHECK(desk.state(good) == "completed");
  CHECK(number_at(desk.store().read(good).result, "n") == 3);
  CHECK(rows.values(2).seed == 4);
}
