#include "remote/pods/lium_up.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "common/clock.h"
#include "common/fd_io.h"
#include "common/text.h"

namespace workflow::pods {
namespace {

constexpr std::int64_t after_end_ms = 5'000;  ///< a pod may be listed so long after its rent call

std::vector<std::string> up_words(const ProviderContext& context, const Offer& offer,
                                  const PodRequest& request) {
  std::vector<std::string> words{"up", offer.id, "--name", request.name, "--yes"};
  const auto add = [&](const char* flag, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {flag, value});
  };
  const auto end = parse_utc(request.ends_at);
  if (end) add("--ttl", lium_minutes(*end));
  const std::string volume = context.value("LIUM_VOLUME");
  add("--volume", request.volume.empty() ? volume : request.volume);
  add("--ports", context.value("LIUM_PORTS"));
  add("--image", request.image);
  return words;
}

/// A file without a name: a pipe that nobody reads would stop it.
UniqueFd nameless_file() {
  std::string path = (fs::temp_directory_path() / "workflow-lium-XXXXXX").string();
  UniqueFd fd(::mkostemp(path.data(), O_CLOEXEC));
  if (!fd.valid()) throw_errno("cannot write to '" + path + "'");
  ::unlink(path.c_str());
  return fd;
}

/// Type and key of a line of an authorized_keys file, without its comment.
std::string bare_key(std::string_view line) {
  const auto words = split(trim(line), ' ');
  return words.size() < 2 ? std::string() : words[0] + " " + words[1];
}

/// `key_path` of the section [ssh] in lium's own settings.
std::string set_key_path(const fs::path& home) {
  const auto text = real_files().read(home / ".lium" / "config.ini");
  bool in_ssh = false;
  for (const auto& line : split(text.value_or(""), '\n')) {
    const std::string_view word = trim(line);
    if (word.starts_with('[')) in_ssh = word == "[ssh]";
    const auto equals = word.find('=');
    if (in_ssh && equals != word.npos && trim(word.substr(0, equals)) == "key_path") {
      return std::string(trim(word.substr(equals + 1)));
    }
  }
  return {};
}

fs::path key_of_lium(const fs::path& home) {
  std::string set = set_key_path(home);
  if (set.starts_with("~/")) set = (home / set.substr(2)).string();
  if (!set.empty()) return set;
  for (const char* name : {"id_ed25519", "id_rsa", "id_ecdsa"}) {
    if (may_be_there(home / ".ssh" / name)) return home / ".ssh" / name;
  }
  return {};
}

}  // namespace

std::string lium_minutes(std::int64_t end_ms) {
  const std::int64_t minutes = (end_ms - system_clock().now_ms()) / 60'000;
  return std::to_string(std::max<std::int64_t>(minutes, 1)) + "m";
}

void require_own_key(const ProviderContext& context, const std::string& public_key) {
  fs::path key = key_of_lium(context.value("HOME"));
  if (key.extension() != ".pub") key += ".pub";
  const std::string theirs = bare_key(real_files().read(key).value_or(""));
  if (!theirs.empty() && theirs == bare_key(public_key)) return;
  throw ProviderError(Trouble::rejected,
                      "lium would put another key into the pod: '" + key.string() + "'",
                      "lium config set ssh.key_path KEY, or POD_SSH_KEY=KEY, so that both agree");
}

LiumUp::LiumUp(const LiumCli& cli, const ProviderContext& context, const Offer& offer,
               const PodRequest& request)
    : cli_(cli),
      interrupt_fd_(context.interrupt_fd),
      limit_ms_(1'000 * parse_duration(context.value("LIUM_UP_TIMEOUT_SECS")).value_or(600)),
      out_(nameless_file()) {
  pid_ = cli_.start(up_words(context, offer, request), out_.get());
}

LiumUp::~LiumUp() {
  if (pid_ < 0) return;
  ::kill(-pid_, SIGTERM);
  const std::int64_t deadline = system_clock().steady_ms() + 2'000;
  while (!ended() && system_clock().steady_ms() < deadline) ::poll(nullptr, 0, 20);
  if (pid_ < 0) return;
  ::kill(-pid_, SIGKILL);
  (void)wait_for_child(pid_);
}

bool LiumUp::ended() {
  if (pid_ >= 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  return pid_ < 0;
}

std::string LiumUp::words() const {
  std::string text;
  ::lseek(out_.get(), 0, SEEK_SET);
  while (append_read(out_.get(), 65'536, text) > 0) {
  }
  return cli_.plain(text);
}

void LiumUp::pause() const {
  pollfd interrupt{interrupt_fd_, POLLIN, 0};
  if (::poll(&interrupt, 1, 1'000) > 0) {
    throw Error(Code::detached, "interrupted while lium was renting");
  }
}

std::string LiumUp::await(const std::function<std::string()>& listed) {
  std::int64_t deadline = system_clock().steady_ms() + limit_ms_;
  bool was_going = true;
  bool seen = false;  // a listing after its end
  std::string trouble;
  while (true) {
    if (was_going && ended()) {
      was_going = false;
      deadline = std::min(deadline, system_clock().steady_ms() + after_end_ms);
    }
    try {
      std::string id = listed();
      if (!id.empty()) return id;
      seen = !was_going;
    } catch (const ProviderError& fault) {  // one listing that fails proves nothing
      trouble = fault.what();
    }
    if (system_clock().steady_ms() >= deadline) break;
    pause();
  }
  if (was_going) {
    throw ProviderError(Trouble::network, "'lium up' has brought no pod in time",
                        trouble.empty() ? words() : trouble, true);
  }
  if (!seen) throw ProviderError(Trouble::network, trouble, words(), true);
  throw cli_.failure("'lium up' has rented nothing", words(), true);
}

}  // namespace workflow::pods
