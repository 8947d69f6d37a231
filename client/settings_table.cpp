#include "client/settings_table.h"

#include <algorithm>
#include <iterator>

#include "common/error.h"
#include "common/text.h"

namespace workflow::client {
namespace {

// Columns: key, kind, family, default; meaning, then where they differ: the default on target
// `local`, the default where the first is not writable, the choices.
// The formatter would break the columns.
// clang-format off
constexpr SettingRow rows[] = {
    {"WF_TARGET",                      Kind::text,        Family::target,     "",
     "where to work: local, ssh:ALIAS, ssh://user@host:port or PROVIDER:ID"},
    {"LIUM_TARGET",                    Kind::text,        Family::target,     "",
     "a Lium pod: name, id or index of `lium ps`; WF_TARGET wins"},
    {"OPS_DEFAULT_HOST",               Kind::text,        Family::target,     "",
     "an ssh alias; WF_TARGET and LIUM_TARGET win"},
    {"WF_TRANSPORT",                   Kind::choice,      Family::target,     "auto",
     "auto: your live ControlMaster, else libssh2, else openssh; or one of the two",
     {}, {}, "auto libssh2 openssh"},
    {"WF_SECRETS",                     Kind::names,       Family::target,     "",
     "names, not values, of variables handed to tasks and runs, never written to disk"},
    {"WF_PROVIDER",                    Kind::name,        Family::pod,        "",
     "loopback, lium, runpod, vast, lambda, or NAME of workflow-provider-NAME"},
    {"WF_PROVISION",                   Kind::query,       Family::pod,        "",
     "what to rent: type=H100,count=2,max_price=3; keys: workflow help pod-up"},
    {"POD_MAX_HOURS",                  Kind::amount,      Family::pod,        "",
     "a rented pod ends after so many hours, by the provider's timer or its own"},
    {"POD_MAX_COST",                   Kind::amount,      Family::pod,        "",
     "or when it has cost that many USD"},
    {"POD_IMAGE",                      Kind::text,        Family::pod,        "",
     "container image of a rented pod; the provider's for PyTorch without it"},
    {"POD_SSH_KEY",                    Kind::path_here,   Family::pod,        "",
     "private key for rented pods, its .pub beside it; your ~/.ssh/id_ed25519 without it"},
    {"LIUM_POD_NAME",                  Kind::text,        Family::pod,        "",
     "name of the pod to rent"},
    {"LIUM_EXECUTOR_ID",               Kind::text,        Family::pod,        "",
     "rent exactly this executor"},
    {"LIUM_GPU",                       Kind::text,        Family::pod,        "",
     "GPU type to rent, e.g. H100"},
    {"LIUM_COUNT",                     Kind::positive,    Family::pod,        "1",
     "GPUs to rent"},
    {"LIUM_COUNTRY",                   Kind::text,        Family::pod,        "",
     "rent only in this country, e.g. US"},
    {"LIUM_PORTS",                     Kind::text,        Family::pod,        "",
     "ports the pod must offer"},
    {"LIUM_VOLUME",                    Kind::text,        Family::pod,        "",
     "volume to mount: id:HUID or new:name=NAME"},
    {"LIUM_TTL",                       Kind::seconds,     Family::pod,        "",
     "the pod ends by itself after this long, e.g. 2h"},
    {"LIUM_YES",                       Kind::flag,        Family::pod,        "0",
     "1: rent without asking"},
    {"LIUM_UP_TIMEOUT_SECS",           Kind::seconds,     Family::pod,        "600",
     "how long the provider may take to start a pod"},
    {"POD_WAIT_MAX_SECS",              Kind::seconds,     Family::pod,        "600",
     "how long to wait until the target answers"},
    {"OPS_REMOTE_OUTPUTS_DIR",         Kind::path_there,  Family::remote,
     "/mnt/pod_artifacts/outputs",
     "durable root of records and results; chosen once, then recorded",
     ".workflow/outputs", "~/workflow/outputs"},
    {"OPS_REMOTE_REPO",                Kind::path_there,  Family::remote,     "~/workflow/repo",
     "the working copy", ".workflow/repo"},
    {"REMOTE_ENV_PATH",                Kind::path_there,  Family::remote,     "/mnt/project.env",
     "written for your own scripts, without secrets; we never read it back",
     ".workflow/project.env", "${OPS_REMOTE_OUTPUTS_DIR}/project.env"},
    {"HF_HOME",                        Kind::path_there,  Family::remote,     "",
     "cache of Hugging Face on the target"},
    {"WF_FSM_ENFORCE",                 Kind::flag,        Family::state,      "1",
     "0: refusals become warnings, transitions are recorded as unenforced"},
    {"WF_STATE_FILE",                  Kind::path_there,  Family::state,
     "${OPS_REMOTE_OUTPUTS_DIR}/_control/workflow_state.json",
     "the record of the workflow's state"},
    {"WF_TMUX_SESSION",                Kind::session,     Family::state,      "wf",
     "tmux session of tasks"},
    {"SWEEP_TMUX_SESSION",             Kind::session,     Family::state,      "sweeps",
     "tmux session of sweeps"},
    {"WF_TMUX_SOCKET",                 Kind::text,        Family::state,      "",
     "name of the tmux server's socket (tmux -L); tmux's own without it"},
    {"WF_GPU_LEASE_DIR",               Kind::path_there,  Family::state,      "",
     "who has which GPU, for all users of a machine; /var/tmp/workflow-gpus without it"},
    {"TASK_TIMEOUT_SECS",              Kind::seconds,     Family::limits,     "86400",
     "limit of a task; 0: none"},
    {"RUN_TIMEOUT_SECS",               Kind::seconds,     Family::limits,     "604800",
     "limit of a run; 0: none"},
    {"KILL_GRACE_SECS",                Kind::seconds,     Family::limits,     "30",
     "from TERM to KILL"},
    {"RUN_STOP_GRACE_SECS",            Kind::seconds,     Family::limits,     "120",
     "the same for run-stop and run-delete: time to save a checkpoint, also under torchrun"},
    {"RUN_STALL_SECS",                 Kind::seconds,     Family::limits,     "1800",
     "a run without progress for this long is stalled; 0: never"},
    {"LOG_MAX_SIZE",                   Kind::size,        Family::limits,     "10G",
     "the middle of a log that is larger is left out, its head and tail stay; 0: never"},
    {"MIN_FREE_SPACE",                 Kind::size,        Family::limits,     "1G",
     "no run starts while the disk of the outputs has less than this free; 0: no floor"},
    {"RUN_STALL_POLICY",               Kind::choice,      Family::limits,     "warn",
     "then: warn of it; retry: end it and try once more; stop: end it", {}, {}, "warn retry stop"},
    {"RUN_SILENT_SECS",                Kind::seconds,     Family::limits,     "0",
     "stalled too: nothing in log and metrics for this long, although busy; 0: never"},
    {"RUN_NAN_POLICY",                 Kind::choice,      Family::limits,     "warn",
     "when a loss is NaN or infinite: warn of it, stop or retry", {}, {}, "warn stop retry"},
    {"RUN_NAN_KEYS",                   Kind::text,        Family::limits,     "",
     "metrics that must be finite; without it every loss, and a grad_norm 20 times in a row"},
    {"RUN_LOSS_LIMIT",                 Kind::real,        Family::limits,     "",
     "a loss above this three times in a row has diverged and is treated as NaN"},
    {"REPO_URL",                       Kind::text,        Family::checkout,   "",
     "git repository to check out on the target; a private one with GIT_TOKEN in WF_SECRETS"},
    {"CHECKOUT_BRANCH",                Kind::text,        Family::checkout,   "",
     "branch; the remote's default without it"},
    {"CHECKOUT_SOURCE",                Kind::choice,      Family::checkout,   "git",
     "git: REPO_URL; push: this machine's tree, shipped as a snapshot", {}, {}, "git push"},
    {"PUSH_UNTRACKED",                 Kind::flag,        Family::checkout,   "0",
     "push ships files that git neither tracks nor ignores, too"},
    {"CHECKOUT_PR",                    Kind::positive,    Family::checkout,   "",
     "number of a pull request to check out instead of a branch"},
    {"EXPECT_GIT_SHA",                 Kind::sha,         Family::checkout,   "",
     "refuse any other commit; the beginning of its hash"},
    {"CHECKOUT_FORCE_CLEAN",           Kind::flag,        Family::checkout,   "0",
     "1: throw away changes made on the target"},
    {"REMOTE_PYTHON_BIN",              Kind::text,        Family::checkout,   "python3",
     "python of the virtual environment"},
    {"VENV_RECREATE",                  Kind::flag,        Family::checkout,   "0",
     "1: build the virtual environment anew"},
    {"CHECKOUT_INSTALL_CMD",           Kind::text,        Family::checkout,   "",
     "installs the requirements; run by bash in the working copy"},
    {"CHECKOUT_POST_CMD",              Kind::text,        Family::checkout,   "",
     "runs after the install"},
    {"REQUIRE_GPU_TORCH",              Kind::flag,        Family::checkout,   "1",
     "1: torch must see CUDA, before the install and after, and be the image's own"},
    {"BOOTSTRAP_SCRIPT",               Kind::path_there,  Family::prepare,    "",
     "a script on the target that bootstrap runs"},
    {"WANDB_SETUP_SCRIPT",             Kind::path_there,  Family::prepare,    "",
     "a script on the target that logs in to W&B, run when SWEEP_WANDB=1"},
    {"RUN_WANDB_SETUP",                Kind::flag,        Family::prepare,    "0",
     "1: run WANDB_SETUP_SCRIPT without SWEEP_WANDB too"},
    {"AUTO_INSTALL_PREREQS",           Kind::flag,        Family::prepare,    "0",
     "1: install APT_PACKAGES where they are missing"},
    {"APT_PACKAGES",                   Kind::text,        Family::prepare,
     "git tmux rsync curl python3 python3-venv",
     "what bootstrap installs where it is missing, and then looks for"},
    {"DATA_DIR",                       Kind::path_there,  Family::data,       "",
     "training data on the target"},
    {"DATA_REQUIRED_GLOB",             Kind::text,        Family::data,       "",
     "patterns of files that must be in DATA_DIR and not empty, e.g. *.bin"},
    {"DATA_DOWNLOAD_CMD",              Kind::text,        Family::data,       "",
     "fills DATA_DIR when files are missing; run there by bash after the install"},
    {"DOWNLOAD_FINEWEB",               Kind::flag,        Family::data,       "0",
     "1: preset of the two keys above: a pair of FineWeb shards, with curl"},
    {"SWEEP_CSV",                      Kind::path_here,   Family::sweep,      "sweep.csv",
     "the manifest, relative to this file"},
    {"SWEEP_MATCH",                    Kind::text,        Family::sweep,      "",
     "only rows whose run_id contains this, or matches /regex/ (POSIX extended)"},
    {"SWEEP_START_AT",                 Kind::text,        Family::sweep,      "",
     "begin with this run_id"},
    {"SWEEP_LIMIT",                    Kind::positive,    Family::sweep,      "",
     "at most that many of the selected rows"},
    {"SWEEP_FORCE",                    Kind::flag,        Family::sweep,      "0",
     "1: a different row under an existing id moves the old run to _bak"},
    {"SWEEP_FAIL_FAST",                Kind::flag,        Family::sweep,      "0",
     "1: start no further run after the first failure"},
    {"SWEEP_MAX_RETRIES",              Kind::count,       Family::sweep,      "1",
     "how often a run is tried again whose failure may pass by itself"},
    {"SWEEP_MAX_CONSECUTIVE_FAILURES", Kind::count,       Family::sweep,      "5",
     "as many failures in a row stop the sweep; 0: never"},
    {"SWEEP_GPUS_PER_RUN",             Kind::gpus,        Family::sweep,      "all",
     "GPUs of one run: N, 1/2, all; as many rows side by side as fit"},
    {"SWEEP_SLOTS",                    Kind::positive,    Family::sweep,      "1",
     "rows side by side on a machine without GPUs"},
    {"SWEEP_NPROC",                    Kind::positive,    Family::sweep,      "",
     "processes of one run; as many as it has GPUs, 1 without any"},
    {"SWEEP_END_CMD",                  Kind::text,        Family::sweep,      "",
     "run by bash on the target when a sweep has ended or stalled; WF_EVENT_FILE tells of it"},
    {"SWEEP_END_WEBHOOK",              Kind::url,         Family::sweep,      "",
     "URL that gets the same as JSON, by curl; a secret one as SWEEP_WEBHOOK_URL in WF_SECRETS"},
    {"SWEEP_WANDB",                    Kind::flag,        Family::sweep,      "0",
     "1: runs log to W&B"},
    {"WANDB_PROJECT",                  Kind::text,        Family::sweep,      "",
     "W&B project"},
    {"WANDB_GROUP",                    Kind::text,        Family::sweep,      "",
     "W&B group; the campaign id without it"},
    {"TRAIN_WORKDIR_REL",              Kind::text,        Family::training,   "examples/nanogpt",
     "where training runs, inside the working copy"},
    {"TRAIN_SCRIPT",                   Kind::text,        Family::training,   "train.py",
     "what torchrun starts there"},
    {"TRAIN_COMMAND_TEMPLATE",         Kind::text,        Family::training,   "",
     "run by bash instead of torchrun; reads RUN_ID, CONFIG, SEED and the like"},
    {"METRIC_PATTERNS",                Kind::patterns,    Family::training,   "",
     "metrics read from the log: 'step; loss=train loss; lr=lr is (\\S+)', separated by ';'"},
    {"RUN_OUT_MODE",                   Kind::choice,      Family::training,   "durable",
     "durable: runs write to the outputs; local_sync: to a local disk, copied over",
     {}, {}, "durable local_sync"},
    {"RUN_OUT_LOCAL_ROOT",             Kind::path_there,  Family::training,
     "${OPS_REMOTE_REPO}/${TRAIN_WORKDIR_REL}/out",
     "the local disk of local_sync"},
    {"SYNC_INTERVAL_SECS",             Kind::seconds,     Family::training,   "60",
     "how often local_sync copies"},
    {"LOCAL_ARTIFACTS_DIR",            Kind::path_here,   Family::artifacts,  "artifacts/pod_logs",
     "where fetched results go, relative to this file"},
    {"FETCH_INCLUDE_CHECKPOINTS",      Kind::flag,        Family::artifacts,  "0",
     "1: fetch *.pt *.pth *.ckpt *.safetensors checkpoint*/ too"},
};
// clang-format on

consteval bool keys_are_unique() {
  for (const auto& row : rows) {
    if (std::ranges::count(rows, row.key, &SettingRow::key) != 1) return false;
  }
  return true;
}
static_assert(keys_are_unique(), "settings: a key stands in two rows");

constexpr std::string_view prefixes[] = {
    "WF_",     "LIUM_", "OPS_",      "SWEEP_",   "CHECKOUT_",  "RUN_",   "TRAIN_",
    "WANDB_",  "DATA_", "REMOTE_",   "TASK_",    "POD_",       "LOCAL_", "FETCH_",
    "SYNC_",   "KILL_", "REQUIRE_",  "VENV_",    "BOOTSTRAP_", "AUTO_",  "APT_",
    "EXPECT_", "REPO_", "DOWNLOAD_", "LOG_MAX_", "MIN_FREE_",  "METRIC_"};

}  // namespace

std::span<const SettingRow> setting_rows() { return rows; }

const SettingRow* find_setting(std::string_view key) {
  const auto* row = std::ranges::find(rows, key, &SettingRow::key);
  return row == std::end(rows) ? nullptr : row;
}

const SettingRow& setting_row(std::string_view key) {
  const SettingRow* row = find_setting(key);
  if (row == nullptr) bug("no setting is called '" + std::string(key) + "'");
  return *row;
}

bool has_our_prefix(std::string_view key) {
  return std::ranges::any_of(prefixes, [&](auto prefix) { return key.starts_with(prefix); });
}

std::string nearest_setting(std::string_view key) {
  std::vector<std::string> keys;
  for (const auto& row : rows) keys.emplace_back(row.key);
  return nearest(key, keys);
}

}  // namespace workflow::client
