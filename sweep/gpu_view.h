#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/json.h"
#include "tasks/gpus.h"
#include "tasks/site.h"

namespace workflow::sweep {

/// The GPUs of this machine as a live view shows them: which there are, how busy they are, and who
/// beside the campaign holds them. nvidia-smi is asked every few seconds at the most, more seldom
/// where it is slow, and not before the second look: the first is to be quick.
class GpuView {
 public:
  void look(const tasks::Site& site, const std::string& campaign);
  /// `[{id, index, name, busy, others}]`, busy in percent; null before the first look and on a
  /// machine without GPUs.
  [[nodiscard]] const Json& json() const { return json_; }

 private:
  std::vector<tasks::Gpu> gpus_;
  Json json_;
  int looks_ = 0;
  std::int64_t next_ms_ = 0;
};

}  // namespace workflow::sweep
