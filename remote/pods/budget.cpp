#include "remote/pods/budget.h"

#include <algorithm>

#include "common/text.h"
#include "remote/pods/rent_steps.h"

namespace workflow::pods {
namespace {

constexpr double longest_secs = 1e9;  ///< a machine for nearly nothing: no number overflows

std::optional<std::int64_t> paid_secs(const RentWish& wish, double price_total_hr) {
  if (!wish.max_cost || price_total_hr <= 0) return std::nullopt;
  const double secs = std::max(0.0, *wish.max_cost) / price_total_hr * 3600;
  return static_cast<std::int64_t>(std::min(secs, longest_secs));
}

}  // namespace

std::optional<std::int64_t> allowed_secs(const RentWish& wish, double price_total_hr) {
  const auto paid = paid_secs(wish, price_total_hr);
  if (!paid || !wish.max_secs) return paid ? paid : wish.max_secs;
  return std::min(*paid, *wish.max_secs);
}

std::string end_of(const RentWish& wish, double price_total_hr, std::int64_t from_ms) {
  const auto secs = allowed_secs(wish, price_total_hr);
  return secs ? utc_text(from_ms + *secs * 1000) : std::string();
}

bool lacks_limit(const Provider& provider, const RentWish& wish) {
  const Traits traits = provider.traits();
  return !traits.is_free && traits.ending == Ending::only_by_us && !wish.max_secs && !wish.max_cost;
}

void refuse_without_limit(const std::string& providers) {
  throw Error(Code::refused,
              "without --max-hours or --max-cost nothing is rented at " + providers +
                  ", where no timer ends a pod",
              "give one of them; only workflow gc and pod-down end such a pod then");
}

bool is_affordable(const Offer& offer, const RentWish& wish) {
  const auto paid = paid_secs(wish, offer.price_total_hr);
  const std::int64_t needed = wish.ready_limit_ms / 1000;
  return !paid || *paid >= std::min(needed, wish.max_secs.value_or(needed));
}

std::vector<Offer> affordable(std::vector<Offer> offers, const RentWish& wish) {
  if (offers.empty()) return offers;
  const Offer cheapest = *std::min_element(
      offers.begin(), offers.end(),
      [](const Offer& a, const Offer& b) { return a.price_total_hr < b.price_total_hr; });
  std::erase_if(offers, [&](const Offer& offer) { return !is_affordable(offer, wish); });
  if (!offers.empty()) return offers;
  throw Error(Code::refused,
              usd(*wish.max_cost) + " (--max-cost) buys " +
                  human_duration(*paid_secs(wish, cheapest.price_total_hr)) +
                  " of the cheapest machine, " + price_text(cheapest.price_total_hr) + " at " +
                  cheapest.provider + "; to come up it may take " +
                  human_duration(wish.ready_limit_ms / 1000),
              "raise --max-cost, or ask for less; nothing was rented");
}

}  // namespace workflow::pods
