#pragma once

#include <string>
#include <vector>

#include "apps/workflow/output.h"

// How a sweep looks: from `data` of sweep-status to lines.
namespace workflow::app {

/// `3/6  tiny-lr3  step 180/200  loss 0.412  eta 3 s`: one line for what goes on now.
[[nodiscard]] std::string progress_text(const Json& status);

/// The same behind a bar that fills `width` columns with it.
[[nodiscard]] std::string progress_bar(const Json& status, std::size_t width);

/// A table of rows on `out`: run, state, loss, time, why.
void show_runs(Output& out, const Json& runs);

/// `4 ok, 2 not`, with what is still going.
[[nodiscard]] std::string counts_text(const Json& counts);

/// `import: No module named 'nosuch' (stdout.log:14)`; `limit 8 s, ended by TERM`.
[[nodiscard]] std::string why_text(const Json& run);

/// Rows that ended otherwise than well.
[[nodiscard]] std::int64_t not_ok(const Json& counts);

/// What keeps rows from starting, as the executor tells it: a line each.
[[nodiscard]] std::vector<std::string> hindrances(const Json& executor);

}  // namespace workflow::app
