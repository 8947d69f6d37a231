#include "remote/pods/bring_up.h"

#include <algorithm>
#include <cmath>

#include "common/text.h"
#include "remote/pods/budget.h"
#include "remote/pods/rent_steps.h"

namespace workflow::pods {
namespace {

/// Providers round the end that they were given.
constexpr std::int64_t timer_slack_ms = 60'000;

/// What the host is not that was asked for; empty: it is.
std::string unfit_host(const HostLook& look, const GpuQuery& query) {
  if (query.is_cpu()) return {};
  if (look.gpu_count >= 0 && look.gpu_count < query.count) {
    return "it has " + counted(look.gpu_count, "GPU") + " where " + std::to_string(query.count) +
           " were asked for";
  }
  if (look.cuda && *look.cuda < query.min_cuda) {
    return "its driver's CUDA is " + cuda_text(*look.cuda) + ", below min_cuda " +
           cuda_text(query.min_cuda);
  }
  return {};
}

class BringUp {
 public:
  BringUp(Renting& renting, const RentWish& wish, PodRow& row)
      : renting_(renting),
        wish_(wish),
        row_(row),
        provider_(provider_of(renting, row.provider)),
        deadline_(renting.clock.steady_ms() + wish.ready_limit_ms) {}

  CameUp run() {
    tell(renting_, "booting", row_);
    for (Pace pace;; wait(renting_, std::min(pace.next(), left_ms()))) {
      const auto done = step();
      if (done) return *done;
      if (left_ms() > 0) continue;
      return {"not_up", "it did not answer within " + human_duration(wish_.ready_limit_ms / 1000) +
                            (last_.empty() ? "" : ": " + last_)};
    }
  }

 private:
  [[nodiscard]] std::int64_t left_ms() const {
    return std::max<std::int64_t>(0, deadline_ - renting_.clock.steady_ms());
  }

  /// One question to the provider and, where there is an address, one to the host.
  std::optional<CameUp> step() {
    Sighting sighting = look_for(provider_, row_);
    if (sighting.seen == Sighting::Seen::unknown) last_ = sighting.why;
    if (sighting.seen == Sighting::Seen::gone) return missing();
    if (!sighting.pod) return std::nullopt;
    seen_ = true;
    const Pod& pod = *sighting.pod;
    if (const auto dead = ended_badly(pod)) return dead;
    take(pod);
    if (std::string dear = too_dear(); !dear.empty()) return CameUp{"price", std::move(dear)};
    if (row_.held == Held::ready) return CameUp{};
    if (row_.ssh) return look();
    last_ = pod.no_ssh_reason.empty() ? "it has no address yet" : pod.no_ssh_reason;
    return std::nullopt;
  }

  std::optional<CameUp> missing() {
    const bool proven =
        seen_ || row_.ssh || since(renting_, row_.rented_at) >= provider_.traits().unseen_ms;
    if (proven) return CameUp{"gone", row_.provider + " does not know it any more"};
    last_ = row_.provider + " does not list it yet";
    return std::nullopt;
  }

  [[nodiscard]] static std::optional<CameUp> ended_badly(const Pod& pod) {
    switch (pod.status) {
      case PodStatus::starting:
      case PodStatus::running:
      case PodStatus::unknown:
        return std::nullopt;
      case PodStatus::stopped:
      case PodStatus::ending:
      case PodStatus::ended:
      case PodStatus::failed:
        return CameUp{"failed", "it is " + std::string(name(pod.status)) +
                                    (pod.status_text.empty() ? "" : ": " + pod.status_text)};
    }
    bug("a pod's status without a judgement");
  }

  /// What the provider tells goes into the row.
  void take(const Pod& pod) {
    bool news = false;
    if (pod.price_total_hr && std::abs(*pod.price_total_hr - row_.price_total_hr) > 0.005) {
      take_price(*pod.price_total_hr);
      news = true;
    }
    keep_timer(pod);
    if (pod.ssh && pod.ssh != row_.ssh) {
      row_.ssh = pod.ssh;
      news = true;
      tell(renting_, "address", row_, {{"host", pod.ssh->host}, {"port", pod.ssh->port}});
    }
    if (news) keep(row_.held);
  }

  /// Its price may have risen since its offer: more than was agreed to is not paid.
  [[nodiscard]] std::string too_dear() const {
    const auto most = wish_.query.max_price;
    const double each =
        row_.price_total_hr / static_cast<double>(std::max<std::int64_t>(row_.gpu_count, 1));
    if (most && each > *most) return "it costs " + price_text(each) + " where max_price is less";
    const auto secs = allowed_secs(wish_, row_.price_total_hr);
    if (!wish_.max_cost || !secs || *secs * 1000 >= wish_.ready_limit_ms) return {};
    return "--max-cost buys only " + human_duration(*secs) + " of it at " +
           price_text(row_.price_total_hr);
  }

  void take_price(double price_total_hr) {
    warn(renting_, row_,
         row_.provider + " asks " + price_text(price_total_hr) + " where its offer said " +
             price_text(row_.price_total_hr));
    row_.price_total_hr = price_total_hr;
    const auto from = parse_utc(row_.rented_at).value_or(renting_.clock.now_ms());
    const std::string end = end_of(wish_, price_total_hr, from);
    if (end.empty() || (!row_.ends_at.empty() && end >= row_.ends_at)) return;
    row_.ends_at = end;
  }

  /// The provider's own timer, where it did not take it with the request.
  void keep_timer(const Pod& pod) {
    if (row_.ending != Ending::by_provider || row_.ends_at.empty() || ends_in_time(pod)) return;
    try {
      provider_.set_end(row_.pod_id, row_.ends_at);
    } catch (const ProviderError& error) {
      timer_trouble_ = error.what();
    }
  }

  [[nodiscard]] bool ends_in_time(const Pod& pod) const {
    const auto wanted = parse_utc(row_.ends_at);
    const auto found = parse_utc(pod.ends_at);
    return wanted && found && *found <= *wanted + timer_slack_ms;
  }

  std::optional<CameUp> look() {
    const HostLook found = renting_.look(row_);
    last_ = found.why_not;
    if (found.never_will) return CameUp{"not_up", found.why_not};
    if (!found.answers) return std::nullopt;
    if (std::string unfit = unfit_host(found, wish_.query); !unfit.empty()) {
      return CameUp{"unfit", std::move(unfit)};
    }
    verify_timer(found);
    row_.ready_at = now_text(renting_);
    row_.last_error.clear();
    keep(Held::ready);
    tell(renting_, "ready", row_,
         {{"gpu_count", found.gpu_count}, {"cuda", found.cuda ? cuda_text(*found.cuda) : ""}});
    return CameUp{};
  }

  /// Only what the provider, or the pod, says itself is a timer.
  void verify_timer(const HostLook& found) {
    if (row_.ends_at.empty()) return;
    if (row_.ending == Ending::by_provider) {
      const Sighting sighting = look_for(provider_, row_);
      if (sighting.pod && ends_in_time(*sighting.pod)) return;
      no_timer(row_.provider + " has not taken the timer" +
               (timer_trouble_.empty() ? "" : " (" + timer_trouble_ + ")"));
    } else if (row_.ending == Ending::by_pod_key && !found.no_timer.empty()) {
      no_timer("the pod has no timer: " + found.no_timer);
    }
  }

  void no_timer(const std::string& why) {
    row_.ending = Ending::only_by_us;
    warn(renting_, row_, why + "; nothing but workflow gc or pod-down ends '" + row_.name + "'");
  }

  /// Another process may have ended the pod, or have brought it up, while this one waited.
  void keep(Held held) {
    const Held before = row_.held;
    row_.held = held;
    if (renting_.ledger.save_if(row_, before)) return;
    row_ = renting_.ledger.find(row_.name).value();
    if (row_.held == Held::ready) return;
    throw Error(Code::busy, "another process is ending '" + row_.name + "' at " + row_.provider,
                "workflow pod-list shows what becomes of it");
  }

  Renting& renting_;
  const RentWish& wish_;
  PodRow& row_;
  Provider& provider_;
  std::int64_t deadline_;
  bool seen_ = false;
  std::string last_{};  ///< why it is not ready yet
  std::string timer_trouble_{};
};

}  // namespace

CameUp bring_up(Renting& renting, const RentWish& wish, PodRow& row) {
  return BringUp(renting, wish, row).run();
}

}  // namespace workflow::pods
