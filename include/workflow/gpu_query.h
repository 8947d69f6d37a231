#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace workflow {

/// What machine is to be rented. The defaults are those of `workflow job-run --provision`.
struct GpuQuery {
  std::string type = "A100";  ///< contained in the GPU's name, in any case; `cpu`: no GPU
  std::int64_t count = 1;
  std::optional<double> max_price{};          ///< USD per GPU and hour; of `cpu` for the machine
  std::optional<std::int64_t> min_vram_gb{};  ///< of each GPU
  std::string cloud_type = "secure";          ///< secure, community or any
  std::string min_cuda = "12.0";              ///< of the driver, compared as numbers
  std::int64_t container_disk_gb = 100;
  std::int64_t volume_disk_gb = 0;       ///< above 0, downloads of models outlive the job there
  std::vector<std::string> providers{};  ///< best first, `*`: all others; empty: no preference
  bool spot = false;                     ///< the provider may take it back at any time
};

}  // namespace workflow
