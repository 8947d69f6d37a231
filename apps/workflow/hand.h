#pragma once

#include "apps/workflow/command.h"

// What a person does on the target by hand; hand.cpp holds the table.
namespace workflow::app {

/// A command on the target that ends with the connection.
Outcome exec(Context& context);
/// Files and trees to the target or from it.
Outcome copy(Context& context);
/// A shell on the target, in place of this process.
Outcome ssh(Context& context);
/// A task's tmux window, in place of this process.
Outcome attach(Context& context);
/// TCP ports of the target on this machine, until Ctrl-C.
Outcome forward(Context& context);

}  // namespace workflow::app
