#include "sweep/op_rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/error.h"

namespace workflow::sweep {
namespace {

using fsm::RunState;
using enum OpKind;
using enum OpStep;

template <class T>
struct Named {
  T value;
  std::string_view text;
};

// clang-format off
constexpr auto kinds = std::to_array<Named<OpKind>>({
    {run_stop,    "run-stop"},
    {run_resume,  "run-resume"},
    {run_clone,   "run-clone"},
    {run_delete,  "run-delete"},
    {sweep_apply, "sweep-apply"},
});

constexpr auto states = std::to_array<Named<OpState>>({
    {OpState::pending,    "pending"},
    {OpState::processing, "processing"},
    {OpState::completed,  "completed"},
    {OpState::skipped,    "skipped"},
    {OpState::failed,     "failed"},
    {OpState::superseded, "superseded"},
});

struct Line {
  RunState run;
  OpRule stop, resume, clone, remove;
};

constexpr OpRule ending   {end};
constexpr OpRule trying   {again};
constexpr OpRule copying  {add};
constexpr OpRule removing {OpStep::remove};
constexpr OpRule is_deleted{nothing, "it is deleted already"};
constexpr OpRule no_more  {refuse, "it was deleted"};

constexpr auto lines = std::to_array<Line>({
    // run                   run-stop                                  run-resume                                run-clone  run-delete
    {RunState::pending,   ending,                                   {nothing, "it waits for its turn already"}, copying, ending},
    {RunState::running,   ending,                                   {nothing, "it is going"},                   copying, ending},
    {RunState::success,   {nothing, "it had ended well by itself"}, {refuse, "it has ended well; run-clone runs it once more"}, copying, removing},
    {RunState::failed,    {nothing, "it had failed by itself"},     trying,                                     copying, removing},
    {RunState::timed_out, {nothing, "it had reached its limit"},    trying,                                     copying, removing},
    {RunState::cancelled, {nothing, "it had been cancelled"},       trying,                                     copying, removing},
    {RunState::stopped,   {nothing, "it is stopped already"},       trying,                                     copying, removing},
    {RunState::lost,      {nothing, "it was lost before"},          trying,                                     copying, removing},
    {RunState::deleted,   no_more,                                  no_more,                                    no_more, is_deleted},
});

/// Earlier, later: the earlier one has not begun and would be undone at once.
constexpr auto pointless = std::to_array<std::pair<OpKind, OpKind>>({
    {run_resume,  run_stop},
    {run_resume,  run_delete},
    {run_stop,    run_delete},
    {sweep_apply, sweep_apply},
});
// clang-format on

constexpr bool in_order() {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (static_cast<std::size_t>(lines[i].run) != i) return false;
  }
  return lines.size() == static_cast<std::size_t>(RunState::deleted) + 1;
}
static_assert(in_order(), "one line for each state of a run, in the enumerators' order");

/// Whoever does nothing says why, and nobody else.
constexpr bool reasons_where_needed() {
  for (const Line& line : lines) {
    for (const OpRule& rule : {line.stop, line.resume, line.clone, line.remove}) {
      if ((rule.step == nothing || rule.step == refuse) == rule.why.empty()) return false;
    }
  }
  return true;
}
static_assert(reasons_where_needed(), "a cell that does nothing has a reason");

template <class T, std::size_t n>
std::string_view text_of(const std::array<Named<T>, n>& table, T value) {
  return std::ranges::find(table, value, &Named<T>::value)->text;
}

template <class T, std::size_t n>
std::optional<T> value_of(const std::array<Named<T>, n>& table, std::string_view text) {
  const auto found = std::ranges::find(table, text, &Named<T>::text);
  return found == table.end() ? std::nullopt : std::optional(found->value);
}

}  // namespace

std::string_view name(OpKind kind) { return text_of(kinds, kind); }
std::string_view name(OpState state) { return text_of(states, state); }
std::optional<OpKind> op_kind_from(std::string_view text) { return value_of(kinds, text); }
std::optional<OpState> op_state_from(std::string_view text) { return value_of(states, text); }

bool is_over(OpState state) { return state != OpState::pending && state != OpState::processing; }

OpRule op_rule(OpKind kind, RunState run) {
  const Line& line = lines[static_cast<std::size_t>(run)];
  switch (kind) {
    case run_stop:
      return line.stop;
    case run_resume:
      return line.resume;
    case run_clone:
      return line.clone;
    case run_delete:
      return line.remove;
    case sweep_apply:
      break;
  }
  bug("sweep-apply is about no single run");
}

bool supersedes(OpKind later, OpKind earlier) {
  return std::ranges::find(pointless, std::pair(earlier, later)) != pointless.end();
}

}  // namespace workflow::sweep
