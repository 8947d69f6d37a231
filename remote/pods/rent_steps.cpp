#include "remote/pods/rent_steps.h"

#include <poll.h>

#include <algorithm>

#include "common/text.h"
#include "remote/pods/owner.h"
#include "remote/transport/pause.h"

namespace workflow::pods {
namespace {

/// How long a provider is asked in vain before the doubt is told.
constexpr std::int64_t patience_ms = 120'000;

const Pod* listed(const std::vector<Pod>& pods, const PodRow& row) {
  const Pod* found = nullptr;
  for (const auto& pod : pods) {
    const bool same = row.pod_id.empty() ? pod.name == row.name : pod.id == row.pod_id;
    if (same && (found == nullptr || pod.status != PodStatus::ended)) found = &pod;
  }
  return found;
}

}  // namespace

Provider& provider_of(const Renting& renting, const std::string& name) {
  for (const auto& provider : renting.providers) {
    if (provider->name() == name) return *provider;
  }
  throw Error(Code::precondition, "provider '" + name + "' cannot be asked: it is not set up here",
              "set its credentials; `workflow help gc` names the variables");
}

void wait(const Renting& renting, std::int64_t ms) {
  if (renting.wait) return renting.wait(ms);
  transport::pause(ms, renting.interrupt_fd);
}

bool interrupted(const Renting& renting) {
  pollfd interrupt{renting.interrupt_fd, POLLIN, 0};
  return ::poll(&interrupt, 1, 0) > 0;
}

std::int64_t Pace::next() {
  const std::int64_t now = ms_;
  ms_ = std::min<std::int64_t>(ms_ * 3 / 2, 10'000);
  return now;
}

std::string now_text(const Renting& renting) { return utc_text(renting.clock.now_ms()); }

std::int64_t since(const Renting& renting, const std::string& time) {
  const std::int64_t now = renting.clock.now_ms();
  return std::max<std::int64_t>(0, now - parse_utc(time).value_or(now));
}

bool is_at_work(const Renting& renting, const PodRow& row) {
  if (row.held != Held::intended && row.held != Held::rented) return false;
  const std::int64_t age = since(renting, row.intended_at);
  return age <= longest_rental_ms && life_of(row.user_host, age) == OwnerLife::alive;
}

bool absence_is_proof(const Renting& renting, const PodRow& row, const Provider& provider) {
  const std::string& from = row.rented_at.empty() ? row.intended_at : row.rented_at;
  return row.ssh || !row.ready_at.empty() || since(renting, from) >= provider.traits().unseen_ms;
}

void tell(const Renting& renting, std::string_view event, const PodRow& row, Json more) {
  if (!renting.tell) return;
  more["event"] = event;
  more["name"] = row.name;
  more["provider"] = row.provider;
  more["price_total_hr"] = row.price_total_hr;
  renting.tell(more);
}

void warn(const Renting& renting, const PodRow& row, const std::string& text) {
  tell(renting, "warning", row, {{"text", text}});
}

std::string price_text(double price_total_hr) {
  return price_total_hr <= 0 ? "nothing" : usd(price_total_hr) + "/h";
}

Error detached_from(const PodRow& row) {
  const std::string pod = "'" + row.name + "' at " + row.provider;
  const std::string price = price_text(row.price_total_hr);
  const std::string details = dump_json({{"pod", row.name},
                                         {"provider", row.provider},
                                         {"pod_id", row.pod_id},
                                         {"held", name(row.held)},
                                         {"price_total_hr", row.price_total_hr}});
  switch (row.held) {
    case Held::never:
    case Held::ended:
      return Error(Code::detached, "detached; nothing is rented");
    case Held::intended:
      return Error(Code::detached,
                   "detached; whether " + pod + " was rented is not known; it would cost " + price,
                   "the same command, or workflow gc, finds it out", details);
    case Held::rented:
    case Held::ready:
      return Error(Code::detached, "detached; " + pod + " is rented and costs " + price,
                   "the same command goes on with it; workflow gc ends it", details);
    case Held::ending:
      return Error(Code::detached,
                   "detached; " + pod + " was asked to end, and it is not known whether it has; " +
                       "it may go on costing " + price,
                   "workflow gc goes on with it", details);
  }
  bug("a state of a rented pod without words");
}

Sighting look_for(Provider& provider, const PodRow& row) try {
  if (!row.pod_id.empty()) {
    auto pod = provider.describe(row.pod_id);
    if (pod && pod->status != PodStatus::ended) return {Sighting::Seen::there, std::move(pod), {}};
  }
  const auto pods = provider.list();
  const Pod* pod = listed(pods, row);
  if (pod == nullptr || pod->status == PodStatus::ended) return {Sighting::Seen::gone, {}, {}};
  return {Sighting::Seen::there, *pod, {}};
} catch (const ProviderError& error) {
  return {Sighting::Seen::unknown, {}, error.what()};
}

void settle_intent(Renting& renting, PodRow& row, std::int64_t unseen_ms) {
  Provider& provider = provider_of(renting, row.provider);
  const std::int64_t proof = renting.clock.steady_ms() + unseen_ms;
  for (Pace pace;; wait(renting, pace.next())) {
    const std::int64_t asked = renting.clock.steady_ms();
    Sighting sighting = look_for(provider, row);
    if (sighting.seen == Sighting::Seen::there) {
      row.pod_id = sighting.pod->id;
      row.held = Held::rented;
      row.rented_at = row.intended_at;
      return renting.ledger.save(row);
    }
    if (sighting.seen == Sighting::Seen::gone && asked >= proof) {
      row.held = Held::never;
      if (!renting.ledger.save_if(row, Held::intended)) row = *renting.ledger.find(row.name);
      return;
    }
    if (sighting.seen == Sighting::Seen::unknown) row.last_error = sighting.why;
    if (asked < proof + patience_ms) continue;
    renting.ledger.save(row);
    throw Error(Code::provider,
                "whether '" + row.name + "' was rented at " + row.provider + " (" +
                    price_text(row.price_total_hr) + ") cannot be found out: " + row.last_error,
                "nothing else is rented under that doubt; workflow gc looks again");
  }
}

void settle_left_intent(Renting& renting, PodRow& row) {
  const std::int64_t unseen = provider_of(renting, row.provider).traits().unseen_ms;
  settle_intent(renting, row, std::max<std::int64_t>(0, unseen - since(renting, row.intended_at)));
}

}  // namespace workflow::pods
