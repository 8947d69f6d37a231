#include "client/cost.h"

#include <algorithm>
#include <set>

#include "client/bound_pod.h"
#include "client/results.h"
#include "common/clock.h"
#include "common/error.h"

namespace workflow::client {
namespace {

constexpr double ms_per_hour = 3'600'000;

bool lives(const pods::PodRow& row) {
  return row.held == pods::Held::rented || row.held == pods::Held::ready ||
         row.held == pods::Held::ending;
}

std::int64_t end_of(const pods::PodRow& row, std::int64_t now_ms) {
  return parse_utc(row.ended_at).value_or(now_ms);
}

Json pod_json(const pods::PodRow& row, std::int64_t now_ms) {
  const auto from = parse_utc(row.rented_at);
  const double hours = from ? static_cast<double>(end_of(row, now_ms) - *from) / ms_per_hour : 0.0;
  const double gpus = static_cast<double>(std::max<std::int64_t>(row.gpu_count, 1));
  return {{"name", row.name},
          {"provider", row.provider},
          {"id", row.pod_id},
          {"held", name(row.held)},
          {"wanted", row.wanted},
          {"purpose", row.purpose},
          {"gpu_type", row.gpu_type},
          {"gpu_count", row.gpu_count},
          {"price_total_hr", row.price_total_hr},
          {"price_per_gpu_hr", row.price_total_hr / gpus},
          {"rented_at", row.rented_at},
          {"ended_at", row.ended_at},
          {"ends_at", row.ends_at},
          {"ending", name(row.ending)},
          {"hours", hours},
          {"cost", row.cost(now_ms)}};
}

/// What each run that is going takes of the pod's GPUs at one moment; 1 in all at the most.
std::vector<double> shares(const std::vector<const Use*>& going, double pod_gpus) {
  std::vector<double> parts(going.size(), 1.0 / static_cast<double>(going.size()));
  const bool known = pod_gpus > 0 && std::all_of(going.begin(), going.end(),
                                                 [](const Use* use) { return use->gpus > 0; });
  if (!known) return parts;
  double sum = 0;
  for (std::size_t i = 0; i < going.size(); ++i) sum += parts[i] = going[i]->gpus / pod_gpus;
  for (double& part : parts) part /= std::max(sum, 1.0);
  return parts;
}

Use use_of(const Json& row, std::int64_t now_ms) {
  const Json& gpus = member(row, "gpus");
  return {.run_id = text_at(row, "run_id"),
          .from_ms = parse_utc(text_at(row, "started_at")).value_or(now_ms),
          .to_ms = parse_utc(text_at(row, "ended_at")).value_or(now_ms),
          .gpus = gpus.is_array() ? static_cast<double>(gpus.size()) : 0.0};
}

}  // namespace

std::vector<Shared> share_cost(double usd_per_hour, std::int64_t from_ms, std::int64_t to_ms,
                               double pod_gpus, const std::vector<Use>& uses) {
  std::set<std::int64_t> moments{from_ms, to_ms};
  for (const auto& use : uses) {
    moments.insert(
        {std::clamp(use.from_ms, from_ms, to_ms), std::clamp(use.to_ms, from_ms, to_ms)});
  }
  std::vector<Shared> out;
  for (const auto& use : uses) out.push_back({use.run_id, 0});
  out.push_back({"", 0});
  for (auto at = moments.begin(); std::next(at) != moments.end(); ++at) {
    const double usd = usd_per_hour * static_cast<double>(*std::next(at) - *at) / ms_per_hour;
    std::vector<const Use*> going;
    for (const auto& use : uses) {
      if (use.from_ms <= *at && use.to_ms > *at) going.push_back(&use);
    }
    double left = usd;
    const auto parts = going.empty() ? std::vector<double>{} : shares(going, pod_gpus);
    for (std::size_t i = 0; i < going.size(); ++i) {
      out[static_cast<std::size_t>(going[i] - uses.data())].usd += usd * parts[i];
      left -= usd * parts[i];
    }
    out.back().usd += left;
  }
  return out;
}

Json cost_of_pods() {
  Json out = {{"pods", Json::array()}, {"total", 0.0}, {"per_hour", 0.0}};
  const fs::path file = pods::Ledger::place();
  if (presence(file) != Presence::there) return out;
  const std::int64_t now_ms = system_clock().now_ms();
  double total = 0;
  double per_hour = 0;
  for (const auto& row : pods::Ledger(file).all()) {
    if (row.held == pods::Held::never) continue;
    out["pods"].push_back(pod_json(row, now_ms));
    total += row.cost(now_ms);
    if (lives(row)) per_hour += row.price_total_hr;
  }
  out["total"] = total;
  out["per_hour"] = per_hour;
  return out;
}

Json cost_of_runs(Session& session) {
  const auto pod = pod_of_target(session.settings());
  if (!pod) {
    throw Error(Code::not_found,
                "'" + session.settings().target() +
                    "' was not rented from here; what its runs cost "
                    "is not known",
                "workflow cost shows what was rented");
  }
  const std::int64_t now_ms = system_clock().now_ms();
  const Json results = sweep_results(session, "");
  std::vector<Use> uses;
  Json runs = Json::array();
  for (const auto& row : member(results, "rows")) {
    if (text_at(row, "started_at").empty()) continue;
    uses.push_back(use_of(row, now_ms));
    runs.push_back({{"run_id", text_at(row, "run_id")}, {"state", text_at(row, "state")}});
  }
  const auto shared = share_cost(pod->price_total_hr, parse_utc(pod->rented_at).value_or(now_ms),
                                 end_of(*pod, now_ms), static_cast<double>(pod->gpu_count), uses);
  for (std::size_t i = 0; i < uses.size(); ++i) runs[i]["cost"] = shared[i].usd;
  return {{"pod", pod_json(*pod, now_ms)},
          {"campaign", text_at(member(results, "campaign"), "id")},
          {"runs", std::move(runs)},
          {"idle", shared.back().usd}};
}

}  // namespace workflow::client
