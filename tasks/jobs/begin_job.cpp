#include "tasks/jobs/begin_job.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "common/error.h"
#include "common/file_lock.h"
#include "common/mask.h"
#include "tasks/jobs/bootstrap_steps.h"
#include "tasks/steps/snapshot.h"
#include "tasks/steps/working_copy.h"

namespace workflow::tasks {
namespace {

/// stdout and stderr, which are stdout.log, lead to another file until the command begins.
class OutputAside {
 public:
  explicit OutputAside(const fs::path& file) : kept_(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)) {
    const UniqueFd log(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
    if (!kept_.valid() || !log.valid()) throw_errno("cannot open '" + file.string() + "'");
    lead_to(log.get());
  }
  void put_back() { lead_to(kept_.get()); }

 private:
  static void lead_to(int fd) {
    if (::dup2(fd, STDOUT_FILENO) < 0 || ::dup2(fd, STDERR_FILENO) < 0) throw_errno("dup2");
  }
  UniqueFd kept_;
};

/// The settings of a checkout that has the workspace for its working copy.
Json site_args(const JobPlan& plan) {
  Json args = plan.site;
  args["settings"]["OPS_REMOTE_REPO"] = plan.workspace.string();
  for (const char* of_checkout : {"CHECKOUT_BRANCH", "CHECKOUT_PR", "EXPECT_GIT_SHA"}) {
    args["settings"][of_checkout] = "";
  }
  args["push"] = plan.push;
  args["push"]["tree"] = plan.tree;
  return args;
}

class Beginning {
 public:
  Beginning(Files& files, const Clock& clock, const fs::path& dir, const TaskSpec& spec)
      : files_(files),
        clock_(clock),
        dir_(dir),
        plan_(plan_from(spec)),
        limit_ms_(spec.timeout_secs > 0 ? spec.timeout_secs * 1000 : longest_wait_ms),
        record_(files, clock, dir, spec.task_id, plan_) {}

  int run(const std::function<void()>& become) {
    int otherwise = 0;  // 0: the fault's own code
    try {
      OutputAside aside(dir_ / "deploy.log");
      make_ready();
      if (::chdir(plan_.place().c_str()) != 0) {
        throw_errno("cannot work in '" + plan_.place().string() + "'");
      }
      record_.enter(JobPhase::running);
      aside.put_back();
      otherwise = not_runnable;
      become();
    } catch (const StepFailed& fault) {
      record_.failed(masked(fault));
      return fault.exit_code();
    } catch (const Error& fault) {
      record_.failed(masked(fault));
      return otherwise != 0 ? otherwise : static_cast<int>(fault.code());
    }
    return static_cast<int>(Code::bug);
  }

 private:
  static constexpr std::int64_t longest_wait_ms = 24LL * 3600 * 1000;
  static constexpr int not_runnable = 127;  ///< as shells say it

  void make_ready() {
    files_.make_dirs(plan_.workspace / ".workflow");
    // Another job of the same tree may be at it in the same workspace: one after the other.
    const FileLock lock = FileLock::take(plan_.workspace / ".workflow" / "lock", limit_ms_);
    TreeList shipped;
    if (!plan_.tree.empty()) shipped = deploy();
    if (plan_.steps.empty()) return;
    record_.enter(JobPhase::bootstrapping);
    run_bootstrap(files_, clock_, plan_, step_inputs(plan_, shipped), record_);
  }

  /// What a step said may hold a secret, which stays in the step's own log.
  [[nodiscard]] Error masked(const Error& fault) const {
    std::vector<std::string> values;
    for (const auto& name : plan_.secrets) {
      if (const char* value = std::getenv(name.c_str())) values.emplace_back(value);
    }
    Json texts = {fault.what(), fault.hint()};
    Mask(values).apply(texts);
    return {fault.code(), texts[0].get<std::string>(), texts[1].get<std::string>()};
  }

  TreeList deploy() {
    const Site site(files_, clock_, site_args(plan_));
    const Step step(site, dir_);
    const auto copy = pushed_copy(step);
    copy->check();
    copy->update();
    step.say(copy->shown() + " in '" + plan_.workspace.string() + "'");
    return SnapshotStore(site).list(plan_.tree);
  }

  Files& files_;
  const Clock& clock_;
  fs::path dir_;
  JobPlan plan_;
  std::int64_t limit_ms_;
  JobRecord record_;
};

}  // namespace

int begin_job(Files& files, const Clock& clock, const fs::path& dir, const TaskSpec& spec,
              const std::function<void()>& become) {
  return Beginning(files, clock, dir, spec).run(become);
}

}  // namespace workflow::tasks
