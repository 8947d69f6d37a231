#include "common/clock.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace workflow {
namespace {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t now_ms() const override {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  }
  [[nodiscard]] std::int64_t steady_ms() const override {
#ifdef CLOCK_BOOTTIME
    timespec time{};
    ::clock_gettime(CLOCK_BOOTTIME, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000;
#else
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
#endif
  }
};

std::tm utc_fields(std::int64_t ms) {
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm fields{};
  ::gmtime_r(&seconds, &fields);
  return fields;
}

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

std::string utc_text(std::int64_t ms) {
  const std::tm t = utc_fields(ms);
  std::array<char, 80> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900,
                t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec,
                static_cast<int>(ms % 1000));
  return out.data();
}

std::string utc_stamp(std::int64_t ms) {
  const std::tm t = utc_fields(ms);
  std::array<char, 80> out{};
  std::snprintf(out.data(), out.size(), "%04d%02d%02dT%02d%02d%02dZ", t.tm_year + 1900,
                t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
  return out.data();
}

std::optional<std::int64_t> parse_utc(std::string_view text) {
  std::tm t{};
  int ms = 0;
  char zone = 0;
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c", &t.tm_year, &t.tm_mon, &t.tm_mday,
                  &t.tm_hour, &t.tm_min, &t.tm_sec, &ms, &zone) != 8 ||
      zone != 'Z') {
    return std::nullopt;
  }
  t.tm_year -= 1900;
  t.tm_mon -= 1;
  const std::int64_t found = static_cast<std::int64_t>(::timegm(&t)) * 1000 + ms;
  // timegm() takes a 13th month for January.
  return utc_text(found) == text ? std::optional(found) : std::nullopt;
}

}  // namespace workflow
