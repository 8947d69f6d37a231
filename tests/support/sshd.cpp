#include "tests/support/sshd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include "common/subprocess.h"
#include "common/text.h"
#include "common/unique_fd.h"
#include "tasks/process.h"
#include "tests/support/eventually.h"

namespace workflow::test {
namespace {

int free_port() {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no free port");
  }
  return ntohs(address.sin_port);
}

bool answers(int port) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

void make_key(const fs::path& path, const std::string& type, const std::string& passphrase) {
  CaptureSpec spec;
  spec.argv = {"ssh-keygen", "-qt", type, "-N", passphrase, "-f", path.string()};
  if (!capture(spec).ok()) throw std::runtime_error("ssh-keygen");
}

std::string Sshd::user() {
  const char* name = std::getenv("USER");
  return ::geteuid() == 0 || name == nullptr ? "root" : name;
}

Sshd::Sshd(const std::string& config, const std::string& key_type) : port_(free_port()) {
  std::string pattern = "/tmp/workflow-sshd-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
  dir_ = pattern;
  if (::geteuid() == 0) ::mkdir("/run/sshd", 0755);
  make_key(dir_ / "host_key", key_type);
  make_key(dir_ / "id");
  const std::string port = std::to_string(port_);
  real_files().write(dir_ / "known_hosts",
                     "[127.0.0.1]:" + port + " " + read_file(dir_ / "host_key.pub"));
  fs::create_directories(dir_ / "home");
  real_files().write(dir_ / "sshd_config",
                     config + "\nPort " + port + "\nListenAddress 127.0.0.1\nHostKey " +
                         (dir_ / "host_key").string() + "\nAuthorizedKeysFile " +
                         (dir_ / "id.pub").string() +
                         "\nPidFile none\nUsePAM no\nStrictModes no\nLogLevel VERBOSE\nSubsystem "
                         "sftp internal-sftp\nSetEnv HOME=" +
                         (dir_ / "home").string() + "\n");
  real_files().write(dir_ / "ssh_config",
                     "Host pod\n HostName 127.0.0.1\n Port " + port + "\n User " + user() +
                         "\n IdentityFile " + (dir_ / "id").string() + "\n IdentitiesOnly yes\n" +
                         " UserKnownHostsFile " + (dir_ / "known_hosts").string() + "\n");
  fs::create_directories(ssh_bin());
  real_files().write(
      ssh_bin() / "ssh",
      "#!/bin/sh\nexec /usr/bin/ssh -F '" + (dir_ / "ssh_config").string() + "' \"$@\"\n",
      {.mode = 0755});
  const UniqueFd log(
      ::open((dir_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  SpawnSpec spec;
  spec.argv = {"/usr/sbin/sshd", "-D", "-e", "-f", (dir_ / "sshd_config").string()};
  spec.err = log.get();
  spec.new_session = true;
  spec.ends_with_us = true;  // also when the test is killed
  const Spawned server = spawn(spec);
  if (server.failure) throw std::runtime_error("cannot start sshd: is openssh-server installed?");
  pid_ = server.pid;
  if (!eventually([this] { return answers(port_); })) {
    throw std::runtime_error("sshd does not come up: " + read_file(dir_ / "log"));
  }
}

Sshd::~Sshd() {
  // Connections that a client keeps open end with the server.
  for (const auto& session : tasks::descendants(pid_)) tasks::send_signal(session, SIGTERM);
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
  std::error_code ignored;
  fs::remove_all(dir_, ignored);
}

transport::Endpoint Sshd::endpoint() const {
  transport::Endpoint endpoint;
  endpoint.destination = "pod";
  endpoint.host = "127.0.0.1";
  endpoint.port = port_;
  endpoint.user = user();
  endpoint.identity_files = {dir_ / "id"};
  endpoint.identities_only = true;
  endpoint.known_hosts = {dir_ / "known_hosts"};
  return endpoint;
}

std::size_t Sshd::count(std::string_view words) const {
  const std::string log = read_file(dir_ / "log");
  std::size_t times = 0;
  for (std::size_t at = 0; (at = log.find(words, at)) != std::string::npos; ++at) ++times;
  return times;
}

}  // namespace workflow::test
