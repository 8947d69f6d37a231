#include "tasks/state_log.h"

#include "common/clock.h"
#include "common/json_lines.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t tail_bytes = 64 * 1024;  // whoever asks for the last lines reads no more

}  // namespace

void StateLog::append(const StateRecord& record, const std::string& kind) {
  const bool moved = kind != "lease" && record.previous;
  Json line = {{"at", utc_text(record.updated_ms)},
               {"revision", record.revision},
               {"kind", kind},
               {"from", fsm::name(moved ? *record.previous : record.state)},
               {"to", fsm::name(record.state)},
               {"command", record.command},
               {"reason", record.reason},
               {"by", actor_json(record.by)}};
  if (record.unenforced) line["unenforced"] = true;
  if (record.lease) line["lease"] = lease_json(*record.lease);
  append_json_line(files_, file_, line);
}

std::vector<Json> StateLog::since(std::int64_t revision) const {
  const std::string bytes =
      revision > 0 ? read_tail(file_, tail_bytes).bytes : files_.read(file_).value_or("");
  std::vector<Json> lines;
  each_json_line(bytes, [&](Json&& line) {
    if (number_at(line, "revision") >= revision) lines.push_back(std::move(line));
  });
  return lines;
}

}  // namespace workflow::tasks
