#include "tasks/steps/step.h"

#include <cstdio>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/sha256.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

constexpr const char* bootstrap_inputs[] = {
    "REMOTE_PYTHON_BIN",  "AUTO_INSTALL_PREREQS", "APT_PACKAGES", "BOOTSTRAP_SCRIPT",
    "WANDB_SETUP_SCRIPT", "RUN_WANDB_SETUP",      "SWEEP_WANDB"};
constexpr const char* checkout_inputs[] = {
    "REPO_URL",          "CHECKOUT_BRANCH",    "CHECKOUT_PR",
    "CHECKOUT_SOURCE",   "EXPECT_GIT_SHA",     "CHECKOUT_FORCE_CLEAN",
    "REMOTE_PYTHON_BIN", "VENV_RECREATE",      "CHECKOUT_INSTALL_CMD",
    "CHECKOUT_POST_CMD", "REQUIRE_GPU_TORCH",  "OPS_REMOTE_REPO",
    "DATA_DIR",          "DATA_REQUIRED_GLOB", "DATA_DOWNLOAD_CMD",
    "DOWNLOAD_FINEWEB"};

std::string display(const std::vector<std::string>& argv) {
  std::string text;
  for (const auto& word : argv) text += (text.empty() ? "" : " ") + shell_quote(word);
  return text;
}

/// Why a program failed: of what it said since it was called the line that names the fault, else
/// the last one, which may only be advice.
std::string deciding_line(const std::string& log) {
  const auto call = log.rfind("\n$ ");
  const auto lines = split(call == std::string::npos ? log : log.substr(call + 1), '\n');
  for (const auto& line : lines) {
    for (const char* mark : {"ssh: ", "fatal: ", "ERROR: ", "E: "}) {
      if (line.rfind(mark, 0) == 0) return line;
    }
  }
  return lines.back();
}

}  // namespace

void Step::say(const std::string& text) const {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

bool Step::try_run(const std::vector<std::string>& argv, const fs::path& workdir,
                   const std::vector<std::string>& env) const {
  say("$ " + display(argv));
  SpawnSpec spec;
  spec.argv = argv;
  spec.env = environment_with(env);
  spec.workdir = workdir;
  spec.out = 1;
  spec.err = 1;
  const Spawned child = spawn(spec);
  if (child.failure) {
    say(child.failure->words());
    return false;
  }
  return ExitStatus::from_wait(wait_for_child(child.pid)).ok();
}

void Step::run(const std::vector<std::string>& argv, const fs::path& workdir,
               const std::vector<std::string>& env) const {
  if (try_run(argv, workdir, env)) return;
  // The last thing it said is mostly why.
  const std::string log(trim(read_tail(task_dir_ / "stdout.log", 2000).bytes));
  throw Error(Code::work_failed, "'" + argv.front() + "' failed: " + deciding_line(log));
}

Captured Step::probe(const std::vector<std::string>& argv, const fs::path& workdir) const {
  CaptureSpec spec;
  spec.argv = argv;
  spec.workdir = workdir;
  spec.limit_ms = 120'000;
  return capture(spec);
}

std::optional<std::string> Step::ask(const std::vector<std::string>& argv,
                                     const fs::path& workdir) const {
  const Captured answer = probe(argv, workdir);
  if (!answer.ok()) return std::nullopt;
  return std::string(trim(answer.out));
}

void Step::found(const Json& claims, const std::string& summary) const {
  site_.files().write(task_dir_ / "result.json",
                      pretty_json({{"claims", claims}, {"summary", summary}}));
}

void write_remote_env(const Step& step) {
  const Site& site = step.site();
  const fs::path path = site.path("REMOTE_ENV_PATH");
  if (path.empty()) return;
  std::string text = "# Written by workflow for your own scripts; changes here have no effect.\n";
  const auto put = [&](const std::string& key, const std::string& value) {
    if (!value.empty()) text += "export " + key + "=" + shell_quote(value) + "\n";
  };
  put("OPS_REMOTE_OUTPUTS_DIR", site.outputs().string());
  put("OPS_REMOTE_REPO", site.repo().string());
  put("DATA_DIR", site.path("DATA_DIR").string());
  put("HF_HOME", site.path("HF_HOME").string());
  put("VENV_PYTHON", (site.repo() / ".venv/bin/python").string());
  for (const char* key : {"REPO_URL", "CHECKOUT_BRANCH", "CHECKOUT_PR", "TRAIN_WORKDIR_REL",
                          "REMOTE_PYTHON_BIN", "WANDB_PROJECT", "WANDB_GROUP"}) {
    put(key, site.text(key));
  }
  site.files().make_dirs(path.parent_path());
  site.files().write(path, text, {.mode = 0600});
}

std::string step_inputs_sha256(const Site& site, fsm::Event step) {
  Json inputs = Json::object();
  const auto add = [&](const auto& keys) {
    for (const char* key : keys) inputs[key] = site.text(key);
  };
  if (step == fsm::Event::bootstrap) {
    add(bootstrap_inputs);
    const fs::path script = site.path("BOOTSTRAP_SCRIPT");
    if (!script.empty()) inputs["script"] = site.files().read(script).value_or("");
  } else {
    add(checkout_inputs);
  }
  return sha256_hex(dump_json(inputs));
}

}  // namespace workflow::tasks
