#include "client/last_known.h"

#include "common/clock.h"
#include "common/files.h"
#include "common/sha256.h"
#include "common/text.h"
#include "common/user_dirs.h"

namespace workflow::client {
namespace {

constexpr const char* schema = "workflow.last-known/1";

std::string rows_text(const Json& counts) {
  const std::int64_t total = number_at(counts, "total");
  const std::int64_t running = number_at(counts, "running");
  const std::int64_t ended = total - running - number_at(counts, "pending");
  return ", " + std::to_string(ended) + " of " + std::to_string(total) + " ended, " +
         std::to_string(running) + " running";
}

}  // namespace

LastKnown::LastKnown(const Settings& settings) {
  const std::string place = settings.target() + "\n" + settings.text("OPS_REMOTE_OUTPUTS_DIR") +
                            "\n" + settings.text("WF_STATE_FILE");
  file_ = cache_dir() / "last-known" / (sha256_hex(place).substr(0, 16) + ".json");
}

Json LastKnown::load() const try {
  const auto bytes = real_files().read(file_);
  const Json record = bytes ? parse_json(*bytes, file_.string()) : Json::object();
  return text_at(record, "schema") == schema ? record : Json::object();
} catch (const Error&) {
  return Json::object();
}

void LastKnown::remember(const Json& data) const try {
  const bool of_state = !text_at(data, "state_file").empty();
  const bool of_rows = member(data, "counts").is_object();
  if (!of_state && !of_rows) return;
  Json record = load();
  record["schema"] = schema;
  record["observed_at"] = utc_text(system_clock().now_ms());
  if (of_state) {
    record["state"] = text_at(data, "state");
    record["campaign"] = text_at(data, "campaign");
  }
  // Somebody may have asked for the rows of an older campaign.
  const bool current =
      of_rows && text_at(record, "campaign") == text_at(member(data, "campaign"), "id");
  if (current) record["counts"] = member(data, "counts");
  if (text_at(record, "state").rfind("SWEEP_", 0) != 0) record.erase("counts");
  real_files().make_dirs(file_.parent_path());
  real_files().write(file_, dump_json(record) + "\n",
                     {.mode = 0600, .durable = false, .name_durable = false});
} catch (const Error&) {
  // Then nothing is known the next time.
}

Error LastKnown::told_with(const Error& unreachable) const {
  const Json record = load();
  const auto at = parse_utc(text_at(record, "observed_at"));
  if (!at || text_at(record, "state").empty()) return unreachable;
  const std::int64_t age = (system_clock().now_ms() - *at) / 1000;
  std::string text = "last known " + human_duration(age) + " ago: " + text_at(record, "state");
  if (member(record, "counts").is_object()) text += rows_text(member(record, "counts"));
  if (!unreachable.hint().empty()) text += "\n" + unreachable.hint();
  Json details =
      unreachable.details().empty() ? Json::object() : parse_json(unreachable.details(), "details");
  details["last_known"] = record;
  details["last_known"].erase("schema");
  return {unreachable.code(), unreachable.what(), text, dump_json(details)};
}

}  // namespace workflow::client
