#pragma once

#include <workflow/job_error.h>
#include "common/error.h"

namespace workflow::client {

/// Calls `work`; whatever it throws leaves as a JobError.
template <class Work>
auto in_public(const Work& work) {
  try {
    return work();
  } catch (const Error& fault) {
    throw JobError(static_cast<int>(fault.code()), fault.what(), fault.hint());
  } catch (const JobError&) {
    throw;
  } catch (const std::exception& fault) {
    throw JobError(static_cast<int>(Code::bug), fault.what(), "");
  }
}

}  // namespace workflow::client
