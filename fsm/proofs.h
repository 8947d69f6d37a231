#pragma once
// What a table must prove before it compiles. A proof looks for a witness against the table and
// instantiates a template with what it found, so that the compiler's message names the culprit:
// `Reachable<TaskMachine, Witness<TaskState>{true, TaskState::running}>`.

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include "fsm/machine.h"

namespace workflow::fsm {

namespace proof {

/// What a proof found against the table; a structural type, so that it can be a template argument.
template <class T>
struct Witness {
  bool found = false;
  T first{};
};

/// One field of the matrix of states and events.
template <class S, class E>
struct Cell {
  S state;
  E event;
};

// g++ and clang print a value that is no enumerator as a cast: `(Event)99`.
template <auto value>
consteval bool is_enumerator() {
  constexpr std::string_view signature = __PRETTY_FUNCTION__;
  constexpr std::string_view label = "value = ";
  return signature[signature.find(label) + label.size()] != '(';
}

constexpr std::size_t enum_limit = 128;

template <class T, std::size_t n>
consteval Witness<T> unlisted(const std::array<Name<T>, n>& names) {
  Witness<T> witness;
  const auto look = [&](std::size_t i, bool exists) {
    const bool listed = i < n && names[i].value == static_cast<T>(i);
    if (exists && !listed && !witness.found) witness = {true, static_cast<T>(i)};
  };
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (look(i, is_enumerator<static_cast<T>(i)>()), ...);
  }
  (std::make_index_sequence<enum_limit>{});
  return witness;
}

template <class T, std::size_t n>
consteval Witness<T> misnamed(const std::array<Name<T>, n>& names) {
  for (std::size_t i = 0; i < n; ++i) {
    if (names[i].text.empty()) return {true, names[i].value};
    for (std::size_t k = 0; k < i; ++k)
      if (names[i].text == names[k].text) return {true, names[i].value};
  }
  return {};
}

template <Machine M>
consteval auto ambiguous() -> Witness<Cell<typename M::State, typename M::Event>> {
  for (std::size_t i = 0; i < M::rows.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      if (M::rows[i].from == M::rows[k].from && M::rows[i].on == M::rows[k].on)
        return {true, {M::rows[i].from, M::rows[i].on}};
  return {};
}

/// The first state for which `holds` is false.
template <Machine M, class Predicate>
consteval Witness<typename M::State> state_without(Predicate holds) {
  for (const auto& entry : M::states)
    if (!holds(entry.value)) return {true, entry.value};
  return {};
}

/// Can a state that satisfies `is_goal` be reached from `start`, in no or more steps?
template <Machine M, class Goal>
constexpr bool leads(typename M::State start, Goal is_goal, bool with_escapes) {
  std::array<bool, enum_limit> seen{};
  seen[static_cast<std::size_t>(start)] = true;
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& row : M::rows) {
      if (M::is_escape(row.on) && !with_escapes) continue;
      bool& to = seen[static_cast<std::size_t>(row.to)];
      if (seen[static_cast<std::size_t>(row.from)] && !to) to = grew = true;
    }
  }
  for (const auto& entry : M::states)
    if (seen[static_cast<std::size_t>(entry.value)] && is_goal(entry.value)) return true;
  return false;
}

template <Machine M>
consteval auto unreachable() {
  return state_without<M>([](auto state) {
    return leads<M>(
        M::initial, [state](auto other) { return other == state; }, false);
  });
}

template <Machine M>
consteval auto restless() {
  return state_without<M>([](auto state) { return leads<M>(state, &M::is_rest, false); });
}

/// A machine with a final state need not begin again; every other one must be able to.
template <Machine M>
consteval Witness<typename M::State> without_return() {
  for (const auto& entry : M::states)
    if (M::is_final(entry.value)) return {};
  return state_without<M>([](auto state) {
    return leads<M>(
        state, [](auto other) { return other == M::initial; }, true);
  });
}

template <Machine M>
consteval Witness<typename M::Event> unused() {
  for (const auto& entry : M::events) {
    bool used = false;
    for (const auto& row : M::rows) used = used || row.on == entry.value;
    if (!used) return {true, entry.value};
  }
  return {};
}

template <Machine M>
consteval auto left_though_final() {
  return state_without<M>([](auto state) {
    for (const auto& row : M::rows)
      if (M::is_final(state) && row.from == state) return false;
    return true;
  });
}

template <Machine M>
consteval auto stuck() {
  return state_without<M>([](auto state) {
    for (const auto& row : M::rows)
      if (row.from == state && row.to != state && M::by_person(row.on) && !M::is_escape(row.on))
        return true;
    return M::is_final(state);
  });
}

template <class M, auto w>
struct Listed {
  static_assert(!w.found, "fsm: enumerator is not in the list of names, or not at its place");
};
template <class M, auto w>
struct Named {
  static_assert(!w.found, "fsm: name is empty or stands for two enumerators");
};
template <class M, auto w>
struct Deterministic {
  static_assert(!w.found, "fsm: more than one row for this state and event");
};
template <class M, auto w>
struct Reachable {
  static_assert(!w.found, "fsm: state cannot be reached from the initial state");
};
template <class M, auto w>
struct Resting {
  static_assert(!w.found, "fsm: no state of rest is ahead of this state");
};
template <class M, auto w>
struct Returning {
  static_assert(!w.found, "fsm: the initial state cannot be reached again from this state");
};
template <class M, auto w>
struct Used {
  static_assert(!w.found, "fsm: event is in no row");
};
template <class M, auto w>
struct Final {
  static_assert(!w.found, "fsm: final state can be left");
};
template <class M, auto w>
struct Leavable {
  static_assert(!w.found, "fsm: nothing a person can do leaves this state");
};

/// True, or a compile error that names the proof and the state or event that breaks it.
template <Machine M>
consteval bool proved() {
  return (sizeof(Listed<M, unlisted(M::states)>) + sizeof(Listed<M, unlisted(M::events)>) +
          sizeof(Named<M, misnamed(M::states)>) + sizeof(Named<M, misnamed(M::events)>) +
          sizeof(Deterministic<M, ambiguous<M>()>) + sizeof(Reachable<M, unreachable<M>()>) +
          sizeof(Resting<M, restless<M>()>) + sizeof(Returning<M, without_return<M>()>) +
          sizeof(Used<M, unused<M>()>) + sizeof(Final<M, left_though_final<M>()>) +
          sizeof(Leavable<M, stuck<M>()>)) > 0;
}

}  // namespace proof

using proof::proved;

}  // namespace workflow::fsm
