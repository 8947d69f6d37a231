// ssh and attach: this process becomes another program.
#include <unistd.h>

#include "apps/workflow/hand.h"
#include "client/job_spec.h"
#include "client/shell.h"
#include "common/text.h"
#include "remote/pods/job_rows.h"

namespace workflow::app {
namespace {

std::string typed(const std::vector<std::string>& argv) {
  std::vector<std::string> words;
  for (const auto& word : argv) {
    const bool plain =
        word.find_first_not_of(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:/@=%") ==
        std::string::npos;
    words.push_back(plain && !word.empty() && word[0] != '=' ? word : shell_quote(word));
  }
  return join(words, " ");
}

/// For programs of this machine's own; returns only by a throw.
[[noreturn]] void become(client::Program program) {
  std::vector<char*> pointers;
  for (auto& word : program.argv) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  if (!program.dir.empty() && ::chdir(program.dir.c_str()) != 0) {
    throw_errno("cannot change directory to '" + program.dir + "'");
  }
  ::execvp(pointers[0], pointers.data());
  throw_errno("cannot run '" + program.argv[0] + "'");
}

/// Where the record has a job of this id; nothing when --target says where to look.
std::optional<std::string> target_of_job(const Context& context, const std::string& id) {
  if (context.globals().target || !valid_id(id)) return std::nullopt;
  const auto file = pods::Ledger::place();
  if (presence(file) != Presence::there) return std::nullopt;
  const auto row = pods::JobRows(file).find(id);
  return row && !row->target.empty() ? std::optional(row->target) : std::nullopt;
}

}  // namespace

Outcome ssh(Context& context) {
  if (context.out().json()) {
    throw Error(Code::usage, "'ssh' is a terminal's and has no --json",
                "one command with its result: workflow --json exec -- …");
  }
  if (context.globals().dry_run) {
    const std::string words = join(context.args().rest, " ");
    context.out().line("would open " + (words.empty() ? "a shell" : "'" + words + "'") +
                       " on the target");
    return {};
  }
  become(client::shell(context.session(), context.args().rest));
}

Outcome attach(Context& context) {
  const std::string id = context.args().positional("id");
  std::optional<client::Session> elsewhere;
  if (const auto target = target_of_job(context, id)) {
    elsewhere.emplace(client::job_settings(context.settings(), *target), context.interrupt_fd());
  }
  const auto program = client::task_window(elsewhere ? *elsewhere : context.session(), id);
  const auto& argv = program.argv;
  if (!context.out().terminal() || ::isatty(STDIN_FILENO) != 1) {
    context.out().line(typed(argv));
    return {{{"attach", typed(argv)}, {"attach_argv", argv}}};
  }
  become(program);
}

}  // namespace workflow::app
