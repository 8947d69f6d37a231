#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "remote/pods/query.h"

namespace workflow::pods {

/// A machine that a provider would rent now. Prices are USD an hour, of the whole machine; nothing
/// in this tree multiplies or divides them but price_per_gpu_hr().
struct Offer {
  std::string provider;
  std::string id;        ///< as the provider calls it; create() understands it
  std::string gpu_type;  ///< `NVIDIA A100 80GB PCIe`; empty: no GPU
  std::int64_t gpu_count = 0;
  double price_total_hr = 0;
  std::optional<std::int64_t> vram_gb{};  ///< of each GPU; unknown without a value
  std::optional<CudaVersion> cuda{};      ///< of the driver; unknown without a value
  std::string cloud_type{};               ///< secure, community; empty: not told
  std::string region{};
  std::optional<double> reliability{};  ///< 0 to 1
  std::optional<std::int64_t> disk_gb{};
  bool spot = false;
  Json detail = Json::object();  ///< what create() needs beside the id; its provider's own

  /// Of one GPU; of the machine where it has none.
  [[nodiscard]] double price_per_gpu_hr() const;
};

/// Why an offer is not what is wanted, in a few words; empty when it is. What is not known about an
/// offer does not speak against it: the host is looked at after it is rented.
[[nodiscard]] std::string unfit(const Offer& offer, const GpuQuery& query);

/// Those that fit, best first: the query's order of providers, price, reliability, id.
[[nodiscard]] std::vector<Offer> chosen(std::vector<Offer> offers, const GpuQuery& query);

/// `provider`, `id`, `gpu_type`, `gpu_count`, `price_total_hr`, `price_per_gpu_hr`, `vram_gb`,
/// `cuda`, `cloud_type`, `region`, `reliability`, `disk_gb`, `spot`.
[[nodiscard]] Json offer_json(const Offer& offer);

}  // namespace workflow::pods
