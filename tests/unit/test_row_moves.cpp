#include <catch2/catch.hpp>

#include "common/error.h"
#include "sweep/row_index.h"

namespace workflow::sweep {
namespace {

Code code_of(RowState row, RunState to) {
  try {
    move_to(row, to);
  } catch (const Error& fault) {
    return fault.code();
  }
  return row.state == to ? Code::ok : Code::bug;
}

}  // namespace

TEST_CASE("a row moves by the run machine's table and in no other way") {
  for (const RunState from : fsm::all_run_states()) {
    for (const RunState to : fsm::all_run_states()) {
      INFO(fsm::name(from) << " to " << fsm::name(to));
      RowState row;
      row.state = from;
      const bool legal = from == to || fsm::event_between(from, to).has_value();
      CHECK(code_of(row, to) == (legal ? Code::ok : Code::bug));
    }
  }
}

TEST_CASE("a move that the table forbids leaves the row where it was") {
  RowState row;
  row.state = RunState::success;
  CHECK_THROWS_AS(move(row, fsm::RunEvent::start), Error);
  CHECK(row.state == RunState::success);
}

}  // namespace workflow::sweep
