#include "remote/transport/remembered.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/sha256.h"
#include "remote/transport/own_files.h"

namespace workflow::transport {
namespace {

constexpr std::int64_t day_ms = 24LL * 3600 * 1000;
constexpr const char* schema = "workflow.way/1";

fs::path file_of(const Endpoint& endpoint) {
  const std::string name =
      endpoint.destination + " " + endpoint.user + "@" + endpoint.where() + " " + endpoint.pod_id;
  return ways_directory() / (sha256_hex(name).substr(0, 16) + ".json");
}

}  // namespace

std::optional<std::string> remembered_reason(const Endpoint& endpoint) try {
  const auto bytes = real_files().read(file_of(endpoint));
  if (!bytes) return std::nullopt;
  const Json record = parse_json(*bytes, "way");
  const auto at = parse_utc(text_at(record, "at"));
  const std::int64_t age = at ? system_clock().now_ms() - *at : -1;
  const bool fresh = age >= 0 && age < day_ms;  // a time to come is a clock that was wrong
  if (text_at(record, "schema") != schema || !fresh) return std::nullopt;
  return text_at(record, "reason");
} catch (const Error&) {
  return std::nullopt;  // a cache that cannot be read is none
}

void remember_reason(const Endpoint& endpoint, const std::string& reason) try {
  const Json record = {{"schema", schema},
                       {"target", endpoint.destination},
                       {"way", "openssh"},
                       {"reason", reason},
                       {"at", utc_text(system_clock().now_ms())}};
  real_files().make_dirs(ways_directory());
  real_files().write(file_of(endpoint), dump_json(record) + "\n",
                     {.mode = 0600, .durable = false, .name_durable = false});
} catch (const Error&) {
  // The next command tries libssh2 once more.
}

void forget_reason(const Endpoint& endpoint) {
  std::error_code ignored;
  fs::remove(file_of(endpoint), ignored);
}

}  // namespace workflow::transport
