#include "tasks/status_file.h"

#include <poll.h>

#include "common/error.h"

namespace workflow::tasks {
namespace {

constexpr int wait_for_room_ms = 2000;

}  // namespace

void StatusFile::write(TaskRecord& record) const {
  if (!ours()) return;
  record.heartbeat_ms = clock_.now_ms();
  files_.write(dir_ / "status.json", pretty_json(status_json(spec_, record, dir_)));
}

void StatusFile::beat(TaskRecord& record) const {
  record.heartbeat_ms = clock_.now_ms();
  try {
    files_.write(dir_ / "status.json", pretty_json(status_json(spec_, record, dir_)),
                 {.durable = false});
  } catch (const Error&) {
    // A full disk must not end the watch: the next beat or the last record says it.
  }
}

void StatusFile::write_last(TaskRecord& record) const {
  while (presence(dir_) != Presence::absent) {
    try {
      return write(record);
    } catch (const Error&) {
      ::poll(nullptr, 0, wait_for_room_ms);
    }
  }
}

bool StatusFile::ours() const {
  const auto spec = files_.read(dir_ / "spec.json");
  return !spec || spec->find("\"" + spec_.token + "\"") != std::string::npos;
}

}  // namespace workflow::tasks
