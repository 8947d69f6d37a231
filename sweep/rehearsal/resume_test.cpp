#include "sweep/rehearsal/resume_test.h"

#include <poll.h>

#include <algorithm>

#include "common/error.h"
#include "common/text.h"
#include "sweep/campaign.h"
#include "sweep/checkpoint.h"
#include "sweep/gpus.h"
#include "sweep/launch_line.h"
#include "sweep/run.h"
#include "sweep/run_metrics.h"
#include "tasks/cancel.h"
#include "tasks/follow.h"
#include "tasks/gpus.h"
#include "tasks/signal_inbox.h"

namespace workflow::sweep {
namespace {

constexpr int look_every_ms = 100;
constexpr std::int64_t last_writes_ms = 30'000;
constexpr std::int64_t most_bytes = 1LL << 20U;

std::string step_text(double step) { return std::to_string(static_cast<std::int64_t>(step)); }

/// The first or the last step that an attempt has told.
class Steps {
 public:
  Steps(const fs::path& dir, const tasks::TaskSpec& spec) : dir_(dir), spec_(spec) {}

  [[nodiscard]] std::optional<double> last() const {
    return step_of(run_metrics(dir_, spec_, most_bytes).last);
  }
  /// Of what was told so far, from the beginning on.
  [[nodiscard]] std::optional<double> first() const {
    if (const auto told = first_in("metrics.jsonl", metrics_object)) return told;
    const MetricPatterns patterns = patterns_of(spec_);
    return first_in("stdout.log",
                    [&](std::string_view line) { return log_metrics_object(line, patterns); });
  }

 private:
  template <class Read>
  [[nodiscard]] std::optional<double> first_in(const char* file, Read read) const {
    const FileTail text = read_tail(dir_ / file, most_bytes);
    for (const auto& line : split(text.bytes, '\n')) {
      const Json object = read(line);
      if (const auto step = object.is_object() ? step_of(object) : std::nullopt) return step;
    }
    return std::nullopt;
  }

  const fs::path& dir_;
  const tasks::TaskSpec& spec_;
};

/// A finding that ends the test early.
struct Ended {
  Trial trial;
};

class ResumeTest {
 public:
  explicit ResumeTest(const TrialSite& at)
      : at_(at), files_(at.site.files()), id_("_rehearsal/" + at.dir.filename().string()) {
    const auto manifest = files_.read(at.dir / "manifest.csv").value_or("");
    row_ = row_to_resume(at.site, manifest, "manifest.csv", at.wish.row);
    name_ = row_.run_id;
    row_.run_id = id_;
    row_.env.emplace_back("WANDB_MODE=disabled");
    row_.timeout_secs = at.wish.wait_secs * 4;  // also when nobody is left to end it
    dir_ = at.site.run_dir(id_);
    campaign_.id = at.dir.filename().string();
    choose_gpus();
    remove_earlier();
  }
  ~ResumeTest() {
    std::error_code ignored;
    try {
      stop(0);
      fs::remove_all(out_place(at_.site, id_).train.parent_path(), ignored);
    } catch (const std::exception&) {
      // What is left ends by its limit; `_rehearsal` tells of it.
    }
    fs::remove_all(dir_, ignored);
    fs::remove(dir_.parent_path(), ignored);
  }
  ResumeTest(const ResumeTest&) = delete;
  ResumeTest& operator=(const ResumeTest&) = delete;

  Trial run() {
    try {
      start(1);
      train_until_saved();
      stop(at_.site.number("RUN_STOP_GRACE_SECS", 120));
      look_at_checkpoint();  // it may have saved when it was told to end
      start(2);
      wait_for("step of the second attempt", [this] {
        steps_.again = Steps(dir_, spec_).first();
        return steps_.again.has_value();
      });
    } catch (const Ended& early) {
      return named(early.trial);
    }
    return named(judge_resume(steps_));
  }

 private:
  [[nodiscard]] Trial named(Trial trial) const {
    trial.text = name_ + ": " + trial.text;
    return trial;
  }

  /// What tests left that were killed: neither they nor their trainings are there any more.
  void remove_earlier() {
    for (const auto& name : files_.list(dir_.parent_path())) {
      const fs::path dir = dir_.parent_path() / name;
      const auto run = look_at_run(files_, dir);
      const fs::path task = at_.site.tasks().dir(name);
      const bool going = !may_be_there(task) || !tasks::settle(files_, task).record.ended();
      std::error_code ignored;
      if (!going && (!run || run->task.record.ended())) fs::remove_all(dir, ignored);
    }
  }

  void choose_gpus() {
    std::vector<std::string> ids;
    for (const auto& gpu : tasks::gpu_inventory().gpus) ids.push_back(gpu.id);
    const auto wish = parse_gpu_wish(wish_text(at_.site, row_)).value_or(GpuWish{});
    if (!GpuPool(ids).can_ever_fit(wish)) {
      throw Ended{{Outcome::fail, name_ + " wants more GPUs than there are", "sweep-check"}};
    }
    allotment_.gpus = GpuPool(ids).take(wish).value_or(std::vector<std::string>{});
  }

  void start(int attempt) {
    allotment_.attempt = attempt;
    start_run(at_.site, campaign_, row_, allotment_);
    spec_ = tasks::observe(files_, dir_).spec;
  }

  void stop(std::int64_t grace_secs) {
    if (!may_be_there(dir_ / "status.json")) return;
    const auto ended = tasks::cancel_task(
        files_, dir_, {.as = "stopped", .by = "rehearse", .grace_secs = grace_secs});
    // Its supervisor holds the directory's lock until it has gone.
    const std::int64_t until = at_.site.clock().steady_ms() + last_writes_ms;
    while (tasks::judge(ended.record.supervisor, ended.record.place) == tasks::Liveness::alive &&
           at_.site.clock().steady_ms() < until) {
      ::poll(nullptr, 0, look_every_ms);
    }
  }

  /// Notes a checkpoint that is new, and what was told before it was there.
  void look_at_checkpoint() {
    const auto newest = newest_checkpoint(out_place(at_.site, id_).train);
    const auto told = Steps(dir_, spec_).last();
    if (newest && (newest->path != steps_.checkpoint || newest->saved_ms != saved_ms_)) {
      steps_.checkpoint = newest->path;
      saved_ms_ = newest->saved_ms;
      steps_.saved = before_;
    }
    before_ = told;
  }

  /// A checkpoint that began from a later step than the first tells continuing from beginning anew.
  void train_until_saved() {
    wait_for("checkpoint", [this] {
      if (!steps_.first) steps_.first = Steps(dir_, spec_).first();
      look_at_checkpoint();
      return steps_.first && steps_.saved && *steps_.saved > *steps_.first;
    });
  }

  /// Error by Ended when it does not come to be in time, or the training ends before.
  template <class Condition>
  void wait_for(const std::string& what, Condition condition) {
    const std::int64_t until = at_.site.clock().steady_ms() + at_.wish.wait_secs * 1000;
    while (!condition()) {
      if (!signals_.take().empty()) throw Ended{{Outcome::unknown, "it was cancelled"}};
      const tasks::TaskView view = tasks::observe(files_, dir_);
      if (view.record.ended() && !condition()) throw Ended{ended_before(view, what)};
      if (at_.site.clock().steady_ms() > until) throw Ended{late(what)};
      pollfd wake{signals_.fd(), POLLIN, 0};
      ::poll(&wake, 1, look_every_ms);
    }
  }

  [[nodiscard]] Trial no_steps() const {
    return {Outcome::unknown, "it saved '" + steps_.checkpoint + "', but tells no steps",
            "write {\"step\":…} lines to $WF_METRICS_FILE, or set METRIC_PATTERNS"};
  }

  [[nodiscard]] Trial late(const std::string& what) const {
    const std::string waited = human_duration(at_.wish.wait_secs);
    if (steps_.again || spec_attempt() == 2) {
      return {Outcome::unknown, "the second attempt told no step within " + waited,
              "--wait gives it longer"};
    }
    if (steps_.checkpoint.empty()) {
      return {Outcome::fail, "no checkpoint within " + waited,
              "save *.pt, *.pth, *.ckpt, *.safetensors or a directory checkpoint* in out_dir more "
              "often; --wait waits longer"};
    }
    if (!steps_.first) return no_steps();
    return {Outcome::unknown, "no later " + what + " than the first step's within " + waited,
            "--wait waits longer"};
  }

  [[nodiscard]] Trial ended_before(const tasks::TaskView& view, const std::string& what) const {
    const std::string log = read_tail(dir_ / "stdout.log", 4096).bytes;
    std::string last(trim(log));
    last = last.substr(last.rfind('\n') + 1).substr(0, 200);
    if (view.record.state == tasks::TaskState::success) {
      if (!steps_.checkpoint.empty() && !steps_.first) return no_steps();
      return {Outcome::unknown, "it was done before there was a " + what,
              "try a longer row: --row RUN"};
    }
    return {Outcome::fail, view.record.state_name() + " before there was a " + what + ": " + last,
            "mend the row first: workflow sweep-check, and run it"};
  }

  [[nodiscard]] std::int64_t spec_attempt() const { return number_at(spec_.identity, "attempt"); }

  const TrialSite& at_;
  Files& files_;
  std::string id_;
  std::string name_;
  Row row_;
  fs::path dir_;
  Campaign campaign_;
  Allotment allotment_;
  tasks::TaskSpec spec_;
  ToldSteps steps_;
  std::int64_t saved_ms_ = 0;
  std::optional<double> before_;
  tasks::SignalInbox signals_{SIGTERM, SIGINT};
};

}  // namespace

Trial judge_resume(const ToldSteps& steps) {
  const std::string again = step_text(steps.again.value());
  const std::string saved = step_text(steps.saved.value());
  const std::string checkpoint = "'" + steps.checkpoint + "' was saved after step " + saved;
  if (*steps.again <= *steps.first) {
    return {Outcome::fail, "began again at step " + again + ", although " + checkpoint,
            "let it load the newest checkpoint in out_dir when it starts"};
  }
  if (*steps.again < *steps.saved) {
    return {Outcome::warn, "continued at step " + again + ", although " + checkpoint,
            "it loads an earlier checkpoint than its newest one"};
  }
  return {Outcome::ok, "continued at step " + again + "; " + checkpoint};
}

Trial resume_trial(const TrialSite& at) {
  try {
    return ResumeTest(at).run();
  } catch (const Ended& early) {
    return early.trial;
  }
}

Row row_to_resume(const tasks::Site& site, const std::string& manifest,
                  const std::string& file_name, const std::string& run_id) {
  const Manifest rows =
      parse_manifest(manifest, file_name, rules_for(member(site.args(), "settings")));
  for (const Row& row : rows.rows) {
    if (run_id.empty() || row.run_id == run_id) return row;
  }
  throw Error(Code::not_found, "the manifest has no row '" + run_id + "'",
              "workflow sweep-check lists its rows");
}

}  // namespace workflow::sweep
