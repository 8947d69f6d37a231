#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remote/pods/rent.h"

// What a wish may cost. All sums are USD; an end is a time after which the pod is not wanted.
namespace workflow::pods {

/// How long a machine of this price may be kept; nothing without a limit. What is free is limited
/// by the hours alone.
[[nodiscard]] std::optional<std::int64_t> allowed_secs(const RentWish& wish, double price_total_hr);
/// When a machine of this price that is rented at `from_ms` has to end; empty: never.
[[nodiscard]] std::string end_of(const RentWish& wish, double price_total_hr, std::int64_t from_ms);

/// Whether a provider's pods end by nobody but us, and no limit was given for them.
[[nodiscard]] bool lacks_limit(const Provider& provider, const RentWish& wish);
/// Error(refused) that names the flags.
[[noreturn]] void refuse_without_limit(const std::string& providers);

/// Whether the budget lasts until a machine of this price is up; one that is used up before buys
/// nothing.
[[nodiscard]] bool is_affordable(const Offer& offer, const RentWish& wish);
/// Those that are. Error(refused) when it allows none of them.
[[nodiscard]] std::vector<Offer> affordable(std::vector<Offer> offers, const RentWish& wish);

}  // namespace workflow::pods
