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

}  // namespace

std::string deciding_line(const std::string& said) {
  const auto lines = split(trim(said), '\n');
  for (const char* words : {"Permission denied (", "Host key verification failed"}) {
    for (const auto& line : lines) {
      if (line.find(words) != std::string::npos) return line;
    }
  }
  for (const char* mark : {"ssh: ", "fatal: ", "ERROR: ", "E: "}) {
    for (const auto& line : lines) {
      if (line.rfind(mark, 0) == 0) return line;
    }
  }
  return lines.back();
}

void Step::say(const std::string& text) const {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

void Step::warn(const std::string& text) const {
  say(text);
  site_.files().append(task_dir_ / "warnings", text + "\n");
}

std::string Step::said() const {
  const std::string log = read_tail(task_dir_ / "stdout.log", 8000).bytes;
  const auto call = log.rfind("\n$ ");
  const auto end = call == std::string::npos ? call : log.find('\n', call + 1);
  return end == std::string::npos ? log : log.substr(end + 1);
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
  throw Error(Code::work_failed, "'" + argv.front() + "' failed: " + why());
}

Captured Step::probe(const std::vector<std::string>& argv, const fs::path& workdir,
                     const std::vector<std::string>& env) const {
  CaptureSpec spec;
  spec.argv = argv;
  spec.env = environment_with(env);
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

std::string script_sha256(const Site& site) {
  const fs::path script = site.path("BOOTSTRAP_SCRIPT");
  const auto bytes = script.empty() ? std::nullopt : site.files().read(script);
  return bytes ? sha256_hex(*bytes) : std::string();
}

std::string step_inputs_sha256(const Site& site, fsm::Event step) {
  Json inputs = Json::object();
  const auto add = [&](const auto& keys) {
    for (const char* key : keys) inputs[key] = site.text(key);
  };
  if (step == fsm::Event::bootstrap) {
    add(bootstrap_inputs);
    inputs["script"] = script_sha256(site);
  } else {
    add(checkout_inputs);
    inputs["push"] = member(site.args(), "push");
  }
  return sha256_hex(dump_json(inputs));
}

}  // namespace workflow::tasks
