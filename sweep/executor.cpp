#include "sweep/executor.h"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "common/error.h"
#include "sweep/campaign_runs.h"
#include "sweep/end_hook.h"
#include "sweep/health.h"
#include "sweep/operations.h"
#include "sweep/surroundings.h"
#include "sweep/sweep_end.h"
#include "tasks/signal_inbox.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t longest_wait_ms = 60'000;
constexpr std::int64_t lock_limit_ms = 10'000;

using Say = std::function<void(const std::string&)>;

class Executor {
 public:
  Executor(Files& files, const Clock& clock, const fs::path& dir, const Say& say)
      : clock_(clock),
        say_(say),
        campaign_(read_campaign(files, dir)),
        site_(files, clock, campaign_.site_args),
        index_(
            files, clock, dir, [this](std::int64_t ms) { return told_to_stop(ms); }, say),
        gpus_(GpuDesk::of_this_machine(site_, campaign_)),
        runs_(site_, campaign_, index_, dir, gpus_, say),
        around_(site_, dir, gpus_, say),
        health_(site_, tasks::gpu_activity),
        operations_(site_, campaign_, say) {}

  int run() {
    say_("campaign " + campaign_.id + ": " + std::to_string(runs_.rows().size()) + " rows, " +
         gpus_.text());
    if (!names_this_executor(site_, campaign_)) {
      say_("the state does not name this executor; nothing is started");
      return 1;
    }
    runs_.find();
    while (!stopping_) {
      operations_.turn(runs_);
      start();
      look_at_health();
      if (nothing_left() && conclude()) return 0;
      runs_.going().wait(signals_.fd(), quiet_ms());
      (void)told_to_stop(0);
      runs_.collect();
    }
    say_("told to stop; " + std::to_string(runs_.going().size()) + " runs go on without me");
    return 0;
  }

 private:
  void start() {
    const std::int64_t now = clock_.steady_ms();
    Schedule& schedule = runs_.schedule();
    if (schedule.waiting() > 0 && !schedule.breaker_open()) around_.look(schedule, now);
    runs_.start_what_fits(now);
  }

  void look_at_health() {
    const std::int64_t now = clock_.steady_ms();
    if (runs_.going().empty() || now < health_.next_ms()) return;
    std::vector<Watched> watched;
    for (const std::size_t i : runs_.going().rows()) {
      const RowState& row = runs_.rows()[i];
      watched.push_back({i, row.run_id, row.attempt});
    }
    for (const Finding& finding : health_.look(watched, now)) {
      say_(runs_.rows()[finding.row].run_id + ": " + std::string(name(finding.action)) + ": " +
           finding.reason);
      std::optional<tasks::Order> order;
      if (finding.action == Action::retry || finding.action == Action::stop) {
        order = order_of(finding);
      }
      runs_.end_for(finding.row, health_json(finding, clock_.now_ms()), order);
    }
  }

  [[nodiscard]] bool nothing_left() {
    return runs_.going().empty() && !operations_.waiting() &&
           (runs_.schedule().breaker_open() || all_ended(runs_.rows()));
  }

  [[nodiscard]] std::int64_t quiet_ms() {
    const std::int64_t now = clock_.steady_ms();
    Schedule& schedule = runs_.schedule();
    std::int64_t quiet = schedule.quiet_ms(now, longest_wait_ms);
    if (!runs_.going().empty()) quiet = std::min(quiet, health_.next_ms() - now);
    if (schedule.waiting() > 0) quiet = std::min(quiet, around_.quiet_ms());
    return std::max<std::int64_t>(quiet, 0);
  }

  /// Waits for a signal; true when one has come that ends this executor.
  bool told_to_stop(std::int64_t longest_ms) {
    pollfd inbox{signals_.fd(), POLLIN, 0};
    if (!stopping_) ::poll(&inbox, 1, static_cast<int>(longest_ms));
    for (const int signal : signals_.take()) stopping_ = stopping_ || signal != SIGUSR1;
    return stopping_;
  }

  /// False when something was asked for at the last moment.
  bool conclude() {
    index_.flush();  // a state that says completed must find the rows so
    const bool broken = !all_ended(runs_.rows());
    const auto event = broken ? fsm::Event::breaker_open : fsm::Event::all_rows_ended;
    const std::string reason = broken ? runs_.breaker_text() : "every selected row has ended";
    try {
      if (!end_sweep(site_, campaign_, event, reason, [this] { return operations_.waiting(); })) {
        return false;
      }
      say_(reason);
    } catch (const Error& fault) {
      say_(std::string("the state was not moved: ") + fault.what());
      return true;  // whoever looks next finds the rows so
    }
    const fsm::State state = broken ? fsm::State::sweep_stalled : fsm::State::sweep_completed;
    const Json event_told = end_event(site_, campaign_, runs_.rows(), state, reason);
    if (const auto fault = tell_end(site_, campaign_, event_told)) say_(*fault);
    return true;
  }

  const Clock& clock_;
  Say say_;
  Campaign campaign_;
  tasks::Site site_;
  tasks::SignalInbox signals_{SIGTERM, SIGINT, SIGUSR1};
  bool stopping_ = false;
  PatientIndex index_;
  GpuDesk gpus_;
  CampaignRuns runs_;
  Surroundings around_;
  HealthWatch health_;
  Operations operations_;
};

}  // namespace

int execute_campaign(Files& files, const Clock& clock, const fs::path& campaign_dir) {
  const auto say = [&clock](const std::string& text) {
    std::printf("%s  %s\n", utc_text(clock.now_ms()).c_str(), text.c_str());
    std::fflush(stdout);
  };
  // A command that applies operations itself has it for a moment.
  std::optional<FileLock> lock;
  for (const std::int64_t until = clock.steady_ms() + lock_limit_ms;
       !(lock = FileLock::try_take(executor_lock(campaign_dir))); ::poll(nullptr, 0, 50)) {
    if (clock.steady_ms() < until) continue;
    say("another executor has this campaign");
    return 1;
  }
  return Executor(files, clock, campaign_dir, say).run();
}

bool apply_operations(const tasks::Site& site, const fs::path& campaign_dir) {
  const auto lock = FileLock::try_take(executor_lock(campaign_dir));
  if (!lock) return false;
  const Campaign campaign = read_campaign(site.files(), campaign_dir);
  const auto say = [](const std::string&) {};  // each operation's record says what became of it
  const auto impatient = [](std::int64_t) { return true; };
  PatientIndex index(site.files(), site.clock(), campaign_dir, impatient, say);
  GpuDesk gpus(site, campaign);
  CampaignRuns runs(site, campaign, index, campaign_dir, gpus, say);
  runs.find();
  Operations operations(site, campaign, say);
  operations.turn(runs);
  return true;
}

}  // namespace workflow::sweep
