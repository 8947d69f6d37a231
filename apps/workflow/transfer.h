#pragma once

#include <cstdint>
#include <string>

#include "apps/workflow/output.h"

// How bytes on their way look to people.
namespace workflow::app {

/// One line on a terminal: how much, how fast, how long still.
class Transfer {
 public:
  explicit Transfer(Output& out);
  ~Transfer() { out_.status(""); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  /// `what` stands before the bytes.
  void tell(const std::string& what, std::int64_t bytes, std::int64_t total);

  [[nodiscard]] double seconds() const;
  [[nodiscard]] double per_second(std::int64_t bytes) const;
  /// ` in 9 s (133 MB/s)`; without a rate for less than a megabyte.
  [[nodiscard]] std::string summary(std::int64_t bytes) const;

 private:
  Output& out_;
  std::int64_t begun_ms_;
  std::int64_t drawn_ms_;
};

/// `1 file`, `3 files`.
[[nodiscard]] std::string counted(std::int64_t n, const std::string& one);

}  // namespace workflow::app
