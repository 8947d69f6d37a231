#pragma once

#include <cstdint>
#include <string>

// Who rented a pod: `USER@HOST PID`, as PodRow::user_host has it.
namespace workflow::pods {

/// This process.
[[nodiscard]] std::string this_owner();
/// `wf-USER` with this user's name as a provider accepts it.
[[nodiscard]] std::string name_begin();
/// `ana@laptop`.
[[nodiscard]] std::string without_pid(const std::string& owner);

/// `gone` is proof: this machine has no such process, or only one that began later. Of another
/// machine's process nothing is known.
enum class OwnerLife { this_one, alive, gone, unknown };
[[nodiscard]] OwnerLife life_of(const std::string& owner, std::int64_t owned_for_ms);

}  // namespace workflow::pods
