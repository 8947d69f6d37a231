#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/clock.h"
#include "common/files.h"
#include "common/json.h"
#include "tasks/live_root.h"

// The mirror of a live root in its outputs directory: written often, read only where the live root
// is missing.
namespace workflow::tasks {

/// Who wrote a mirror, and when: `_control/mirror.json`, workflow.mirror/1.
struct MirrorStamp {
  std::string pod_id;
  std::string host;
  std::int64_t written_ms = 0;
};

/// The pod's own id, as it signs a mirror.
[[nodiscard]] std::string mirror_pod_id(Files& files, const LiveRoot& root);

/// A mirror's stamp; nothing where there is none. May hang with its file system.
[[nodiscard]] std::optional<MirrorStamp> mirror_stamp(Files& files, const LiveRoot& root);

/// Error(busy), naming pod and time, when another pod wrote the mirror within five minutes.
void require_own_mirror(Files& files, const Clock& clock, const LiveRoot& root);

/// The bytes of a record of the mirror if they are whole JSON: those under its name, else those
/// that were about to get it.
[[nodiscard]] std::optional<std::string> whole_json(Files& files, const fs::path& file);

/// The files that a mirror holds, relative to its root: `_control/mirror-files.json`.
inline constexpr const char* mirror_list = "_control/mirror-files.json";
inline constexpr const char* mirror_stamp_file = "_control/mirror.json";

/// Copies what has changed; the agent's verb `copy mirror`, in a process that may hang.
[[nodiscard]] Json mirror_pass(Files& files, const Clock& clock, const LiveRoot& root);

/// Starts a pass beside us and waits at most `wait_ms` for its end. What to warn of, if anything.
std::optional<std::string> mirror_beside(const LiveRoot& root, std::int64_t wait_ms);

/// How the mirror stands, as far as it can be told without asking it: `dir`, `written_at`,
/// `age_secs`, `behind_since`, `reason`.
[[nodiscard]] Json mirror_state(Files& files, const Clock& clock, const LiveRoot& root);

}  // namespace workflow::tasks
