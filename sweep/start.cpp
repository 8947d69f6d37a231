#include "sweep/start.h"

#include <optional>

#include "common/error.h"
#include "common/sha256.h"
#include "common/text.h"
#include "sweep/campaign.h"
#include "sweep/evidence.h"
#include "sweep/launch_line.h"
#include "sweep/other_executor.h"
#include "sweep/row_index.h"
#include "sweep/run.h"
#include "tasks/copy_process.h"
#include "tasks/launch.h"
#include "tasks/steps/code_now.h"

namespace workflow::sweep {
namespace {

using tasks::Liveness;

bool lives(const RunView& run) {
  return !run.task.record.ended() && run.task.leader != Liveness::gone;
}

class Start {
 public:
  Start(const tasks::Site& site, const SweepAsk& ask, std::string token)
      : site_(site),
        files_(site.files()),
        ask_(ask),
        token_(std::move(token)),
        sha256_(sha256_hex(ask.manifest)) {
    require_local_root(site);
    const Manifest manifest =
        parse_manifest(ask.manifest, ask.manifest_name, rules_for(member(site.args(), "settings")));
    for (const std::size_t i : select_rows(manifest, ask.selection)) {
      rows_.push_back(manifest.rows[i]);
    }
  }

  SweepStarted run(const tasks::Ask& state_ask) {
    tasks::StateKeeper keeper = site_.keeper();
    tasks::Ask ask = state_ask;
    ask.event = fsm::Event::sweep_start;
    code_ = tasks::code_now(keeper.load().claims);  // git is slow for a lock
    ask.effect = [this](tasks::StateRecord& record) { begin(record); };
    const auto advanced = keeper.advance(ask, [this](const tasks::StateRecord& record) {
      if (heard_before(record)) throw AlreadyRunning{told_of(record, true)};
      tasks::Evidence evidence = gather(site_, record);
      const auto truth = tasks::supported(record, evidence);
      const bool runs = truth.state == fsm::State::sweep_running;
      if (runs && !record.campaign.empty()) refuse_or_attach(record);
      require_no_executor(record, truth.state, evidence);
      living_ = evidence.living_runs;
      return evidence;
    });
    result_.notes.insert(result_.notes.begin(), advanced.notes.begin(), advanced.notes.end());
    return result_;
  }

  /// What run() would do, from what can be read: nothing is written and no lock taken.
  SweepPlan plan() {
    tasks::StateRecord record = site_.keeper().load();
    const tasks::Evidence evidence = gather(site_, record);
    record.state = tasks::supported(record, evidence).state;
    SweepPlan plan;
    plan.state = record.state;
    plan.rows = static_cast<std::int64_t>(rows_.size());
    if (record.state == fsm::State::sweep_running && !record.campaign.empty()) {
      refuse_or_attach(record);
    }
    plan.legal = fsm::next(record.state, fsm::Event::sweep_start).has_value();
    const bool stalled = record.state == fsm::State::sweep_stalled && !record.campaign.empty();
    const fs::path dir = site_.campaign_dir(record.campaign);
    plan.resumes = stalled && goes_on(dir);
    Campaign campaign;
    campaign.git_sha = tasks::code_now(record.claims).git_sha;
    const auto rows =
        plan.resumes ? RowIndex(files_, site_.clock(), dir).load() : judge_rows(campaign);
    for (const auto& row : rows) {
      if (!fsm::is_ended(row.state)) plan.run.push_back(row.run_id);
    }
    return plan;
  }

  /// Thrown through the keeper when there is nothing to start.
  struct AlreadyRunning {
    SweepStarted told;
  };

 private:
  [[nodiscard]] bool same_sweep(const Campaign& campaign) const {
    return campaign.manifest_sha256 == sha256_ &&
           campaign.selection.match == ask_.selection.match &&
           campaign.selection.start_at == ask_.selection.start_at &&
           campaign.selection.limit == ask_.selection.limit;
  }

  /// A stalled campaign of this manifest, which nobody has begun to stop.
  [[nodiscard]] bool goes_on(const fs::path& dir) const {
    return same_sweep(read_campaign(files_, dir)) && !fs::exists(stop_file(dir));
  }

  /// This very request started the sweep that the state names, and its answer was lost.
  [[nodiscard]] bool heard_before(const tasks::StateRecord& record) const {
    return !token_.empty() && text_at(member(record.claims, "sweep"), "request") == token_;
  }

  [[nodiscard]] SweepStarted told_of(const tasks::StateRecord& record, bool created) const {
    SweepStarted told;
    told.campaign_id = record.campaign;
    told.task_id = executor_task(record);
    told.created = created;
    told.rows = static_cast<std::int64_t>(rows_.size());
    return told;
  }

  void refuse_or_attach(const tasks::StateRecord& record) const {
    const Campaign going = read_campaign(files_, site_.campaign_dir(record.campaign));
    if (same_sweep(going)) throw AlreadyRunning{told_of(record, false)};
    throw Error(Code::busy,
                "busy: campaign " + going.id + " of '" + going.manifest_name + "' is running; " +
                    (going.manifest_sha256 == sha256_ ? "this is another selection of its rows"
                                                      : "this manifest is another one"),
                "wait for it (workflow sweep-watch) or end it: workflow sweep-stop",
                dump_json({{"holder", {{"campaign", going.id}}}}));
  }

  void begin(tasks::StateRecord& record) {
    const bool stalled = record.state == fsm::State::sweep_stalled && !record.campaign.empty();
    const fs::path old = site_.campaign_dir(record.campaign);
    if (stalled && goes_on(old)) return resume(read_campaign(files_, old), record);
    if (!living_.empty()) {
      throw Error(Code::busy,
                  "busy: of campaign " + record.campaign + " still going: " + join(living_, ", "),
                  "go on with that sweep, or end it: workflow sweep-stop",
                  dump_json({{"holder", {{"campaign", record.campaign}, {"runs", living_}}}}));
    }
    Campaign campaign;
    campaign.id = new_campaign_id(site_.clock());
    campaign.manifest_name = ask_.manifest_name;
    campaign.manifest_sha256 = sha256_;
    campaign.git_sha = code_.git_sha;
    if (!code_.remark.empty()) result_.notes.push_back(code_.remark);
    campaign.selection = ask_.selection;
    campaign.started_ms = site_.clock().now_ms();
    campaign.by = tasks::actor_json(site_.actor());
    campaign.site_args = site_.args();
    const std::vector<RowState> states = judge_rows(campaign);
    for (const auto& id : to_move_) move_aside(id);
    const fs::path dir = site_.campaign_dir(campaign.id);
    const fs::path manifests = site_.below("_manifests");
    try {
      write_campaign(files_, dir, campaign, ask_.manifest);
      RowIndex(files_, site_.clock(), dir).create(states);
      files_.make_dirs(manifests);
      files_.write(
          manifests / ("sweep-" + utc_stamp(campaign.started_ms) + "-" + campaign.id + ".csv"),
          ask_.manifest);
      files_.write(manifests / "sweep-latest.csv", ask_.manifest);
      start_executor(campaign, "sweep-" + campaign.id, record);
    } catch (const Error& fault) {
      // An executor that may still come up needs it.
      std::error_code ignored;
      if (fault.code() != Code::unreachable) fs::remove_all(dir, ignored);
      throw;
    }
    result_.rows = static_cast<std::int64_t>(states.size());
  }

  void resume(const Campaign& campaign, tasks::StateRecord& record) {
    const tasks::TaskStore store = site_.tasks();
    std::string task;
    for (int n = 2; store.exists(task = "sweep-" + campaign.id + "-" + std::to_string(n)); ++n) {
    }
    if (code_.git_sha != campaign.git_sha) {
      result_.notes.push_back("the code is at " + code_.git_sha + ", the campaign began at " +
                              campaign.git_sha);
    }
    start_executor(campaign, task, record);
    result_.resumed = true;
    result_.rows = static_cast<std::int64_t>(rows_.size());
  }

  /// Which rows have ended well already; a different row under a known id is told, or noted for
  /// being moved aside.
  std::vector<RowState> judge_rows(const Campaign& campaign) {
    std::vector<RowState> states;
    std::vector<Fault> conflicts;
    for (const Row& row : rows_) {
      RowState state;
      state.n = static_cast<std::int64_t>(states.size()) + 1;
      state.run_id = row.run_id;
      state.row_sha256 = row.sha256;
      state.config = row.config;
      state.seed = row.seed;
      const auto run = look_at_run(files_, site_.run_dir(row.run_id));
      if (run && run->row_sha256 != row.sha256) {
        if (lives(*run))
          throw Error(Code::busy, "run '" + row.run_id + "' is going with other values",
                      "wait for it, or end it: workflow task-cancel " + row.run_id);
        conflicts.push_back({ask_.manifest_name, row.line, 1,
                             "run_id '" + row.run_id + "' has run already with other values"});
        to_move_.push_back(row.run_id);
      } else if (run && run->state == RunState::success &&
                 !(ask_.redo_changed && text_at(run->summary, "git_sha") != campaign.git_sha)) {
        adopt_ended(*run, campaign, state);
      } else if (run && lives(*run) && run->campaign_id != campaign.id) {
        throw Error(Code::busy,
                    "run '" + row.run_id + "' of campaign " + run->campaign_id + " is still going",
                    "wait for it, or end it: workflow task-cancel " + row.run_id);
      }
      states.push_back(std::move(state));
    }
    if (!conflicts.empty() && !ask_.force) throw_conflicts(conflicts);
    return states;
  }

  void adopt_ended(const RunView& run, const Campaign& campaign, RowState& state) {
    state.state = RunState::success;
    state.skipped = true;
    state.started_at = text_at(run.summary, "started_at");
    state.ended_at = text_at(run.summary, "ended_at");
    state.result = index_result(run.summary);
    result_.skipped += 1;
    const std::string sha = text_at(run.summary, "git_sha");
    if (sha != campaign.git_sha) {
      result_.notes.push_back("'" + state.run_id + "' ran with git " + sha.substr(0, 7) +
                              " and is kept; --redo-changed runs it again");
    }
  }

  static void throw_conflicts(const std::vector<Fault>& conflicts) {
    std::string text;
    for (const auto& fault : conflicts) text += fault.text() + "\n";
    throw Error(Code::exists,
                text + counted(static_cast<std::int64_t>(conflicts.size()), "row") +
                    (conflicts.size() == 1 ? " differs" : " differ") +
                    " from what ran; nothing was started",
                "give them new ids, or --force moves the old runs to _bak");
  }

  void move_aside(const std::string& run_id) {
    const fs::path shelf = site_.below(fs::path("_bak") / run_id);
    files_.make_dirs(shelf);
    const fs::path to = free_name(shelf, utc_stamp(site_.clock().now_ms()));
    const tasks::RunOut out = out_place(site_, run_id);
    // First what may fail: another row must never resume from this one's checkpoints.
    if (site_.live()) {
      tasks::move_beside(out.durable.parent_path(),
                         site_.outputs() / to.lexically_relative(site_.root()));
    }
    if (out.sync && fs::exists(out.train)) {
      files_.rename(out.train,
                    free_name(out.train.parent_path(), run_id + ".old-" + to.filename().string()));
    }
    files_.rename(site_.run_dir(run_id), to);
  }

  void start_executor(const Campaign& campaign, const std::string& task_id,
                      tasks::StateRecord& record) {
    tasks::TaskStore store = site_.tasks();
    tasks::TaskSpec spec;
    spec.task_id = task_id;
    spec.kind = tasks::TaskKind::sweep;
    spec.argv = {tasks::agent_path(), "execute", site_.campaign_dir(campaign.id).string()};
    spec.leader_only = true;  // the runs have supervisors of their own and outlive it
    spec.grace_secs = site_.number("KILL_GRACE_SECS", 30);
    spec.tmux_session = site_.text("SWEEP_TMUX_SESSION");
    spec.token = random_hex(8);
    spec.identity = {{"campaign_id", campaign.id}};
    const FileLock lock = store.create(spec);
    tasks::start_supervisor(store.dir(task_id), lock, ask_.secrets);
    record.campaign = campaign.id;
    record.claims["sweep"] = {{"task_id", task_id}, {"request", token_}};
    result_.campaign_id = campaign.id;
    result_.task_id = task_id;
  }

  const tasks::Site& site_;
  Files& files_;
  const SweepAsk& ask_;
  std::string token_;  ///< of the request
  std::string sha256_;
  std::vector<Row> rows_;
  std::vector<std::string> living_;   ///< of the campaign that the state names
  std::vector<std::string> to_move_;  ///< runs of other values, to _bak with --force
  tasks::CodeNow code_;
  SweepStarted result_;
};

}  // namespace

SweepStarted start_sweep(const tasks::Site& site, const SweepAsk& ask,
                         const tasks::Ask& state_ask) {
  try {
    Start start(site, ask, state_ask.token);
    recover_record(site, state_ask);
    return start.run(state_ask);
  } catch (const Start::AlreadyRunning& already) {
    return already.told;
  }
}

SweepPlan plan_sweep(const tasks::Site& site, const SweepAsk& ask) {
  try {
    return Start(site, ask, {}).plan();
  } catch (const Start::AlreadyRunning& already) {
    SweepPlan plan;
    plan.state = fsm::State::sweep_running;
    plan.legal = true;
    plan.running = already.told.campaign_id;
    plan.rows = already.told.rows;
    return plan;
  }
}

}  // namespace workflow::sweep
