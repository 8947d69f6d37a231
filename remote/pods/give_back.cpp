#include <algorithm>

#include "common/text.h"
#include "remote/pods/rent_steps.h"

namespace workflow::pods {
namespace {

/// One pod on its way out.
class GiveBack {
 public:
  GiveBack(Renting& renting, PodRow row, std::int64_t limit_ms)
      : renting_(renting),
        row_(std::move(row)),
        provider_(provider_of(renting, row_.provider)),
        deadline_(renting.clock.steady_ms() + limit_ms) {}

  PodRow run() {
    if (row_.pod_id.empty() && row_.held == Held::intended) settle_left_intent(renting_, row_);
    if (row_.held == Held::never || row_.held == Held::ended) return row_;
    row_.held = Held::ending;
    row_.wanted = false;
    keep();
    for (Pace pace; !is_gone(); wait(renting_, pace.next())) {
      if (renting_.clock.steady_ms() >= deadline_) give_up();
    }
    row_.held = Held::ended;
    row_.ended_at = now_text(renting_);
    keep();
    tell(renting_, "returned", row_, {{"cost", row_.cost(renting_.clock.now_ms())}});
    return row_;
  }
  [[nodiscard]] const PodRow& row() const { return row_; }

 private:
  /// A pod that this ledger does not know by this id has no row to keep.
  void keep() {
    const auto known = renting_.ledger.find(row_.name);
    if (known && (known->pod_id == row_.pod_id || known->pod_id.empty()))
      renting_.ledger.save(row_);
  }

  /// Asks for its end when that is due, and looks.
  bool is_gone() {
    ask_for_the_end();
    const Sighting sighting = look_for(provider_, row_);
    if (sighting.seen == Sighting::Seen::there) seen_ = true;
    if (sighting.seen == Sighting::Seen::unknown) trouble_ = sighting.why;
    return sighting.seen == Sighting::Seen::gone &&
           (seen_ || absence_is_proof(renting_, row_, provider_));
  }

  /// Providers drop requests and call it success, so it is said again, later and later.
  void ask_for_the_end() {
    const std::int64_t now = renting_.clock.steady_ms();
    if (now < ask_at_) return;
    ask_at_ = now + ask_again_ms_;
    ask_again_ms_ *= 2;
    try {
      provider_.terminate(row_.pod_id);
    } catch (const ProviderError& error) {
      trouble_ = error.what();
    }
  }

  [[noreturn]] void give_up() {
    row_.last_error = "its end is not confirmed" + (trouble_.empty() ? "" : ": " + trouble_);
    keep();
    throw Error(Code::provider,
                row_.provider + " has been asked to end '" + row_.name + "'; " + row_.last_error,
                "it may go on costing " + price_text(row_.price_total_hr) +
                    "; workflow gc goes on with it, and the provider's own page shows it");
  }

  Renting& renting_;
  PodRow row_;
  Provider& provider_;
  std::int64_t deadline_;
  std::int64_t ask_at_ = 0;
  std::int64_t ask_again_ms_ = 5'000;
  bool seen_ = false;
  std::string trouble_{};  ///< of the last question that failed
};

}  // namespace

PodRow give_back(Renting& renting, PodRow row, std::int64_t limit_ms) {
  GiveBack task(renting, std::move(row), limit_ms);
  try {
    return task.run();
  } catch (const Error& error) {
    if (error.code() != Code::detached) throw;
    throw detached_from(task.row());
  }
}

}  // namespace workflow::pods
