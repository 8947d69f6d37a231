#include "tasks/command_start.h"

#include <fcntl.h>

#include "common/error.h"
#include "tasks/gpu_hold.h"
#include "tasks/launch.h"
#include "tasks/run_out.h"

namespace workflow::tasks {
namespace {

std::vector<std::string> environment_of(const TaskSpec& task,
                                        const std::vector<std::string>& secrets) {
  std::vector<std::string> set = {"PYTHONUNBUFFERED=1"};
  set.insert(set.end(), task.env.begin(), task.env.end());
  if (const auto devices = visible_devices(task)) set.push_back(*devices);
  set.insert(set.end(), secrets.begin(), secrets.end());
  set.insert(set.end(), {"WF_TASK_ID=" + task.task_id, task_marker(task)});
  return environment_with(set);
}

}  // namespace

std::string task_marker(const TaskSpec& spec) { return "WF_TASK_TOKEN=" + spec.token; }

Spawned start_command(const TaskSpec& task, const fs::path& dir,
                      const std::vector<std::string>& secrets,
                      std::function<void(pid_t)> before_exec) {
  const fs::path file = dir / "stdout.log";
  const UniqueFd log(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.valid()) throw_errno("cannot open '" + file.string() + "'");
  SpawnSpec spec;
  spec.argv = task.argv;
  if (spec.argv.empty()) spec.argv = {"bash", (dir / "command.sh").string()};
  const bool job = task.kind == TaskKind::job;
  if (job || run_out_of(task)) {
    // Makes its out/ or its workspace ready, and becomes the program.
    const std::vector<std::string> first{agent_path(), "begin", dir.string()};
    spec.argv.insert(spec.argv.begin(), first.begin(), first.end());
  }
  spec.env = environment_of(task, secrets);
  spec.workdir = job ? fs::path("/") : fs::path(task.workdir);  // not there before it is ready
  spec.out = log.get();
  spec.err = log.get();
  spec.new_session = true;
  spec.before_exec = std::move(before_exec);
  return spawn(spec);
}

}  // namespace workflow::tasks
