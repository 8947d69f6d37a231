#include "apps/workflow/transfer.h"

#include <algorithm>
#include <cstdio>

#include "common/clock.h"
#include "common/text.h"

namespace workflow::app {
namespace {

constexpr std::int64_t draw_every_ms = 100;

}  // namespace

Transfer::Transfer(Output& out)
    : out_(out), begun_ms_(system_clock().steady_ms()), drawn_ms_(begun_ms_) {}

void Transfer::tell(const std::string& what, std::int64_t bytes, std::int64_t total) {
  const std::int64_t now = system_clock().steady_ms();
  if (now - drawn_ms_ < draw_every_ms) return;
  drawn_ms_ = now;
  const double rate = per_second(bytes);
  std::string text = what + human_bytes(static_cast<double>(bytes)) + " of " +
                     human_bytes(static_cast<double>(total)) + "   " + human_bytes(rate) + "/s";
  if (rate >= 1 && total > bytes) {
    const double left = static_cast<double>(total - bytes) / rate;
    text += "   eta " + human_duration(static_cast<std::int64_t>(left) + 1);
  }
  out_.status(text);
}

double Transfer::seconds() const {
  return static_cast<double>(system_clock().steady_ms() - begun_ms_) / 1000;
}

double Transfer::per_second(std::int64_t bytes) const {
  return static_cast<double>(bytes) / std::max(seconds(), 0.001);
}

std::string Transfer::summary(std::int64_t bytes) const {
  char tenths[32];
  std::snprintf(tenths, sizeof tenths, "%.1f s", seconds());
  return " in " +
         (seconds() < 9.95 ? tenths : human_duration(static_cast<std::int64_t>(seconds()))) +
         (bytes < 1'000'000 ? "" : " (" + human_bytes(per_second(bytes)) + "/s)");
}

std::string counted(std::int64_t n, const std::string& one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

}  // namespace workflow::app
