#pragma once

#include <string>
#include <vector>

namespace workflow::agent {

/// copy WHAT A B: what may hang with a file system, in a process that somebody gives up on
/// (tasks/copy_process.h). Its stdout is signs of life and one line of JSON.
int copy(const std::vector<std::string>& words);

}  // namespace workflow::agent
