// The agent: what runs on a target. People do not call it; workflow, tmux and the agent itself do.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "apps/workflow-agent/call.h"
#include "apps/workflow-agent/copies.h"
#include "common/fd_io.h"
#include "common/text.h"
#include "common/unique_fd.h"
#include "sweep/end_hook.h"
#include "sweep/executor.h"
#include "sweep/executor_again.h"
#include "sweep/rehearsal/rehearsal.h"
#include "sweep/run.h"
#include "tasks/cancel.h"
#include "tasks/dead_man.h"
#include "tasks/jobs/begin_job.h"
#include "tasks/launch.h"
#include "tasks/run_out.h"
#include "tasks/steps/askpass.h"
#include "tasks/steps/step_task.h"
#include "tasks/supervisor.h"

namespace workflow::agent {
namespace {

using Words = std::vector<std::string>;

int descriptor(const std::string& word) {
  return static_cast<int>(parse_integer(word).value_or(-1));
}

void on_end(const fs::path& dir, const tasks::TaskSpec& spec, const tasks::TaskRecord& record,
            const std::vector<std::string>& secrets) {
  switch (spec.kind) {
    case tasks::TaskKind::run:
      return sweep::summarize_run(real_files(), dir, spec, record);
    case tasks::TaskKind::step:
      return tasks::settle_step(real_files(), system_clock(), dir, spec, record);
    case tasks::TaskKind::sweep:
      return sweep::executor_ended(real_files(), system_clock(), spec, record, secrets);
    case tasks::TaskKind::command:
    case tasks::TaskKind::job:
      return;
  }
}

std::vector<std::string> read_secrets(int fd) {
  std::string bytes;
  while (fd >= 0 && read_some(fd, bytes) != ReadSome::end) {
  }
  if (fd >= 0) ::close(fd);
  std::vector<std::string> entries = split(bytes, '\0');
  entries.pop_back();
  return entries;
}

// supervise DIR READY LOCK SECRETS: descriptors that launch.cpp left open for us.
int supervise(const Words& words) {
  const UniqueFd lock(descriptor(words[3]));
  tasks::supervise(real_files(), system_clock(),
                   {.dir = words[1],
                    .ready = UniqueFd(descriptor(words[2])),
                    .secrets = read_secrets(descriptor(words[4])),
                    .on_end = on_end});
  return 0;
}

int adopt(const Words& words) {
  UniqueFd ready(descriptor(words[2]));
  const auto lock = FileLock::try_take(tasks::supervisor_lock(words[1]));
  if (!lock) return 0;  // somebody else was quicker
  tasks::supervise_orphan(
      real_files(), system_clock(),
      {.dir = words[1], .ready = std::move(ready), .secrets = {}, .on_end = on_end});
  return 0;
}

volatile sig_atomic_t interrupted = 0;

// attend DIR: what a tmux window shows. Ctrl-C there cancels the task; closing it does nothing.
int attend(const Words& words) {
  const fs::path dir = words[1];
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  ::sigaction(SIGINT, &action, nullptr);
  tasks::FollowSpec spec;
  spec.dir = dir;
  spec.on_bytes = [&spec](std::int64_t at, std::string_view bytes) {
    (void)write_all(STDOUT_FILENO, bytes);
    spec.offset = at + static_cast<std::int64_t>(bytes.size());
  };
  spec.on_hole = [](const FileHole& hole) {
    std::printf("\r\n… %s left out …\r\n", human_bytes(static_cast<double>(hole.size())).c_str());
    std::fflush(stdout);
  };
  spec.limit_ms = 500;
  while (tasks::follow(real_files(), spec) == tasks::Followed::out_of_time) {
    if (interrupted == 0) continue;
    interrupted = 0;
    std::printf("\r\nending it\r\n");
    std::fflush(stdout);
    tasks::order_cancel(real_files(), dir, {.by = "the tmux window"});
  }
  const tasks::TaskView view = tasks::observe(real_files(), dir);
  std::printf("\r\n%s: %s %s\n", view.spec.task_id.c_str(), view.record.state_name().c_str(),
              view.record.reason.c_str());
  return view.record.state == tasks::TaskState::success ? 0 : 1;
}

int call(const Words& words) { return answer_call(words[1]); }
int execute(const Words& words) {
  return sweep::execute_campaign(real_files(), system_clock(), words[1]);
}
int tell_end(const Words& words) {
  return sweep::run_end_hooks(real_files(), system_clock(), words[1]);
}
[[noreturn]] int dead_man(const Words&) { tasks::be_dead_man(real_files(), system_clock()); }
int step(const Words& words) { return tasks::run_step(real_files(), system_clock(), words[1]); }

int rehearse(const Words& words) { return sweep::rehearse(real_files(), system_clock(), words[1]); }
int trial(const Words& words) {
  return sweep::run_trial(real_files(), system_clock(), words[1], words[2]);
}

/// This process becomes a program; its signals are as any program expects them.
int become_program(Words words) {
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  if (argv.empty()) return static_cast<int>(Code::usage);
  argv.push_back(nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::signal(SIGXFSZ, SIG_DFL);
  ::execvp(argv[0], argv.data());
  throw_errno("cannot run '" + words[0] + "'");
}

// begin DIR WORD…: a run's or a job's own process, before it is the command.
int begin(const Words& words) {
  const fs::path dir = words[1];
  const tasks::TaskSpec spec = tasks::observe(real_files(), dir).spec;
  const auto become = [&] { return become_program({std::next(words.begin(), 2), words.end()}); };
  if (spec.kind == tasks::TaskKind::job) {
    return tasks::begin_job(real_files(), system_clock(), dir, spec, become);
  }
  tasks::prepare_out(real_files(), dir, spec);
  return become();
}

// become DIR,WORD,…: each in base64. What `workflow ssh -- WORD…` runs on a person's terminal.
int become(const Words& words) {
  Words parts;
  for (const auto& part : split(words[1], ',')) parts.push_back(unbase64(part).value_or(""));
  if (::chdir(parts[0].c_str()) != 0) throw_errno("cannot change directory to '" + parts[0] + "'");
  return become_program({std::next(parts.begin()), parts.end()});
}

/// git's question is its own first word: GIT_ASKPASS takes a program and nothing more.
bool is_question(const Words& words) {
  return words.size() == 1 && std::getenv(tasks::askpass_server) != nullptr;
}

int askpass(const Words& words) {
  const std::string answer = tasks::askpass_answer(words[0], [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  });
  return write_all(STDOUT_FILENO, answer + "\n") ? 0 : 1;
}

struct Entry {
  const char* name;
  std::size_t words;
  int (*run)(const Words&);
  bool more = false;  ///< takes more words as well
};

constexpr Entry entries[] = {
    {"call", 2, call},         {"supervise", 5, supervise}, {"adopt", 5, adopt},
    {"attend", 2, attend},     {"execute", 2, execute},     {"step", 2, step},
    {"become", 2, become},     {"copy", 4, copy},           {"begin", 3, begin, true},
    {"tell-end", 2, tell_end}, {"dead-man", 1, dead_man},   {"rehearse", 2, rehearse},
    {"trial", 3, trial}};

int run(const Words& words) {
  try {
    for (const auto& entry : entries) {
      if (!words.empty() && words[0] == entry.name &&
          (words.size() == entry.words || (entry.more && words.size() > entry.words))) {
        return entry.run(words);
      }
    }
    if (is_question(words)) return askpass(words);
    std::fprintf(stderr, "workflow-agent is called by workflow\n");
    return static_cast<int>(Code::usage);
  } catch (const Error& fault) {
    std::fprintf(stderr, "workflow-agent: %s\n", fault.what());
    return static_cast<int>(fault.code());
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "workflow-agent: bug: %s\n", fault.what());
    return static_cast<int>(Code::bug);
  }
}

}  // namespace
}  // namespace workflow::agent

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error to be told
  return workflow::agent::run({std::next(argv), std::next(argv, argc)});
}
