#include "tests/support/workspace.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "common/error.h"
#include "common/text.h"
#include "common/unique_fd.h"
#include "tasks/process.h"
#include "tests/support/eventually.h"
#include "tests/support/provoked.h"

namespace workflow::test {
namespace {

/// Settings of whoever runs the tests must not reach the programs under test.
bool of_ours(const std::string& entry) {
  for (const char* prefix :
       {"WF_",   "WORKFLOW_", "LIUM_",     "OPS_",    "SWEEP_",
        "RUN_",  "TRAIN_",    "CHECKOUT_", "REMOTE_", "TASK_",
        "KILL_", "POD_",      "RUNPOD_",   "VAST_",   "LAMBDA_",
        "XDG_",  "TMUX",      "GIT_",      "WANDB_",  "CUDA_VISIBLE_DEVICES"}) {
    if (entry.rfind(prefix, 0) == 0) return true;
  }
  return false;
}

}  // namespace

std::string workflow_program() { return WORKFLOW_BIN_DIR "/workflow"; }
std::string agent_program() { return WORKFLOW_BIN_DIR "/workflow-agent"; }

Workspace::Workspace(const std::string& settings) {
  const char* tmp = std::getenv("TMPDIR");
  std::string pattern = std::string(tmp != nullptr ? tmp : "/tmp") + "/workflow-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  dir_ = pattern;
  socket_ = dir_.filename().string();
  fs::create_directories(home());
  write("workflow.env", "WF_TARGET=local\nWF_TMUX_SOCKET=" + socket_ +
                            "\nREQUIRE_GPU_TORCH=0\nTRAIN_WORKDIR_REL=.\nKILL_GRACE_SECS=2\n"
                            "WF_GPU_LEASE_DIR=" +
                            (dir_ / "gpus").string() + "\nREPO_URL=" + (dir_ / "repo").string() +
                            "\n" + settings);
}

Workspace::~Workspace() {
  for (const auto& [argv, file] : started_) {
    note_words(argv, real_files().read(dir_ / file).value_or(""));
  }
  CaptureSpec tmux;
  tmux.argv = {"tmux", "-L", socket_, "kill-server"};
  (void)capture(tmux);
  std::error_code unlinked;  // tmux leaves the socket of a server that was killed
  fs::remove(fs::path("/tmp") / ("tmux-" + std::to_string(::getuid())) / socket_, unlinked);
  const std::string mark = "HOME=" + home().string();
  (void)eventually([&] {
    const auto left = tasks::carrying(mark);
    for (const auto& process : left) tasks::send_signal(process, SIGKILL);
    return left.empty();
  });
  std::error_code removed;
  fs::remove_all(dir_, removed);
}

std::vector<std::string> Workspace::environment() const {
  std::vector<std::string> env;
  for (auto& entry : environment_with({"HOME=" + home().string(), "USER=tester", "TERM=dumb"})) {
    const bool replaced = extra_.contains(entry.substr(0, entry.find('=')));
    if (!of_ours(entry) && !replaced) env.push_back(std::move(entry));
  }
  for (const auto& [key, value] : extra_) env.push_back(key + "=" + value);
  return env;
}

Captured Workspace::run(std::vector<std::string> words) const {
  words.insert(words.begin(), workflow_program());
  CaptureSpec spec;
  spec.argv = std::move(words);
  spec.env = environment();
  spec.workdir = dir_;
  spec.limit_ms = 120'000;
  return provoked(spec);
}

Json Workspace::json(std::vector<std::string> words) const {
  words.insert(words.begin(), "--json");
  const Captured answer = run(words);
  const auto lines = split(trim(answer.out), '\n');
  try {
    return parse_json(lines.back(), "stdout");
  } catch (const Error&) {
    throw std::runtime_error("no JSON from " + join(words, " ") + ": " + answer.out + answer.err);
  }
}

Json Workspace::data(std::vector<std::string> words) const {
  const Json document = json(words);
  if (!flag_at(document, "ok"))
    throw std::runtime_error(join(words, " ") + ": " + dump_json(document));
  return member(document, "data");
}

pid_t Workspace::start(std::vector<std::string> words, const std::string& out) const {
  words.insert(words.begin(), workflow_program());
  const UniqueFd file(
      ::open((dir_ / out).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  started_.emplace_back(words, out);
  SpawnSpec spec;
  spec.argv = std::move(words);
  spec.env = environment();
  spec.workdir = dir_;
  spec.out = file.get();
  spec.err = file.get();
  const Spawned child = spawn(spec);
  if (child.failure) throw std::runtime_error("cannot start workflow");
  return child.pid;
}

Json Workspace::task(const std::string& id) const {
  return parse_json(read_file(task_dir(id) / "status.json"), "status.json");
}

Json Workspace::run_status(const std::string& id) const {
  return parse_json(read_file(outputs() / id / "status.json"), "status.json");
}

Json Workspace::run_summary(const std::string& id) const {
  return parse_json(read_file(outputs() / id / "summary.json"), "summary.json");
}

Json Workspace::state() const {
  return parse_json(read_file(outputs() / "_control" / "workflow_state.json"), "state");
}

void Workspace::write(const fs::path& relative, const std::string& bytes) const {
  fs::create_directories((dir_ / relative).parent_path());
  real_files().write(dir_ / relative, bytes, {.durable = false});
}

std::string Workspace::read(const fs::path& relative) const { return read_file(dir_ / relative); }

void Workspace::make_repo(const std::vector<std::pair<std::string, std::string>>& files) const {
  for (const auto& [name, bytes] : files) write(fs::path("repo") / name, bytes);
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"init", "-q"},
                                             {"symbolic-ref", "HEAD", "refs/heads/main"},
                                             {"add", "-A"},
                                             {"-c", "user.name=t", "-c", "user.email=t@t", "commit",
                                              "-qm", "first", "--allow-empty"}}) {
    CaptureSpec spec;
    spec.argv = {"git", "-C", (dir_ / "repo").string()};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    spec.env = environment();
    const Captured done = capture(spec);
    if (!done.ok()) throw std::runtime_error("git: " + done.err);
  }
}

void Workspace::check_out() const {
  for (const char* command : {"pod-up", "bootstrap", "checkout"}) (void)data({command});
}

bool process_lives(pid_t pid) { return tasks::start_time(pid).has_value(); }

}  // namespace workflow::test
