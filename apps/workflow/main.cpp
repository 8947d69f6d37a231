#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <iterator>

#include "apps/workflow/help.h"
#include "apps/workflow/parse.h"
#include "apps/workflow/screen.h"
#include "client/request_args.h"
#include "common/fd_io.h"
#include "common/pipe.h"
#include "remote/pods/loopback_init.h"

namespace workflow::app {
namespace {

int interrupt_write_end = -1;

/// The first Ctrl-C, TERM or closed terminal is told to whoever waits, so that a copy under way
/// leaves nothing half made; a second one leaves at once.
void on_interrupt(int) {
  static volatile sig_atomic_t times = 0;
  times = times + 1;
  if (times > 1) {
    give_back_terminal();
    ::_exit(static_cast<int>(Code::detached));
  }
  [[maybe_unused]] const auto n = ::write(interrupt_write_end, "c", 1);
}

Pipe catch_interrupts() {
  Pipe pipe = make_pipe();
  interrupt_write_end = pipe.write.get();
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    ::sigaction(number, &action, &before);
    if (before.sa_handler == SIG_IGN) ::sigaction(number, &before, nullptr);  // nohup
  }
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error to be told
  return pipe;
}

/// A descriptor of these three that is closed would be the next socket's.
void keep_standard_descriptors() {
  for (int fd = 0; fd < 3; ++fd) {
    // Nothing can be written to it where stdout was closed: that is told.
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY);
  }
}

void say(const std::string& text) {
  if (!write_all(STDOUT_FILENO, text)) throw ReaderGone(errno);
}

int show_help(const Parsed& parsed) {
  const Command* command = find_command(parsed.help ? parsed.help_for : "");
  const std::string text = command != nullptr                      ? command_help(*command)
                           : !commands_of(parsed.help_for).empty() ? family_help(parsed.help_for)
                                                                   : overview_help();
  say(text);
  return parsed.help ? 0 : static_cast<int>(Code::usage);
}

/// Nothing is worse than a dry run that is none.
void refuse_dry_run(const Parsed& parsed) {
  if (!parsed.globals.dry_run || parsed.command->dry != Dry::none) return;
  throw Error(Code::usage, "'" + std::string(parsed.command->name) + "' has no dry run",
              "nothing was done");
}

int run_command(const Parsed& parsed, int interrupt_fd) {
  const std::string_view name = parsed.command->name;
  Output output(parsed.globals.json, parsed.globals.quiet, parsed.globals.color);
  Context context(name, parsed.globals, parsed.arguments, parsed.settings, output, interrupt_fd);
  const auto tell_way = [&](const char* how) {
    if (parsed.globals.verbose == 0 || context.way().empty()) return;
    output.note(how + context.way());
  };
  try {
    refuse_dry_run(parsed);
    Outcome outcome = parsed.command->run(context);
    tell_way("reached by ");
    const int exit_code = outcome.exit_code.value_or(static_cast<int>(outcome.code));
    if (exit_code == 0) {
      output.envelope(name, outcome.data, nullptr);
      return 0;
    }
    const Error error = context.masked(
        {outcome.code, outcome.message, outcome.hint, dump_json({{"exit_code", exit_code}})});
    output.envelope(name, outcome.data, &error);
    if (!outcome.message.empty()) output.complain(error);
    return exit_code;
  } catch (const Error& fault) {
    tell_way("the way was ");
    const Error error = context.masked(context.with_cost(fault));
    output.envelope(name, Json(), &error);
    output.complain(error);
    return static_cast<int>(error.code());
  } catch (const ReaderGone&) {
    throw;
  } catch (const std::exception& fault) {
    const Error error(Code::bug, std::string("bug: ") + fault.what(), "please report this line");
    output.envelope(name, Json(), &error);
    output.complain(error);
    return static_cast<int>(error.code());
  }
}

int run(const std::vector<std::string>& words) {
  try {
    const Pipe interrupts = catch_interrupts();
    const Parsed parsed = parse_command_line(words);
    if (parsed.version) {
      say(client::client_name() + "\n");
      return 0;
    }
    if (parsed.command == nullptr) return show_help(parsed);
    return run_command(parsed, interrupts.read.get());
  } catch (const Error& error) {
    bool json = false;
    for (const auto& word : words) json = json || word == "--json";
    Output output(json, false, "auto");
    output.envelope("usage", Json(), &error);
    output.complain(error);
    return static_cast<int>(error.code());
  } catch (const ReaderGone&) {
    throw;
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "workflow: bug: %s\n  please report this line\n", fault.what());
    return static_cast<int>(Code::bug);
  }
}

}  // namespace
}  // namespace workflow::app

int main(int argc, char** argv) {
  try {
    workflow::app::keep_standard_descriptors();
    if (argc == 3 && std::string_view(argv[1]) == "loopback-init") {  // no command of a person's
      return workflow::pods::loopback_init(argv[2]);
    }
    return workflow::app::run({std::next(argv), std::next(argv, argc)});
  } catch (const workflow::app::ReaderGone& gone) {
    if (gone.why() == EPIPE) return 128 + SIGPIPE;  // as if the signal had ended us
    const std::string why = workflow::errno_text(gone.why());
    std::fprintf(stderr, "workflow: cannot write to stdout: %s\n  what was done stays done\n",
                 why.c_str());
    return static_cast<int>(workflow::Code::precondition);
  }
}
