#pragma once

#include "apps/workflow/command.h"

namespace workflow::app {

/// sweep-watch: a live view on a terminal, changing lines where only the output is one, plain lines
/// everywhere else, events with --json; then the table and how it ended.
Outcome sweep_watch(Context& context);

/// The live view: follows until the sweep has ended or stalled; nothing when it was left.
[[nodiscard]] std::optional<Json> watch_on_screen(Context& context);

}  // namespace workflow::app
