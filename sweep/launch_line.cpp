#include "sweep/launch_line.h"

#include <algorithm>

#include "common/error.h"
#include "common/text.h"
#include "tasks/gpu_hold.h"

namespace workflow::sweep {
namespace {

struct Wandb {
  std::string log;
  std::string group;
  std::string project;
};

Wandb wandb_for(const tasks::Site& site, const Campaign& campaign) {
  const std::string group = site.text("WANDB_GROUP");
  return {site.flag("SWEEP_WANDB") ? "auto" : "False", group.empty() ? campaign.id : group,
          site.text("WANDB_PROJECT")};
}

std::int64_t processes(const tasks::Site& site, const Allotment& allotment) {
  const std::int64_t fixed = parse_integer(site.text("SWEEP_NPROC")).value_or(0);
  return fixed > 0 ? fixed
                   : std::max<std::int64_t>(1, static_cast<std::int64_t>(allotment.gpus.size()));
}

std::vector<std::string> torchrun(const tasks::Site& site, const Campaign& campaign, const Row& row,
                                  std::int64_t nproc) {
  const Wandb wandb = wandb_for(site, campaign);
  // What --standalone means since torch 2: a rendezvous of its own on a free port. Older ones share
  // port 29400, and the first of two rows to end takes the other along.
  std::vector<std::string> argv{(site.repo() / ".venv/bin/python").string(),
                                "-m",
                                "torch.distributed.run",
                                "--rdzv_backend=c10d",
                                "--rdzv_endpoint=localhost:0",
                                "--rdzv_id=" + campaign.id + "-" + row.run_id,
                                "--nproc_per_node=" + std::to_string(nproc),
                                site.text("TRAIN_SCRIPT"),
                                row.config,
                                "out_dir=" + out_place(site, row.run_id).train.string()};
  if (const auto data = site.path("DATA_DIR"); !data.empty()) {
    argv.push_back("data_dir=" + data.string());
  }
  argv.insert(argv.end(), {"seed=" + std::to_string(row.seed), "wandb_log=" + wandb.log,
                           "wandb_group=" + wandb.group, "wandb_run_name=" + row.run_id});
  if (!wandb.project.empty()) argv.push_back("wandb_project=" + wandb.project);
  const auto words = split_words(row.overrides);
  if (!words) bug("overrides that do not split reached the launch");
  argv.insert(argv.end(), words->begin(), words->end());
  return argv;
}

std::vector<std::string> environment(const tasks::Site& site, const Campaign& campaign,
                                     const Row& row, const Allotment& allotment) {
  const Wandb wandb = wandb_for(site, campaign);
  const fs::path dir = site.run_dir(row.run_id);
  std::vector<std::string> env{"RUN_ID=" + row.run_id,
                               "CONFIG=" + row.config,
                               "SEED=" + std::to_string(row.seed),
                               "OVERRIDES=" + row.overrides,
                               "TRAIN_OUT_DIR=" + out_place(site, row.run_id).train.string(),
                               "DATA_DIR=" + site.path("DATA_DIR").string(),
                               "NPROC_PER_NODE=" + std::to_string(processes(site, allotment)),
                               "WANDB_LOG=" + wandb.log,
                               "WANDB_GROUP=" + wandb.group,
                               "WANDB_RUN_NAME=" + row.run_id,
                               "WANDB_PROJECT=" + wandb.project,
                               "OPS_REMOTE_REPO=" + site.repo().string(),
                               "VENV_PYTHON=" + (site.repo() / ".venv/bin/python").string(),
                               "WF_METRICS_FILE=" + (dir / "metrics.jsonl").string(),
                               "WF_ATTEMPT=" + std::to_string(allotment.attempt),
                               campaign_mark(campaign)};
  if (const auto home = site.path("HF_HOME"); !home.empty()) {
    env.push_back("HF_HOME=" + home.string());
  }
  if (!allotment.gpus.empty()) {
    env.push_back("CUDA_VISIBLE_DEVICES=" + join(allotment.gpus, ","));
  }
  env.insert(env.end(), row.env.begin(), row.env.end());
  return env;
}

}  // namespace

std::string campaign_mark(const Campaign& campaign) { return "WF_CAMPAIGN_ID=" + campaign.id; }

tasks::RunOut out_place(const tasks::Site& site, const std::string& run_id) {
  tasks::RunOut out;
  out.sync = site.text("RUN_OUT_MODE") == "local_sync";
  out.durable = site.outputs() / run_id / "out";
  out.train =
      out.sync ? (site.path("RUN_OUT_LOCAL_ROOT") / run_id).lexically_normal() : out.durable;
  out.every_secs = site.number("SYNC_INTERVAL_SECS", 60);
  return out;
}

void require_local_root(const tasks::Site& site) {
  if (site.text("RUN_OUT_MODE") != "local_sync") return;
  const fs::path root = site.path("RUN_OUT_LOCAL_ROOT");
  if (!root.is_absolute()) {
    throw Error(Code::usage, "RUN_OUT_LOCAL_ROOT '" + root.string() + "' is no absolute path",
                "name a directory of a local disk there");
  }
  // Symlinks of the local side are followed; the other side may hang.
  for (const auto& path : {root.lexically_normal(), fs::weakly_canonical(root)}) {
    const auto within = path.lexically_relative(site.outputs().lexically_normal());
    if (within.empty() || *within.begin() == "..") continue;
    throw Error(Code::usage,
                "RUN_OUT_LOCAL_ROOT '" + root.string() + "' lies in the outputs directory '" +
                    site.outputs().string() + "', which local_sync copies to",
                "name a directory of a local disk");
  }
}

tasks::TaskSpec run_spec(const tasks::Site& site, const Campaign& campaign, const Row& row,
                         const Allotment& allotment) {
  tasks::TaskSpec spec;
  spec.task_id = row.run_id;
  spec.kind = tasks::TaskKind::run;
  const std::string command = site.text("TRAIN_COMMAND_TEMPLATE");
  const bool launcher = trim(command).empty();
  if (launcher) {
    spec.argv = torchrun(site, campaign, row, processes(site, allotment));
  } else {
    spec.text = command;
  }
  spec.workdir = (site.repo() / site.text("TRAIN_WORKDIR_REL")).lexically_normal().string();
  spec.env = environment(site, campaign, row, allotment);
  spec.timeout_secs = row.timeout_secs.value_or(site.number("RUN_TIMEOUT_SECS"));
  spec.grace_secs = site.number("KILL_GRACE_SECS", 30);
  spec.log_max_bytes = parse_size(site.text("LOG_MAX_SIZE")).value_or(0);
  spec.token = random_hex(8);
  spec.owner = {{"secret_names", split(site.text("WF_SECRETS"), ' ')}};
  if (const auto text = site.text("METRIC_PATTERNS"); !text.empty()) {
    spec.owner["metric_patterns"] = text;
  }
  if (launcher) spec.owner["launcher"] = true;  // launcher_end.h
  spec.identity = {
      {"run_id", row.run_id},       {"config", row.config},        {"seed", row.seed},
      {"overrides", row.overrides}, {"notes", row.notes},          {"campaign_id", campaign.id},
      {"row_sha256", row.sha256},   {"git_sha", campaign.git_sha}, {"attempt", allotment.attempt},
      {"gpus", allotment.gpus}};
  if (allotment.leases != nullptr && !allotment.gpus.empty()) {
    tasks::note_gpu_lease(spec, *allotment.leases, allotment.gpus);
  }
  if (!allotment.origin.is_null()) spec.identity["origin"] = allotment.origin;
  const tasks::RunOut out = out_place(site, row.run_id);
  if (out.sync || site.live()) {
    spec.owner["out"] = tasks::run_out_json(out);
    spec.identity["train_out_dir"] = out.train.string();
    spec.identity["durable_out_dir"] = out.durable.string();
  }
  return spec;
}

}  // namespace workflow::sweep
