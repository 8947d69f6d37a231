#include "tasks/order.h"

#include "common/error.h"
#include "common/json.h"

namespace workflow::tasks {

fs::path order_file(const fs::path& dir) { return dir / "order.json"; }

void write_order(Files& files, const fs::path& dir, const Order& order) {
  files.write(order_file(dir), pretty_json({{"as", order.as}, {"by", order.by}}));
}

Order read_order(Files& files, const fs::path& dir) {
  const auto bytes = files.read(order_file(dir));
  if (!bytes) return {};
  try {
    const Json order = parse_json(*bytes, "order.json");
    return {text_at(order, "as"), text_at(order, "by")};
  } catch (const Error&) {
    return {};
  }
}

}  // namespace workflow::tasks
