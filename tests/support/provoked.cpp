#include "tests/support/provoked.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <mutex>
#include <set>
#include <typeinfo>

#include "common/error.h"
#include "common/fd_io.h"
#include "common/json.h"
#include "common/unique_fd.h"

namespace workflow::test {
namespace {

constexpr std::size_t longest_note = 20'000;

/// One file a test program, new with each of its runs.
int notes() {
  static const UniqueFd file = [] {
    ::mkdir(WORKFLOW_PROVOKED_DIR, 0755);
    const std::string path =
        std::string(WORKFLOW_PROVOKED_DIR "/") + program_invocation_short_name + ".jsonl";
    return UniqueFd(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
  }();
  return file.get();
}

void note(const Json& failure) {
  static std::mutex mutex;
  static std::set<std::string> noted;
  const std::string line = dump_json(failure) + "\n";
  const std::lock_guard<std::mutex> lock(mutex);
  if (noted.insert(line).second) (void)write_all(notes(), line);
}

void note_thrown(const Error& error) {
  if (error.code() == Code::bug) return;
  note({{"code", error.code()}, {"words", std::string(error.what()).substr(0, longest_note)}});
}

}  // namespace

void note_words(const std::vector<std::string>& argv, const std::string& words) {
  note({{"command", argv}, {"code", nullptr}, {"words", words.substr(0, longest_note)}});
}

Captured provoked(const CaptureSpec& spec) {
  Captured done = capture(spec);
  const int code = done.status.code.value_or(0);
  if (code == 0) return done;
  note({{"command", spec.argv}, {"code", code}, {"words", done.err.substr(0, longest_note)}});
  return done;
}

}  // namespace workflow::test

// The throwing of any exception in a test program, before its handler is looked for. The compiler
// has a declaration of its own for that name.
extern "C" [[noreturn]] void noted_throw(void* thrown, std::type_info* type,
                                         void (*destroy)(void*)) __asm__("__cxa_throw");

void noted_throw(void* thrown, std::type_info* type, void (*destroy)(void*)) {
  using Throw = void (*)(void*, std::type_info*, void (*)(void*));
  static const auto throw_it = reinterpret_cast<Throw>(::dlsym(RTLD_NEXT, "__cxa_throw"));
  void* as_error = thrown;
  if (typeid(workflow::Error).__do_catch(type, &as_error, 1)) {
    workflow::test::note_thrown(*static_cast<workflow::Error*>(as_error));
  }
  throw_it(thrown, type, destroy);
  ::abort();
}
