#include "sweep/start.h"

#include <optional>

#include "common/error.h"
#include "common/sha256.h"
#include "common/text.h"
#include "sweep/campaign.h"
#include "sweep/end_hook.h"
#include "sweep/evidence.h"
#include "sweep/executor_start.h"
#include "sweep/known_rows.h"
#include "sweep/launch_line.h"
#include "sweep/op_facts.h"
#include "sweep/other_executor.h"
#include "sweep/put_away.h"
#include "sweep/retry_failed.h"
#include "sweep/row_index.h"
#include "sweep/wandb_ready.h"
#include "tasks/steps/code_now.h"

namespace workflow::sweep {
namespace {

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
    wandb_fault_ = wandb_fault(site_, rows_, ask_.secrets);
    result_.notes = end_hook_notes(site_);
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
    if (const auto fault = wandb_fault(site_, rows_, named_secrets(site_))) throw Error(*fault);
    Campaign campaign;
    campaign.git_sha = tasks::code_now(record.claims).git_sha;
    const auto rows = plan.resumes ? RowIndex(files_, site_.clock(), dir).load()
                                   : judge_rows(site_, rows_, ask_, campaign).states;
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
    // Another manifest that was applied to it is what it is of, and all of it.
    if (const std::string applied = applied_manifest(site_, campaign.id); !applied.empty()) {
      return applied == sha256_ && ask_.selection == Selection{};
    }
    return campaign.manifest_sha256 == sha256_ && campaign.selection == ask_.selection;
  }

  /// A stalled campaign of this manifest, which nobody has begun to stop.
  [[nodiscard]] bool goes_on(const fs::path& dir) const {
    return same_sweep(read_campaign(files_, dir)) && !may_be_there(stop_file(dir));
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
                    difference(going),
                "wait for it (workflow sweep-watch) or end it: workflow sweep-stop",
                dump_json({{"holder", {{"campaign", going.id}}}}));
  }

  [[nodiscard]] std::string difference(const Campaign& going) const {
    if (!applied_manifest(site_, going.id).empty()) {
      return "since then another manifest was applied to it";
    }
    return going.manifest_sha256 == sha256_ ? "this is another selection of its rows"
                                            : "this manifest is another one";
  }

  void begin(tasks::StateRecord& record) {
    if (wandb_fault_) throw *wandb_fault_;
    const bool stalled = record.state == fsm::State::sweep_stalled && !record.campaign.empty();
    const fs::path old = site_.campaign_dir(record.campaign);
    if (stalled && goes_on(old)) return resume(read_campaign(files_, old), record);
    if (!living_.empty()) {
      throw Error(
          Code::busy,
          "busy: runs of " +
              (record.campaign.empty() ? "an earlier campaign" : "campaign " + record.campaign) +
              " are still going: " + join(living_, ", "),
          "go on with that sweep, or end it: workflow sweep-stop",
          dump_json({{"holder", {{"campaign", record.campaign}, {"runs", living_}}}}));
    }
    require_workdir();
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
    const JudgedRows judged = judge_rows(site_, rows_, ask_, campaign);
    result_.skipped = judged.skipped;
    result_.notes.insert(result_.notes.end(), judged.notes.begin(), judged.notes.end());
    for (const auto& id : judged.to_move) move_run_aside(site_, id);
    const fs::path dir = site_.campaign_dir(campaign.id);
    const fs::path manifests = site_.below("_manifests");
    try {
      write_campaign(files_, dir, campaign, ask_.manifest);
      RowIndex(files_, site_.clock(), dir).create(judged.states);
      files_.make_dirs(manifests);
      files_.write(
          manifests / ("sweep-" + utc_stamp(campaign.started_ms) + "-" + campaign.id + ".csv"),
          ask_.manifest);
      files_.write(manifests / "sweep-latest.csv", ask_.manifest);
      start_executor(campaign, record);
    } catch (const Error& fault) {
      // An executor that may still come up needs it.
      std::error_code ignored;
      if (fault.code() != Code::unreachable) fs::remove_all(dir, ignored);
      throw;
    }
    result_.rows = static_cast<std::int64_t>(judged.states.size());
  }

  /// Every row would fail for it, one after the other.
  void require_workdir() const {
    const std::string relative = site_.text("TRAIN_WORKDIR_REL");
    if (presence(site_.repo() / relative) != Presence::absent) return;
    throw Error(Code::precondition,
                "TRAIN_WORKDIR_REL is '" + relative + "', and '" +
                    (site_.repo() / relative).lexically_normal().string() + "' is not there",
                "set it to where the training is in the repository; '.' is its top");
  }

  void resume(const Campaign& campaign, tasks::StateRecord& record) {
    if (code_.git_sha != campaign.git_sha) {
      result_.notes.push_back("the code is at " + code_.git_sha + ", the campaign began at " +
                              campaign.git_sha);
    }
    start_executor(campaign, record);
    result_.resumed = true;
    result_.rows = static_cast<std::int64_t>(rows_.size());
  }

  void start_executor(const Campaign& campaign, tasks::StateRecord& record) {
    result_.task_id = sweep::start_executor(
        site_, {.campaign_id = campaign.id, .request = token_, .secrets = ask_.secrets}, record);
    result_.campaign_id = campaign.id;
  }

  const tasks::Site& site_;
  Files& files_;
  const SweepAsk& ask_;
  std::string token_;  ///< of the request
  std::string sha256_;
  std::vector<Row> rows_;
  std::vector<std::string> living_;  ///< of the campaign that the state names
  tasks::CodeNow code_;
  std::optional<Error> wandb_fault_;
  SweepStarted result_;
};

}  // namespace

SweepStarted start_sweep(const tasks::Site& site, const SweepAsk& asked,
                         const tasks::Ask& state_ask) {
  const SweepAsk ask = with_failed_rows(site, asked);
  try {
    Start start(site, ask, state_ask.token);
    recover_record(site, state_ask);
    return start.run(state_ask);
  } catch (const Start::AlreadyRunning& already) {
    return already.told;
  }
}

SweepPlan plan_sweep(const tasks::Site& site, const SweepAsk& asked) {
  const SweepAsk ask = with_failed_rows(site, asked);
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
