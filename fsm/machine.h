#pragma once
// fsm/ decides which command is legal where and nothing else: no I/O, no clock, no JSON, no other
// room. This file holds what the three machines (workflow, task, run) share: the shape of a
// machine and lookups in it. What a machine must prove before it compiles is in proofs.h.

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>

namespace workflow::fsm {

/// One plain transition; conditions are two events, decided before the machine is asked.
template <class S, class E>
struct Row {
  S from;
  E on;
  S to;
};

/// An enumerator and its name on the wire.
template <class T>
struct Name {
  T value;
  std::string_view text;
};

/// What a machine states about itself; `states` and `events` are arrays of Name in enum order.
/// Final: nothing leaves it. Rest: an end of the ordinary course of things, ahead of every state.
/// An escape (a reset) may go anywhere and therefore proves nothing about the ordinary course.
template <class M>
concept Machine = requires(typename M::State state, typename M::Event event) {
  { M::initial } -> std::convertible_to<typename M::State>;
  { M::states.front() } -> std::convertible_to<Name<typename M::State>>;
  { M::events.front() } -> std::convertible_to<Name<typename M::Event>>;
  { M::rows.front() } -> std::convertible_to<Row<typename M::State, typename M::Event>>;
  { M::is_final(state) } -> std::same_as<bool>;
  { M::is_rest(state) } -> std::same_as<bool>;
  { M::by_person(event) } -> std::same_as<bool>;
  { M::is_escape(event) } -> std::same_as<bool>;
};

/// The name of a value; the lists are proved to be in enum order.
template <class T, std::size_t n>
[[nodiscard]] constexpr std::string_view name_in(const std::array<Name<T>, n>& names, T value) {
  return names.at(static_cast<std::size_t>(value)).text;
}

/// The value a name stands for; nothing for an unknown name.
template <class T, std::size_t n>
[[nodiscard]] constexpr std::optional<T> value_in(const std::array<Name<T>, n>& names,
                                                  std::string_view text) {
  for (const auto& entry : names)
    if (entry.text == text) return entry.value;
  return std::nullopt;
}

/// The values of a list of names, without the names.
template <class T, std::size_t n>
[[nodiscard]] constexpr std::array<T, n> values_of(const std::array<Name<T>, n>& names) {
  std::array<T, n> values{};
  for (std::size_t i = 0; i < n; ++i) values[i] = names[i].value;
  return values;
}

/// Where the event leads; nothing when it is not legal in that state.
template <Machine M>
[[nodiscard]] constexpr std::optional<typename M::State> next_in(typename M::State from,
                                                                 typename M::Event on) {
  for (const auto& row : M::rows)
    if (row.from == from && row.on == on) return row.to;
  return std::nullopt;
}

}  // namespace workflow::fsm
