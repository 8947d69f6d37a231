#pragma once

#include <string>

#include "tasks/site.h"

// Runs that make room: nothing of them is lost, and their out/ goes with them, wherever that lies.
namespace workflow::sweep {

/// Moves a run to `_bak/<id>/<UTC>`: another row takes its id.
void move_run_aside(const tasks::Site& site, const std::string& run_id);

/// Moves a run to `_trash/<UTC>-<id>`, where it stays until the trash is emptied. Quiet where there
/// is none.
void trash_run(const tasks::Site& site, const std::string& run_id);

}  // namespace workflow::sweep
