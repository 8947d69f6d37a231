#include "tasks/copy_process.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "common/clock.h"
#include "common/error.h"
#include "common/fd_io.h"
#include "common/pipe.h"
#include "common/spawn.h"
#include "common/text.h"
#include "tasks/launch.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t turn_ms = 1'000;
constexpr unsigned give_up_secs = 600;
constexpr std::int64_t move_limit_ms = 60'000;
constexpr std::int64_t answer_limit_ms = 3'000;

Json last_word(const std::string& heard) {
  const auto begin = heard.find('{');
  const bool whole = begin != std::string::npos && heard.back() == '\n';
  return whole ? parse_json(std::string_view(heard).substr(begin), "a copy's last word") : Json();
}

}  // namespace

CopyProcess::CopyProcess(const std::vector<std::string>& words) {
  Pipe out = make_pipe();
  SpawnSpec spec;
  spec.argv = {agent_path()};
  spec.argv.insert(spec.argv.end(), words.begin(), words.end());
  spec.workdir = "/";
  spec.env = environment_without({"WF_TASK_TOKEN", "WF_TASK_ID"});
  spec.out = out.write.get();
  spec.detach = true;
  const Spawned started = spawn(spec);
  if (started.failure) {
    throw Error(Code::precondition, "cannot start a copy: " + started.failure->words());
  }
  process_ = reference(started.pid);
  out_ = std::move(out.read);
}

std::optional<Json> CopyProcess::wait(std::int64_t patience_ms, std::int64_t limit_ms,
                                      const std::function<void()>& turn) {
  const Clock& clock = system_clock();
  const std::int64_t begun = clock.steady_ms();
  std::int64_t last_sign = begun;
  while (true) {
    const std::int64_t now = clock.steady_ms();
    const std::int64_t left = std::min(last_sign + patience_ms - now,
                                       limit_ms == INT64_MAX ? limit_ms : begun + limit_ms - now);
    pollfd in{out_.get(), POLLIN, 0};
    const int wait_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, turn_ms));
    if (::poll(&in, 1, wait_ms) > 0) {
      if (read_some(out_.get(), heard_) == ReadSome::end) return last_word(heard_);
      last_sign = clock.steady_ms();
      heard_.erase(0, heard_.find_first_not_of('.'));
    } else if (left <= 0) {
      return std::nullopt;
    }
    if (turn) turn();
  }
}

void move_beside(const fs::path& from, const fs::path& to) {
  CopyProcess process({"copy", "aside", from.string(), to.string()});
  const auto done = process.wait(move_limit_ms);
  if (done) return throw_if_failed(*done);
  throw Error(
      Code::precondition,
      "'" + from.string() + "' does not answer; it was to be moved to '" + to.string() + "'");
}

void require_answer(const fs::path& path) {
  CopyProcess process({"copy", "look", path.string(), "-"});
  if (const auto done = process.wait(answer_limit_ms, answer_limit_ms)) {
    return throw_if_failed(*done);
  }
  process.end();
  throw Error(Code::precondition, "'" + path.string() + "' does not answer",
              "is it mounted well? look with: ls " + shell_quote(path.string()));
}

void remove_beside(const fs::path& path) {
  CopyProcess process({"copy", "remove", path.string(), "-"});
  const auto done = process.wait(move_limit_ms);
  if (done) return throw_if_failed(*done);
  throw Error(Code::precondition, "'" + path.string() + "' does not answer; it was to be removed");
}

void tell_progress() {
  ::alarm(give_up_secs);
  // A reader that is busy elsewhere has heard enough while the pipe is full.
  pollfd out{STDOUT_FILENO, POLLOUT, 0};
  if (::poll(&out, 1, 0) <= 0) return;
  [[maybe_unused]] const auto n = ::write(STDOUT_FILENO, ".", 1);
}

void tell_result(const Json& result) {
  ::alarm(0);
  (void)write_all(STDOUT_FILENO, dump_json(result) + "\n");
}

Json failed_json(const Error& fault) {
  return {{"error", code_name(fault.code())},
          {"what", fault.what()},
          {"hint", fault.hint()},
          {"details", fault.details()}};
}

void throw_if_failed(const Json& last_word) {
  if (!last_word.is_object()) throw Error(Code::precondition, "a copy ended without a word");
  if (!last_word.contains("error")) return;
  throw Error(code_from_name(text_at(last_word, "error")), text_at(last_word, "what"),
              text_at(last_word, "hint"), text_at(last_word, "details"));
}

}  // namespace workflow::tasks
