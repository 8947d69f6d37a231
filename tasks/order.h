#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/files.h"

namespace workflow::tasks {

/// order.json: who asked for a task's end, and how it is to be told.
struct Order {
  std::string as{};      ///< the word for its state in place of `cancelled` ("stopped", "failed")
  std::string by{};      ///< who asked
  std::string cls{};     ///< the failure class of a run that is ended as failed
  std::string reason{};  ///< why; empty: "cancelled by" whoever asked
  std::optional<std::int64_t> grace_secs{};  ///< between TERM and KILL; empty: the task's own
};

/// The file that asks for a cancel.
[[nodiscard]] fs::path order_file(const fs::path& dir);

/// Leaves an order in a task's directory; its supervisor may have to be told to look.
void write_order(Files& files, const fs::path& dir, const Order& order);

/// The order in a task's directory; empty words where it cannot be read: whoever asked, asked for
/// an end.
[[nodiscard]] Order read_order(Files& files, const fs::path& dir);

}  // namespace workflow::tasks
