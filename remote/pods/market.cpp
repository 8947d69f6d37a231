#include "remote/pods/market.h"

#include <iterator>

#include "common/text.h"
#include "remote/pods/budget.h"
#include "remote/pods/rent_steps.h"

namespace workflow::pods {
namespace {

std::string machine(const Offer& offer) {
  const std::string gpus =
      offer.gpu_type.empty() ? "cpu" : std::to_string(offer.gpu_count) + " x " + offer.gpu_type;
  return offer.provider + "  " + gpus + "  " + price_text(offer.price_total_hr);
}

std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += "\n  " + text;
  return all;
}

/// What was asked for; what is at its default is not written.
std::string words_of(const GpuQuery& query) {
  const std::string text = query_text(query);
  return "'" + (text.empty() ? "type=" + query.type : text) + "'";
}

/// What all providers have, and what was the trouble with the last that did not answer.
struct Asked {
  std::vector<Offer> offers{};
  std::vector<std::string> unasked{};
  std::vector<std::string> unlimited{};  ///< providers that need a limit
  Trouble trouble = Trouble::no_capacity;
};

Asked ask_all(const Renting& renting, const RentWish& wish) {
  Asked asked;
  for (const auto& provider : renting.providers) {
    if (interrupted(renting)) throw Error(Code::detached, "detached");
    if (lacks_limit(*provider, wish)) {
      asked.unlimited.push_back(provider->name());
      asked.unasked.push_back(provider->name() + ": needs --max-hours or --max-cost");
      continue;
    }
    try {
      auto some = provider->offers(wish.query);
      asked.offers.insert(asked.offers.end(), std::make_move_iterator(some.begin()),
                          std::make_move_iterator(some.end()));
    } catch (const ProviderError& error) {
      asked.trouble = error.trouble();
      asked.unasked.push_back(provider->name() + ": " + error.what());
    }
  }
  return asked;
}

}  // namespace

Market ask_market(const Renting& renting, const RentWish& wish) {
  Asked asked = ask_all(renting, wish);
  if (!asked.unlimited.empty() && asked.unlimited.size() == renting.providers.size()) {
    refuse_without_limit(join(asked.unlimited, ", "));
  }
  const std::size_t seen = asked.offers.size();
  auto fitting = chosen(std::move(asked.offers), wish.query);
  if (!wish.offer_id.empty()) {
    std::erase_if(fitting, [&](const Offer& offer) { return offer.id != wish.offer_id; });
  }
  if (fitting.empty()) {
    throw ProviderError(asked.trouble,
                        "of " + counted(static_cast<std::int64_t>(seen), "offer") + " none fits " +
                            words_of(wish.query) + lines(asked.unasked),
                        "workflow pod-offers shows what there is");
  }
  return {affordable(std::move(fitting), wish), std::move(asked.unasked)};
}

ProviderError none_worked(const RentWish& wish, const std::vector<Attempt>& attempts,
                          const std::vector<std::string>& unasked, Trouble trouble) {
  Json list = Json::array();
  std::vector<std::string> texts;
  for (const auto& attempt : attempts) {
    list.push_back({{"at", attempt.at},
                    {"name", attempt.name},
                    {"offer", offer_json(attempt.offer)},
                    {"trouble", attempt.trouble},
                    {"text", attempt.text}});
    texts.push_back(machine(attempt.offer) + "  " + attempt.trouble + ": " + attempt.text);
  }
  return ProviderError(
      trouble,
      "nothing could be rented for " + words_of(wish.query) + "; " +
          counted(static_cast<std::int64_t>(attempts.size()), "offer") + " tried" + lines(texts) +
          lines(unasked),
      "nothing of it is rented now; workflow pod-offers shows what there is", false,
      dump_json({{"attempts", list}, {"unasked", unasked}, {"trouble", name(trouble)}}));
}

}  // namespace workflow::pods
