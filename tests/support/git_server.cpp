#include "tests/support/git_server.h"

#include <signal.h>
#include <sys/wait.h>

#include <stdexcept>

#include "common/spawn.h"
#include "common/text.h"
#include "tests/support/eventually.h"

namespace workflow::test {

GitServer::GitServer(const fs::path& root, const fs::path& dir, const std::string& password)
    : dir_(dir) {
  fs::create_directories(dir);
  SpawnSpec spec;
  spec.argv = {"python3",     WORKFLOW_SOURCE_DIR "/tests/support/git_server.py",
               root.string(), (dir / "port").string(),
               password,      (dir / "log").string()};
  spec.env = environment_with({"HOME=" + dir.string()});
  spec.ends_with_us = true;
  pid_ = spawn(spec).pid;
  const bool listens = eventually([&] { return fs::exists(dir_ / "port"); });
  if (!listens) throw std::runtime_error("the git server does not listen");
  port_ = read_file(dir_ / "port");
}

GitServer::~GitServer() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string GitServer::url(const std::string& name, const std::string& login) const {
  return "http://" + (login.empty() ? "" : login + "@") + "127.0.0.1:" + port_ + "/" + name;
}

std::string GitServer::log() const { return real_files().read(dir_ / "log").value_or(""); }

}  // namespace workflow::test
