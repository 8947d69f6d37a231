#include "tasks/steps/packages.h"

#include <poll.h>
#include <unistd.h>

#include "common/error.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t lock_limit_secs = 300;
constexpr int look_again_ms = 2'000;

/// `ffmpeg=7:5.1`, `git/bookworm-backports` and `libc6:amd64` name a package and more.
std::string bare_name(const std::string& wanted) {
  return wanted.substr(0, wanted.find_first_of("=/:"));
}

/// What dpkg has, and what that provides.
std::set<std::string> installed(const Step& step) {
  std::set<std::string> names;
  const auto listing =
      step.ask({"dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Provides}\n"});
  for (const auto& line : split(listing.value_or(""), '\n')) {
    const auto words = split(line, ' ');
    if (words.front() != "installed") continue;
    for (auto word : words) {
      while (!word.empty() && word.back() == ',') word.pop_back();
      names.insert(word);
    }
  }
  return names;
}

/// How apt-get is begun: by root, or through sudo.
std::vector<std::string> apt_get(const Step& step) {
  if (!step.ask({"sh", "-c", "command -v apt-get"})) {
    throw Error(Code::precondition, "AUTO_INSTALL_PREREQS=1, but there is no apt-get on the target",
                "install by hand what is missing, and set AUTO_INSTALL_PREREQS=0");
  }
  std::vector<std::string> argv{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o",
                                "DPkg::Lock::Timeout=" + std::to_string(lock_limit_secs)};
  if (::geteuid() == 0) return argv;
  if (!step.ask({"sudo", "-n", "true"})) {
    throw Error(Code::precondition,
                "packages are missing, and there is neither root nor a sudo that asks no password",
                "log in as root, or install by hand and set AUTO_INSTALL_PREREQS=0");
  }
  argv.insert(argv.begin(), {"sudo", "-n"});
  return argv;
}

/// Lists that cannot be fetched may still be good enough: what counts is whether the install works.
void update_lists(const Step& step, std::vector<std::string> apt) {
  apt.emplace_back("update");
  // The timeout of apt's own is for dpkg's lock; the lists have another.
  const std::int64_t deadline = step.site().clock().steady_ms() + lock_limit_secs * 1000;
  while (!step.try_run(apt)) {
    const bool locked = step.why().find("lock") != std::string::npos;
    if (!locked || step.site().clock().steady_ms() >= deadline) {
      return step.say("apt-get update failed; going on with the lists that are there");
    }
    ::poll(nullptr, 0, look_again_ms);
  }
}

std::string hint_for(const std::string& why) {
  if (why.find("Unable to locate") != std::string::npos ||
      why.find("no installation candidate") != std::string::npos) {
    return "is the name in APT_PACKAGES right for this system?";
  }
  if (why.find("lock") != std::string::npos) {
    return "another program held apt's lock for " + human_duration(lock_limit_secs) + "; try again";
  }
  return "install by hand, or run bootstrap again";
}

}  // namespace

std::vector<std::string> missing_packages(const Step& step, const std::set<std::string>& there) {
  const auto has = installed(step);
  std::vector<std::string> missing;
  for (const auto& wanted : split(step.site().text("APT_PACKAGES"), ' ')) {
    const std::string name = bare_name(wanted);
    if (!name.empty() && !there.contains(name) && !has.contains(name)) missing.push_back(wanted);
  }
  return missing;
}

void install_packages(const Step& step, const std::vector<std::string>& names) {
  std::vector<std::string> argv = apt_get(step);
  update_lists(step, argv);
  argv.insert(argv.end(), {"install", "-y", "--no-install-recommends", "--"});
  argv.insert(argv.end(), names.begin(), names.end());
  if (step.try_run(argv)) return;
  const std::string why = step.why();
  throw Error(Code::work_failed, "apt-get could not install " + join(names, " ") + ": " + why,
              hint_for(why));
}

}  // namespace workflow::tasks
