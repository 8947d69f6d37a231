#include "sweep/health.h"

#include <algorithm>

#include "common/clock.h"
#include "common/error.h"
#include "sweep/health_rules.h"
#include "sweep/run.h"
#include "sweep/run_metrics.h"
#include "sweep/signs_of_life.h"
#include "tasks/process_use.h"

namespace workflow::sweep {

std::string_view name(Action action) {
  switch (action) {
    case Action::warn:
      return "warn";
    case Action::retry:
      return "retry";
    case Action::stop:
      return "stop";
    case Action::clear:
      return "clear";
  }
  return "warn";
}

tasks::Order order_of(const Finding& finding) {
  return {.as = "failed", .by = "executor", .cls = finding.cls, .reason = finding.reason};
}

Json health_json(const Finding& finding, std::int64_t now_ms) {
  if (finding.action == Action::clear) return nullptr;
  return {{"class", finding.cls},
          {"action", name(finding.action)},
          {"reason", finding.reason},
          {"at", utc_text(now_ms)}};
}

struct HealthWatch::Watch {
  struct Run {
    int attempt = 0;
    SignReader reader;
    RunHealth health;
  };

  const tasks::Site& site;
  HealthRules rules;
  GpuActivity ask_gpus;
  std::int64_t next_ms = 0;
  bool gpus_answered = false;
  std::map<std::size_t, Run> runs{};

  /// The record of an attempt that goes on and that nobody has begun to end.
  [[nodiscard]] std::optional<RunView> going(const Watched& watched) const {
    const fs::path dir = site.run_dir(watched.run_id);
    auto view = look_at_run(site.files(), dir);
    if (!view || number_at(view->task.spec.identity, "attempt") != watched.attempt) return {};
    const auto& record = view->task.record;
    if (record.ended() || !record.ending.empty()) return {};
    if (view->task.leader != tasks::Liveness::alive) return {};
    if (presence(tasks::order_file(dir)) != Presence::absent) return {};
    return view;
  }

  /// What the busiest of a run's GPUs does, into `signs`.
  void look_at_gpus(const RunView& view, std::optional<std::map<std::string, int>>& activity,
                    Signs& signs) {
    const auto ids = gpus_of(view);
    if (ids.empty() || !ask_gpus) return;
    if (!activity) activity = ask_gpus();
    signs.gpu_unknown = activity->empty() && gpus_answered;
    gpus_answered = gpus_answered || !activity->empty();
    for (const auto& id : ids) {
      const auto it = activity->find(id);
      if (it != activity->end()) {
        signs.gpu_percent = std::max(signs.gpu_percent.value_or(0), it->second);
      }
    }
  }

  Run& run_of(const Watched& watched, const RunView& view) {
    const auto it = runs.find(watched.row);
    if (it != runs.end() && it->second.attempt == watched.attempt) return it->second;
    runs.erase(watched.row);
    Run run{watched.attempt, SignReader(site.run_dir(watched.run_id), patterns_of(view.task.spec)),
            RunHealth(rules)};
    return runs.emplace(watched.row, std::move(run)).first->second;
  }
};

HealthWatch::HealthWatch(const tasks::Site& site, GpuActivity gpus)
    : watch_(new Watch{site, health_rules(site), std::move(gpus)}) {}

HealthWatch::~HealthWatch() = default;

std::int64_t HealthWatch::next_ms() const { return watch_->next_ms; }

std::vector<Finding> HealthWatch::look(const std::vector<Watched>& going, std::int64_t now_ms) {
  Watch& watch = *watch_;
  if (now_ms < watch.next_ms) return {};
  watch.next_ms = now_ms + watch.rules.every_ms;
  std::erase_if(watch.runs, [&](const auto& run) {
    return std::ranges::find(going, run.first, &Watched::row) == going.end();
  });
  std::vector<Finding> found;
  if (going.empty()) return found;
  const tasks::ProcessTable processes;
  std::optional<std::map<std::string, int>> activity;
  for (const Watched& watched : going) {
    try {
      const auto view = watch.going(watched);
      if (!view) continue;
      Watch::Run& run = watch.run_of(watched, *view);
      const auto& record = view->task.record;
      Signs signs = run.reader.read(processes.use_of(record.leader, record.supervisor));
      if (run.health.looks_idle(signs, now_ms)) watch.look_at_gpus(*view, activity, signs);
      for (Finding& finding : run.health.judge(signs, now_ms)) {
        finding.row = watched.row;
        found.push_back(std::move(finding));
      }
    } catch (const Error&) {
      // A record that cannot be read now proves nothing; the executor looks at it itself.
    }
  }
  return found;
}

}  // namespace workflow::sweep
