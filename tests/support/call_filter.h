#pragma once

#include <linux/filter.h>

#include <string>
#include <vector>

namespace workflow::test {

/// A seccomp filter that stops a traced process at the calls which others can see, and at no
/// other: the tracer then costs next to nothing. SECCOMP_RET_DATA is the row of the call.
class CallFilter {
 public:
  CallFilter();
  /// For this thread and all it becomes; false where the kernel refuses. Safe after fork.
  [[nodiscard]] bool install() const;
  /// The name of a call by its row.
  [[nodiscard]] static std::string name(unsigned long row);

 private:
  std::vector<sock_filter> program_;
};

}  // namespace workflow::test
