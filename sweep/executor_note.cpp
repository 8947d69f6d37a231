#include "sweep/executor_note.h"

#include "common/error.h"

namespace workflow::sweep {
namespace {

fs::path note_file(const fs::path& campaign_dir) { return campaign_dir / "executor.json"; }

}  // namespace

void write_note(Files& files, const fs::path& campaign_dir, const ExecutorNote& note) {
  try {
    files.write(note_file(campaign_dir),
                pretty_json({{"gpus", note.gpus},
                             {"left_out", note.left_out},
                             {"paused", note.paused.empty() ? Json() : Json(note.paused)}}),
                {.durable = false});
  } catch (const Error&) {
  }
}

Json read_note(Files& files, const fs::path& campaign_dir) {
  try {
    const auto bytes = files.read(note_file(campaign_dir));
    return bytes ? parse_json(*bytes, "executor.json") : Json();
  } catch (const Error&) {
    return nullptr;
  }
}

}  // namespace workflow::sweep
