#pragma once

#include <string>
#include <string_view>

namespace workflow {

/// A user's path on a target in its one spelling: `./results/` and `results` are the same, `.`,
/// `//` and a `..` that stays inside are folded away; what is relative is below the workspace and
/// may not leave it, nor `~/…` the home; an absolute path stays absolute. `.` is the workspace
/// itself. Lexical: nothing is looked at. Error(usage) that names `what` otherwise.
[[nodiscard]] std::string remote_path(std::string_view text, std::string_view what);

}  // namespace workflow
