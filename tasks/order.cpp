#include "tasks/order.h"

#include "common/error.h"
#include "common/json.h"

namespace workflow::tasks {

fs::path order_file(const fs::path& dir) { return dir / "order.json"; }

void write_order(Files& files, const fs::path& dir, const Order& order) {
  Json out = {{"as", order.as}, {"by", order.by}};
  if (!order.cls.empty()) out["class"] = order.cls;
  if (!order.reason.empty()) out["reason"] = order.reason;
  if (order.grace_secs) out["grace_secs"] = *order.grace_secs;
  files.write(order_file(dir), pretty_json(out));
}

Order read_order(Files& files, const fs::path& dir) {
  const auto bytes = files.read(order_file(dir));
  if (!bytes) return {};
  try {
    const Json order = parse_json(*bytes, "order.json");
    Order out{text_at(order, "as"),
              text_at(order, "by"),
              text_at(order, "class"),
              text_at(order, "reason"),
              {}};
    if (member(order, "grace_secs").is_number()) out.grace_secs = number_at(order, "grace_secs");
    return out;
  } catch (const Error&) {
    return {};
  }
}

}  // namespace workflow::tasks
