#include <algorithm>
#include <map>

#include "common/text.h"
#include "remote/pods/owner.h"
#include "remote/pods/rent_steps.h"

namespace workflow::pods {
namespace {

class Reviewer {
 public:
  explicit Reviewer(Renting& renting) : renting_(renting) {}

  Review run() {
    std::vector<PodRow> rows = renting_.ledger.all();
    std::erase_if(rows, [](const PodRow& row) { return row.over(); });
    for (const auto& provider : renting_.providers) list(*provider);
    for (auto& row : rows) {
      settle(row);
      if (row.over()) continue;
      judge(row);
      review_.live.push_back(std::move(row));
    }
    for (const auto& [provider, pods] : listed_) strangers(pods);
    return std::move(review_);
  }

 private:
  void list(Provider& provider) {
    try {
      listed_[provider.name()] = provider.list();
    } catch (const ProviderError& error) {
      unasked(provider.name(), error.what());
    }
  }

  void unasked(const std::string& provider, const std::string& why) {
    const std::string text = provider + ": " + why;
    auto& all = review_.unasked;
    if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
  }

  [[nodiscard]] Provider* provider(const std::string& name) const {
    for (const auto& one : renting_.providers) {
      if (one->name() == name) return one.get();
    }
    return nullptr;
  }

  /// Writes into the row what the listing proves of it, and nothing else.
  void settle(PodRow& row) {
    const auto pods = listed_.find(row.provider);
    Provider* asked = provider(row.provider);
    if (asked == nullptr) return unasked(row.provider, "it is not set up here");
    if (pods == listed_.end()) return;
    const auto found = std::find_if(pods->second.begin(), pods->second.end(), [&](const Pod& pod) {
      return row.pod_id.empty() ? pod.name == row.name : pod.id == row.pod_id;
    });
    if (found != pods->second.end() && found->status != PodStatus::ended) return add(row, *found);
    if (row.held == Held::intended) return settle_absent_intent(row, *asked);
    settle_absent(row, *asked);
  }

  void add(PodRow& row, const Pod& pod) {
    const Held before = row.held;
    row.pod_id = pod.id;
    if (pod.ssh) row.ssh = pod.ssh;
    if (pod.price_total_hr) row.price_total_hr = *pod.price_total_hr;
    if (pod.status == PodStatus::stopped || pod.status == PodStatus::failed) {
      row.last_error = row.provider + " says: " + std::string(name(pod.status)) +
                       (pod.status_text.empty() ? "" : " (" + pod.status_text + ")") +
                       "; it may cost all the same";
    }
    if (before != Held::intended) return;
    // Its renter may be at work; then it writes the same itself.
    row.held = Held::rented;
    row.rented_at = row.intended_at;
    move(row, before);
  }

  void settle_absent_intent(PodRow& row, const Provider& asked) {
    const std::int64_t age = since(renting_, row.intended_at);
    if (is_at_work(renting_, row) || age < asked.traits().unseen_ms) return;
    row.held = Held::never;
    move(row, Held::intended);
  }

  void settle_absent(PodRow& row, Provider& asked) {
    if (!absence_is_proof(renting_, row, asked)) return;
    // The listing may be a little old: the pod itself is asked, too.
    if (look_for(asked, row).seen != Sighting::Seen::gone) return;
    const Held before = row.held;
    row.held = Held::ended;
    row.ended_at = now_text(renting_);
    move(row, before);
  }

  void move(PodRow& row, Held from) {
    if (!renting_.ledger.save_if(row, from)) row = renting_.ledger.find(row.name).value();
  }

  void judge(const PodRow& row) {
    bool may_work = false;
    const std::string why = doubt_about(row, may_work);
    if (!why.empty()) review_.orphans.push_back({.row = row, .why = why, .may_work = may_work});
  }

  [[nodiscard]] std::string doubt_about(const PodRow& row, bool& may_work) const {
    const std::string who = without_pid(row.user_host);
    const std::string& from = row.rented_at.empty() ? row.intended_at : row.rented_at;
    const std::string rented =
        "rented " + human_duration(since(renting_, from) / 1000) + " ago by " + who;
    may_work = row.held == Held::ready;
    if (row.held == Held::ending) return "was to be ended, and " + row.provider + " still has it";
    if (!row.wanted) return rented + ", who is done with it";
    const auto end = parse_utc(row.ends_at);
    if (end && renting_.clock.now_ms() >= *end) return "was to end at " + row.ends_at;
    const std::int64_t age = since(renting_, row.intended_at);
    const OwnerLife life = life_of(row.user_host, age);
    if (row.held == Held::ready) {
      const bool of_job = row.purpose.rfind("job ", 0) == 0;
      return of_job && life == OwnerLife::gone ? rented + ", whose job-run has gone" : "";
    }
    if (life == OwnerLife::gone) return rented + ", whose command has gone before it was ready";
    return age > longest_rental_ms ? rented + ", and has not become ready since" : "";
  }

  /// The ledger has it as over, and its provider lists it: it lives and costs.
  void revive(PodRow row) {
    const Held before = row.held;
    row.held = row.wanted && !row.ready_at.empty() ? Held::ready : Held::ending;
    row.ended_at.clear();
    row.last_error = "it was taken for ended, and " + row.provider + " lists it";
    move(row, before);
    judge(row);
    review_.live.push_back(std::move(row));
  }

  /// Pods with names like ours that stand in no row, or not with this id.
  void strangers(const std::vector<Pod>& pods) {
    for (const auto& pod : pods) {
      if (pod.name.rfind("wf-", 0) != 0 || pod.status == PodStatus::ended) continue;
      const auto known = renting_.ledger.find(pod.provider, pod.id);
      if (known && known->over()) {
        revive(*known);
        continue;
      }
      const auto named = renting_.ledger.find(pod.name);
      if (known || (named && (named->pod_id == pod.id || named->pod_id.empty()))) continue;
      PodRow row;
      row.name = pod.name;
      row.provider = pod.provider;
      row.pod_id = pod.id;
      row.price_total_hr = pod.price_total_hr.value_or(0);
      review_.orphans.push_back(
          {.row = row,
           .why = named ? "a second pod of that name: this ledger knows " + named->pod_id
                        : "its name is like ours, and this ledger does not "
                          "know it: it may be another machine's",
           .ours = false,
           .may_work = true});
    }
  }

  Renting& renting_;
  Review review_{};
  std::map<std::string, std::vector<Pod>> listed_{};
};

}  // namespace

PodRow settle(Renting& renting, PodRow row) {
  Provider& provider = provider_of(renting, row.provider);
  const Sighting sighting = look_for(provider, row);
  const bool gone = sighting.seen == Sighting::Seen::gone;
  if (sighting.seen == Sighting::Seen::unknown ||
      (gone && !absence_is_proof(renting, row, provider))) {
    throw ProviderError(Trouble::provider,
                        row.provider + " cannot say how '" + row.name + "' is" +
                            (sighting.why.empty() ? "" : ": " + sighting.why),
                        "nothing is assumed; workflow pod-list --orphans asks again");
  }
  const Held before = row.held;
  if (gone) {
    row.held = Held::ended;
    row.ended_at = now_text(renting);
  } else if (sighting.pod && sighting.pod->ssh) {
    row.ssh = sighting.pod->ssh;
  }
  if (!renting.ledger.save_if(row, before)) return renting.ledger.find(row.name).value();
  return row;
}

Review review(Renting& renting) { return Reviewer(renting).run(); }

}  // namespace workflow::pods
