#pragma once

#include <vector>

#include "common/unique_fd.h"
#include "tasks/process.h"

namespace workflow::tasks {

/// Ends the children of a launcher that would end them itself, and too soon: torchrun gives its
/// ranks 30 s from its own TERM, or from the first of them that ends, and then kills those that are
/// still saving. So only they are told; and from the first that ends the launcher is kept still.
/// Before that it runs on: ranks that save together may need the store that it serves.
class LauncherEnd {
 public:
  /// TERM to every process that the launcher has started and that lives.
  explicit LauncherEnd(const ProcessRef& launcher);

  /// Readable when a child has ended.
  [[nodiscard]] std::vector<int> fds() const;
  /// Looks at the children. True when all have ended and the launcher goes on: it is to be told
  /// now, once.
  [[nodiscard]] bool turn();

 private:
  struct Child {
    ProcessRef process;
    UniqueFd ended;
  };

  ProcessRef launcher_;
  std::vector<Child> living_;
  std::size_t told_ = 0;
};

}  // namespace workflow::tasks
