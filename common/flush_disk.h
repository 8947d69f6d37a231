#pragma once

#include "common/files.h"

namespace workflow {

/// Waits until what was written to the file system of a directory is on its disk.
void flush_disk(const fs::path& dir);

}  // namespace workflow
