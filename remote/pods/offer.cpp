#include "remote/pods/offer.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "common/text.h"

namespace workflow::pods {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string plain_type(std::string_view type) {
  std::string out = lower(type);
  std::ranges::replace_if(
      out, [](char c) { return c == '-' || c == '_'; }, ' ');
  return out;
}

/// Whether `wanted` is in `type`, without cutting a number in two: A100 is not in RTX A1000.
bool holds_type(std::string_view type, std::string_view wanted) {
  const std::string whole = plain_type(type);
  const std::string part = plain_type(wanted);
  if (part.empty()) return true;
  for (std::size_t at = 0; (at = whole.find(part, at)) != std::string::npos; ++at) {
    const std::size_t end = at + part.size();
    const bool begins = at == 0 || !is_digit(part.front()) || !is_digit(whole[at - 1]);
    const bool ends = end == whole.size() || !is_digit(part.back()) || !is_digit(whole[end]);
    if (begins && ends) return true;
  }
  return false;
}

/// The place of a provider in the query's order; nothing when it is not among those.
std::optional<std::size_t> rank(const std::string& provider, const GpuQuery& query) {
  const auto& order = query.providers;
  if (order.empty()) return 0;
  auto found = std::ranges::find(order, provider);
  if (found == order.end()) found = std::ranges::find(order, "*");
  if (found == order.end()) return std::nullopt;
  return static_cast<std::size_t>(found - order.begin());
}

std::string wrong_gpu(const Offer& offer, const GpuQuery& query) {
  if (query.is_cpu()) return offer.gpu_count == 0 ? "" : "has GPUs";
  if (offer.gpu_count == 0) return "has no GPU";
  if (!holds_type(offer.gpu_type, query.type)) return "is no " + query.type;
  if (offer.gpu_count != query.count) return "has " + counted(offer.gpu_count, "GPU");
  if (query.min_vram_gb && offer.vram_gb && *offer.vram_gb < *query.min_vram_gb) {
    return "has " + std::to_string(*offer.vram_gb) + " GB of VRAM";
  }
  if (offer.cuda && *offer.cuda < query.min_cuda) return "has CUDA " + cuda_text(*offer.cuda);
  return {};
}

}  // namespace

double Offer::price_per_gpu_hr() const {
  return gpu_count > 0 ? price_total_hr / static_cast<double>(gpu_count) : price_total_hr;
}

std::string unfit(const Offer& offer, const GpuQuery& query) {
  if (!rank(offer.provider, query)) return "is not of a provider that was asked for";
  if (std::string wrong = wrong_gpu(offer, query); !wrong.empty()) return wrong;
  if (!std::isfinite(offer.price_total_hr) || offer.price_total_hr < 0) return "has no price";
  if (query.max_price && offer.price_per_gpu_hr() > *query.max_price) {
    return "costs " + usd(offer.price_per_gpu_hr()) + (query.is_cpu() ? "/h" : " per GPU and hour");
  }
  if (query.cloud_type != "any" && !offer.cloud_type.empty() &&
      offer.cloud_type != query.cloud_type) {
    return "is of the " + offer.cloud_type + " cloud";
  }
  if (offer.spot && !query.spot) return "may be taken back at any time";
  if (offer.disk_gb && *offer.disk_gb < query.container_disk_gb + query.volume_disk_gb) {
    return "has " + std::to_string(*offer.disk_gb) + " GB of disk";
  }
  return {};
}

std::vector<Offer> chosen(std::vector<Offer> offers, const GpuQuery& query) {
  std::erase_if(offers, [&](const Offer& offer) { return !unfit(offer, query).empty(); });
  const auto key = [&](const Offer& offer) {
    return std::tuple(rank(offer.provider, query), offer.price_per_gpu_hr(),
                      -offer.reliability.value_or(0), std::string_view(offer.id));
  };
  std::ranges::stable_sort(offers, {}, key);
  return offers;
}

Json offer_json(const Offer& offer) {
  const auto known = [](const auto& value) { return value ? Json(*value) : Json(); };
  return {{"provider", offer.provider},
          {"id", offer.id},
          {"gpu_type", offer.gpu_type},
          {"gpu_count", offer.gpu_count},
          {"price_total_hr", offer.price_total_hr},
          {"price_per_gpu_hr", offer.price_per_gpu_hr()},
          {"vram_gb", known(offer.vram_gb)},
          {"cuda", offer.cuda ? Json(cuda_text(*offer.cuda)) : Json()},
          {"cloud_type", offer.cloud_type},
          {"region", offer.region},
          {"reliability", known(offer.reliability)},
          {"disk_gb", known(offer.disk_gb)},
          {"spot", offer.spot}};
}

}  // namespace workflow::pods
