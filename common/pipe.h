#pragma once

#include "common/unique_fd.h"

namespace workflow {

/// A pipe whose two ends are closed by exec.
struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

/// Makes a pipe; throws Error(precondition) when the process has no descriptors left.
[[nodiscard]] Pipe make_pipe();

}  // namespace workflow
