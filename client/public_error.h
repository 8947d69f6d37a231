#pragma once

#include <workflow/job_error.h>
#include "common/error.h"

namespace workflow::client {

/// Calls `work`; its Error leaves as a JobError.
template <class Work>
auto in_public(const Work& work) {
  try {
    return work();
  } catch (const Error& fault) {
    throw JobError(static_cast<int>(fault.code()), fault.what(), fault.hint());
  }
}

}  // namespace workflow::client
