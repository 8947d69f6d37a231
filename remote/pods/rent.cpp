#include "remote/pods/rent.h"

#include <set>

#include "common/text.h"
#include "remote/pods/bring_up.h"
#include "remote/pods/budget.h"
#include "remote/pods/market.h"
#include "remote/pods/owner.h"
#include "remote/pods/rent_steps.h"

namespace workflow::pods {
namespace {

/// One wish, from the first question to a pod that answers.
class Rental {
 public:
  Rental(Renting& renting, const RentWish& wish) : renting_(renting), wish_(wish) {}

  PodRow run() {
    while (const auto held = renting_.ledger.held_for(wish_.binding, wish_.purpose)) {
      if (auto ready = resume(*held)) return *ready;
    }
    const Market market = ask_market(renting_, wish_);
    unasked_ = market.unasked;
    int tried = 0;
    for (const Offer& offer : market.offers) {
      if (closed_.count(offer.provider) != 0 || !is_affordable(offer, wish_)) continue;
      if (++tried > wish_.most_offers) break;
      if (auto ready = rent(offer, tried)) return *ready;
    }
    throw none_worked(wish_, attempts_, unasked_, trouble_);
  }

  /// What the ledger has of the pod that is under way; nothing rented without one.
  [[nodiscard]] PodRow under_way() const {
    PodRow nothing{};
    nothing.held = Held::never;
    return renting_.ledger.find(row_.name).value_or(nothing);
  }

 private:
  /// Goes on with what an earlier call has begun; nothing when that came to nothing, and the row
  /// then is over.
  std::optional<PodRow> resume(const PodRow& held) {
    row_ = held;
    refuse_if_at_work();
    tell(renting_, "resumed", row_, {{"held", name(row_.held)}, {"pod_id", row_.pod_id}});
    offer_ = {.provider = row_.provider,
              .id = {},
              .gpu_type = row_.gpu_type,
              .gpu_count = row_.gpu_count,
              .price_total_hr = row_.price_total_hr};
    if (row_.held == Held::intended) settle_left_intent(renting_, row_);
    if (row_.held == Held::ending) row_ = give_back(renting_, row_);
    if (row_.held == Held::ready) return still_there();
    if (row_.held != Held::rented) return std::nullopt;
    row_.user_host = this_owner();
    // Where another process moves it just now, bring_up() finds that out.
    (void)renting_.ledger.save_if(row_, Held::rented);
    return up_or_back();
  }

  void refuse_if_at_work() const {
    if (!is_at_work(renting_, row_)) return;
    throw Error(Code::busy,
                "'" + row_.name + "' is being rented at " + row_.provider + " by " + row_.user_host,
                "wait for it; workflow pod-list shows it");
  }

  /// A pod that is ready is returned as it is, unless it is proven gone.
  std::optional<PodRow> still_there() {
    const Sighting sighting = look_for(provider_of(renting_, row_.provider), row_);
    if (sighting.seen == Sighting::Seen::there) return row_;
    if (sighting.seen == Sighting::Seen::unknown) {
      throw Error(Code::provider,
                  "whether '" + row_.name + "' is still rented at " + row_.provider +
                      " cannot be found out: " + sighting.why,
                  "nothing else is rented under that doubt; try again");
    }
    row_.held = Held::ended;
    row_.ended_at = now_text(renting_);
    renting_.ledger.save(row_);
    return std::nullopt;
  }

  std::optional<PodRow> rent(const Offer& offer, int number) {
    if (interrupted(renting_)) throw Error(Code::detached, "detached");
    offer_ = offer;
    row_ = intent();
    if (const auto held = renting_.ledger.intend_unless_held(row_)) return resume(*held);
    try {  // whoever hears of the offer may say no, and nothing was asked for yet
      tell(renting_, "offer", row_, {{"number", number}, {"offer", offer_json(offer)}});
      if (interrupted(renting_)) throw Error(Code::detached, "detached");
    } catch (...) {
      never("not wanted");
      throw;
    }
    return create() ? up_or_back() : std::nullopt;
  }

  [[nodiscard]] PodRow intent() const {
    const std::int64_t now = renting_.clock.now_ms();
    const std::string begin = wish_.pod_name.empty() ? name_begin() : wish_.pod_name;
    return {.name = begin + "-" + random_hex(4),
            .provider = offer_.provider,
            .purpose = wish_.purpose,
            .binding = wish_.binding,
            .user_host = this_owner(),
            .query = query_text(wish_.query),
            .gpu_type = offer_.gpu_type,
            .gpu_count = offer_.gpu_count,
            .price_total_hr = offer_.price_total_hr,
            .intended_at = utc_text(now),
            .ends_at = end_of(wish_, offer_.price_total_hr, now),
            .ending = provider_of(renting_, offer_.provider).traits().ending};
  }

  [[nodiscard]] PodRequest request() const {
    return {.name = row_.name,
            .public_key = wish_.public_key,
            .query = wish_.query,
            .image = wish_.image,
            .ends_at = row_.ending == Ending::by_provider ? row_.ends_at : std::string(),
            .ports = wish_.ports,
            .volume = wish_.volume,
            .offer_id = wish_.offer_id};
  }

  /// The one call that costs: made once, and whatever is doubtful about it is settled by listings.
  bool create() {
    Provider& provider = provider_of(renting_, offer_.provider);
    std::string doubt = "its answer has no id";
    try {
      row_.pod_id = provider.create(offer_, request());
    } catch (const ProviderError& error) {
      if (!error.maybe_done()) return refused(error);
      doubt = error.what();
      trouble_ = error.trouble();
    }
    if (row_.pod_id.empty()) {
      row_.last_error = doubt;
      settle_intent(renting_, row_, provider.traits().unseen_ms);
      if (row_.held == Held::never) note(name(trouble_), doubt + "; it was not rented");
      if (row_.held == Held::never) return false;
    } else {
      row_.held = Held::rented;
      row_.rented_at = now_text(renting_);
      renting_.ledger.save(row_);
    }
    tell(renting_, "rented", row_, {{"pod_id", row_.pod_id}, {"ends_at", row_.ends_at}});
    warn_of_no_end(provider.traits());
    return true;
  }

  bool refused(const ProviderError& error) {
    trouble_ = error.trouble();
    const bool whole_account =
        error.trouble() == Trouble::credentials || error.trouble() == Trouble::account;
    if (whole_account) closed_.insert(offer_.provider);
    never(error.what());
    note(name(error.trouble()), error.what());
    return false;
  }

  void never(const std::string& why) {
    row_.held = Held::never;
    row_.last_error = why;
    renting_.ledger.save(row_);
  }

  void warn_of_no_end(const Traits& traits) const {
    if (traits.is_free) return;
    const std::string pod = "'" + row_.name + "' at " + row_.provider;
    if (traits.ending == Ending::only_by_us) {
      warn(renting_, row_,
           "no timer ends " + pod + ": nothing but workflow gc or pod-down does" +
               (row_.ends_at.empty() ? "" : ", gc after " + row_.ends_at));
    } else if (row_.ends_at.empty()) {
      warn(renting_, row_, pod + " has no end: --max-hours sets its timer");
    }
  }

  std::optional<PodRow> up_or_back() {
    const CameUp came = bring_up(renting_, wish_, row_);
    note(came.trouble.empty() ? "ok" : came.trouble, came.text);
    if (came.trouble.empty()) return row_;
    trouble_ = Trouble::provider;
    row_.last_error = came.text;
    row_ = give_back(renting_, row_);
    if (wish_.max_cost) *wish_.max_cost -= row_.cost(renting_.clock.now_ms());
    return std::nullopt;
  }

  void note(std::string_view trouble, const std::string& text) {
    const Attempt attempt{.at = now_text(renting_),
                          .name = row_.name,
                          .offer = offer_,
                          .trouble = std::string(trouble),
                          .text = text};
    renting_.ledger.add(attempt);
    tell(renting_, "attempt", row_, {{"trouble", trouble}, {"text", text}});
    attempts_.push_back(attempt);
  }

  Renting& renting_;
  RentWish wish_;  ///< its max_cost is what is left of it
  Offer offer_{};
  PodRow row_{};  ///< what is under way
  std::vector<Attempt> attempts_{};
  std::vector<std::string> unasked_{};
  std::set<std::string> closed_{};  ///< providers whose account refuses everything
  Trouble trouble_ = Trouble::provider;
};

}  // namespace

PodRow rent(Renting& renting, const RentWish& wish) {
  Rental rental(renting, wish);
  try {
    return rental.run();
  } catch (const Error& error) {
    if (error.code() != Code::detached) throw;
    throw detached_from(rental.under_way());
  }
}

}  // namespace workflow::pods
