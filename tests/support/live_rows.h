#pragma once

#include <string>
#include <vector>

#include "tests/support/sweeps.h"

// What tests of operations on a sweep ask.
namespace workflow::test {

/// Writes a checkpoint, then goes on until it is released; told to end, it ends.
inline const std::string saving =
    "mkdir -p \"$TRAIN_OUT_DIR\"; echo weights > \"$TRAIN_OUT_DIR/ckpt.ckpt\"; " +
    std::string(until_released);
/// Hears no TERM.
inline const std::string deaf = "trap '' TERM; " + std::string(until_released);

inline std::string op_state(const Json& document) {
  return text_at(member(document, "data"), "state");
}
inline const Json& result_of(const Json& document) {
  return member(member(document, "data"), "result");
}

inline Json operation(const Sweeps& sweeps, long long id) {
  return member(sweeps.space.data({"sweep-ops", std::to_string(id)}), "operations").at(0);
}

inline Json row_of(const Sweeps& sweeps, const std::string& run_id, const std::string& state = {}) {
  const Json status = sweeps.status();
  for (const auto& run : member(status, "runs")) {
    if (text_at(run, "run_id") == run_id && (state.empty() || text_at(run, "state") == state)) {
      return run;
    }
  }
  return nullptr;
}

inline std::string state_of(const Sweeps& sweeps, const std::string& run_id) {
  return text_at(row_of(sweeps, run_id), "state");
}

inline pid_t executor_of(const Sweeps& sweeps) {
  return static_cast<pid_t>(number_at(member(sweeps.status(), "executor"), "pid"));
}

inline std::vector<std::string> trash_of(const Sweeps& sweeps) {
  return real_files().list(sweeps.space.outputs() / "_trash");
}

}  // namespace workflow::test
