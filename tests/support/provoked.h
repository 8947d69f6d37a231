#pragma once

#include <string>
#include <vector>

#include "common/subprocess.h"

// Every failure that a test brings about is written to build/provoked, from which docs/errors.md is
// made (tests/errors). Errors that are thrown within a test's own process are noted by themselves.
namespace workflow::test {

/// Runs a command of ours, and notes it when it failed.
[[nodiscard]] Captured provoked(const CaptureSpec& spec);

/// Notes what a command of ours has said, where its exit code is not known.
void note_words(const std::vector<std::string>& argv, const std::string& words);

}  // namespace workflow::test
