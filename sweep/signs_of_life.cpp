#include "sweep/signs_of_life.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "common/fd_io.h"
#include "sweep/metrics.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t first_bytes = 64 * 1024;
constexpr std::int64_t most_bytes = 256 * 1024;
constexpr std::size_t longest_line = 64 * 1024;

constexpr const char* usual_patterns =
    "step=(?:step|Step|iter|iteration|epoch|Epoch); loss=[A-Za-z_]*[Ll]oss";

bool is_step(const std::string& key) {
  constexpr std::array<const char*, 5> names{"step", "global_step", "_step", "iteration", "iter"};
  return std::ranges::find(names, key) != names.end();
}

/// The bytes from `offset` up to `end`.
std::string read_between(int fd, std::int64_t offset, std::int64_t end) {
  std::string bytes(static_cast<std::size_t>(end - offset), '\0');
  const ssize_t n = ::pread(fd, bytes.data(), bytes.size(), offset);
  bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return bytes;
}

}  // namespace

std::int64_t NewLines::read(const std::function<void(std::string_view, std::int64_t)>& take) {
  const UniqueFd fd = open_regular(file_);
  struct stat info {};
  if (!fd.valid() || ::fstat(fd.get(), &info) != 0) return 0;
  const auto size = static_cast<std::int64_t>(info.st_size);
  std::int64_t from = offset_.value_or(std::max<std::int64_t>(0, size - first_bytes));
  if (size < from) from = 0;  // begun anew
  if (from < size - most_bytes) from = size - most_bytes;
  if (from != offset_) {
    begun_.clear();
    torn_ = from > 0;
  }
  const std::string bytes = read_between(fd.get(), from, size);
  offset_ = from + static_cast<std::int64_t>(bytes.size());
  std::int64_t at = from - static_cast<std::int64_t>(begun_.size());
  std::string_view rest = begun_ += bytes;
  for (auto end = rest.find_first_of("\r\n"); end != std::string_view::npos;
       end = rest.find_first_of("\r\n")) {
    if (end > 0 && end <= longest_line && !torn_) take(rest.substr(0, end), at);
    torn_ = false;
    rest.remove_prefix(end + 1);
    at += static_cast<std::int64_t>(end) + 1;
  }
  begun_ = std::string(rest);
  if (begun_.size() > longest_line) {
    begun_.clear();
    torn_ = true;
  }
  return size;
}

SignReader::SignReader(const fs::path& dir, MetricPatterns declared)
    : metrics_(dir / "metrics.jsonl"),
      log_(dir / "stdout.log"),
      declared_(std::move(declared)),
      usual_(declared_.empty() ? usual_patterns : "") {}

void SignReader::points_of(const std::vector<MetricValue>& values, const std::string& where,
                           Signs& signs) {
  for (const auto& [key, value] : values) {
    if (is_step(key) && std::isfinite(value)) step_ = value;
  }
  for (const auto& [key, value] : values) {
    if (!is_step(key)) signs.points.push_back({key, value, step_, where});
  }
}

Signs SignReader::read(const tasks::ProcessUse& use) {
  Signs signs;
  signs.cpu_ms = use.cpu_ms;
  signs.io_bytes = use.io_bytes;
  signs.metrics_bytes = metrics_.read([&](std::string_view line, std::int64_t at) {
    points_of(metric_values(line), "metrics.jsonl, byte " + std::to_string(at), signs);
  });
  signs.log_bytes = log_.read([&](std::string_view line, std::int64_t at) {
    const bool declared = !declared_.empty();
    auto values = declared ? declared_.values(line) : usual_.values(line);
    // Nobody said that this word is a loss: many begin their best one with infinity.
    if (!declared) std::erase_if(values, [](const auto& told) { return std::isinf(told.second); });
    points_of(values, "stdout.log, byte " + std::to_string(at), signs);
  });
  return signs;
}

}  // namespace workflow::sweep
