#pragma once

#include <string>
#include <vector>

#include "tests/support/workspace.h"

// Sweeps for tests: a workspace whose repository is checked out and whose rows are shell commands.
namespace workflow::test {

/// One row: what bash runs, and the columns beside it as they stand in the file.
struct TestRow {
  std::string run_id;
  std::string command = "true";  ///< the column `overrides`, so quotes in it must be balanced
  std::string timeout_secs{};
  std::string max_retries{};
  std::string gpus{};
  std::string env{};
  std::string seed{};
};

/// A field of a CSV file with its quotes.
[[nodiscard]] std::string csv_field(const std::string& text);
[[nodiscard]] std::string manifest_text(const std::vector<TestRow>& rows);

/// `for` rows that go on until `release()`.
inline constexpr const char* until_released =
    "until test -e \"$HOME/released\"; do sleep 0.02; done";

class Sweeps {
 public:
  /// Checked out; every start of a row first adds its id to the file `home/started`.
  explicit Sweeps(const std::string& settings = {}, const std::vector<std::string>& env = {});

  void manifest(const std::vector<TestRow>& rows) const;
  /// `data` of sweep-start.
  Json start(std::vector<std::string> more = {}) const;  // NOLINT: often for its effect
  /// Waits until the recorded state is no longer SWEEP_RUNNING and gives it.
  [[nodiscard]] std::string end_state(std::int64_t limit_ms = 60'000) const;
  /// start() and end_state().
  [[nodiscard]] std::string run_to_end(std::vector<std::string> more = {}) const;
  /// `data` of sweep-status --all, and of it the counts.
  [[nodiscard]] Json status() const;
  [[nodiscard]] long long count(const std::string& state) const;
  /// What the evidence supports: `data` of fsm-status.
  [[nodiscard]] Json truth() const;

  /// How often the commands of a row were started; of all rows without an id.
  [[nodiscard]] long starts(const std::string& run_id = {}) const;
  [[nodiscard]] bool waits_for_start(const std::string& run_id, long times = 1) const;
  [[nodiscard]] bool waits_for_state(const std::string& run_id, const std::string& state) const;
  void release() const;

  /// Pids out of a record: the command and its supervisor.
  [[nodiscard]] static pid_t command_of(const Json& status);
  [[nodiscard]] static pid_t supervisor_of(const Json& status);
  /// kill -9, and its end.
  static void kill_hard(pid_t pid);

  [[nodiscard]] fs::path campaign_dir(const std::string& id) const {
    return space.outputs() / "_campaigns" / id;
  }
  [[nodiscard]] fs::path run_dir(const std::string& id) const { return space.outputs() / id; }

  Workspace space;
};

}  // namespace workflow::test
