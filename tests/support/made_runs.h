#pragma once

#include <string>

#include "common/clock.h"
#include "common/files.h"
#include "sweep/run.h"
#include "tasks/store.h"
#include "tests/support/workspace.h"

namespace workflow::test {

/// Which attempt of which row a run made by hand is.
struct MadeRun {
  std::string id = "run";
  std::string campaign = "20260101T000000Z-00000001";
  std::string row_sha256 = "aa";
  int attempt = 1;
  tasks::TaskState state = tasks::TaskState::success;
};

/// A run's directory as its supervisor leaves it, without having run: what it wrote is up to the
/// test.
inline fs::path make_run(const fs::path& outputs, const MadeRun& made = {}) {
  const fs::path dir = outputs / made.id;
  fs::create_directories(dir / "out");
  tasks::TaskSpec spec;
  spec.task_id = made.id;
  spec.kind = tasks::TaskKind::run;
  spec.text = "true";
  spec.identity = {{"run_id", made.id},
                   {"campaign_id", made.campaign},
                   {"row_sha256", made.row_sha256},
                   {"attempt", made.attempt}};
  Files& files = real_files();
  tasks::write_task(files, system_clock(), dir, dir, spec);
  tasks::TaskRecord record = tasks::observe(files, dir).record;
  record.state = made.state;
  record.started_ms = record.ended_ms = record.created_ms;
  record.exit_code = made.state == tasks::TaskState::success ? 0 : 1;
  files.write(dir / "status.json", pretty_json(tasks::status_json(spec, record, dir)));
  files.write(dir / "stdout.log", "what it said\n");
  sweep::summarize_run(files, dir, spec, record);
  return dir;
}

}  // namespace workflow::test
