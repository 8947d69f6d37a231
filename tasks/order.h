#pragma once

#include <optional>
#include <string>

#include "common/files.h"

namespace workflow::tasks {

/// order.json: who asked for a task's end, and the owner's word for it ("stopped").
struct Order {
  std::string as{};
  std::string by{};
};

/// The file that asks for a cancel.
[[nodiscard]] fs::path order_file(const fs::path& dir);

/// Leaves an order in a task's directory; its supervisor may have to be told to look.
void write_order(Files& files, const fs::path& dir, const Order& order);

/// The order in a task's directory; empty words where it cannot be read: whoever asked, asked for
/// an end.
[[nodiscard]] Order read_order(Files& files, const fs::path& dir);

}  // namespace workflow::tasks
