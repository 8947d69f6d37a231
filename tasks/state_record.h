#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/files.h"
#include "common/json.h"
#include "fsm/workflow_machine.h"

// workflow_state.json: where a target stands, who moved it there and who is moving it now.
namespace workflow::tasks {

/// Who asks: written into every record and log line.
struct Actor {
  std::string user;
  std::string host;
  std::int64_t pid = 0;
  std::string client;  ///< the build, "workflow 0.1.0"
};
[[nodiscard]] Json actor_json(const Actor& actor);
[[nodiscard]] Actor actor_from(const Json& json);

/// A long command that will move the state when its task succeeds. Alive while that task's
/// supervisor is; nothing renews it.
struct Lease {
  fsm::Event command = fsm::Event::bootstrap;
  std::string task_id;
  Actor by;
  std::int64_t since_ms = 0;
};
[[nodiscard]] Json lease_json(const Lease& lease);

struct StateRecord {
  fsm::State state = fsm::State::init;
  std::optional<fsm::State> previous{};
  std::int64_t revision = 0;  ///< 0: there is no file yet
  std::string command{};
  std::string reason{};
  std::int64_t updated_ms = 0;
  Actor by{};
  bool unenforced = false;  ///< the table forbade it and WF_FSM_ENFORCE was 0
  std::optional<Lease> lease{};
  std::string campaign{};
  Json pod = Json::object();
  /// What bootstrap and checkout found, for later comparison with what is there.
  Json claims = Json::object();
};

[[nodiscard]] Json state_json(const StateRecord& record);

/// Error(precondition) naming `source` for bytes that are no state record, and for one that a
/// newer version wrote; `newer` tells the two apart.
[[nodiscard]] StateRecord state_from(std::string_view bytes, const std::string& source);

/// True when the bytes carry the schema of a newer version.
[[nodiscard]] bool newer_state_schema(std::string_view bytes);

}  // namespace workflow::tasks
