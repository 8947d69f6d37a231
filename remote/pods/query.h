#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace workflow::pods {

/// A CUDA version, compared as numbers: 12.10 is newer than 12.4.
struct CudaVersion {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const CudaVersion&, const CudaVersion&) = default;
};
/// `12`, `12.4` or `12.4.1`; nothing for anything else.
[[nodiscard]] std::optional<CudaVersion> parse_cuda(std::string_view text);
[[nodiscard]] std::string cuda_text(const CudaVersion& version);

/// What machine is wanted. Written `KEY=VALUE[,KEY=VALUE]` with the members' names as keys;
/// `providers=A,B,*` takes the words behind it that have no `=`.
struct GpuQuery {
  /// Contained in the offer's GPU type, in any case, `-` and `_` as spaces, each number as a whole
  /// (A100 is not in A1000); `cpu`: no GPU.
  std::string type = "A100";
  std::int64_t count = 1;                     ///< GPUs; of no meaning for `cpu`
  std::optional<double> max_price{};          ///< USD per GPU and hour; of `cpu` for the machine
  std::optional<std::int64_t> min_vram_gb{};  ///< of each GPU
  std::string cloud_type = "secure";          ///< secure, community or any
  CudaVersion min_cuda{12, 0};                ///< of the driver; looked at on the host, too
  std::int64_t container_disk_gb = 100;
  std::int64_t volume_disk_gb = 0;
  std::vector<std::string> providers{};  ///< best first, `*`: all others; empty: no preference
  bool spot = false;                     ///< the provider may take it back at any time

  [[nodiscard]] bool is_cpu() const;
};

/// What is wrong with a query: every fault, its column counted from 1. Empty: nothing.
[[nodiscard]] std::vector<Fault> query_faults(std::string_view text, std::string_view flag);
/// Reads a query. Error(usage) with every fault at once, each naming `flag`, the column and the
/// nearest key.
[[nodiscard]] GpuQuery parse_query(std::string_view text, std::string_view flag);
/// The text that means the same; what is at its default is left out.
[[nodiscard]] std::string query_text(const GpuQuery& query);

}  // namespace workflow::pods
