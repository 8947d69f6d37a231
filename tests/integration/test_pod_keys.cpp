// Host keys of rented pods: taken at first contact, by the pod's id, and never another one.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>

#include "common/error.h"
#include "common/text.h"
#include "remote/transport/ssh.h"
#include "remote/transport/ssh_command.h"
#include "tests/support/eventually.h"
#include "tests/support/reach.h"
#include "tests/support/scratch.h"

namespace workflow::test {
namespace {

const Sshd& first_machine() {
  static const Sshd sshd;
  return sshd;
}

/// Another machine that lets the same user in.
const Sshd& second_machine() {
  static const Sshd sshd("AuthorizedKeysFile " + (first_machine().dir() / "id.pub").string() +
                         "\n");
  return sshd;
}

/// The endpoint of a pod, and state and settings of a user who has never seen it.
class Pod {
 public:
  Pod() {
    static const std::string path = std::getenv("PATH");
    ::setenv("PATH", (first_machine().ssh_bin().string() + ":" + path).c_str(), 1);
    fs::create_directories(home_);
    ::setenv("XDG_STATE_HOME", home_.c_str(), 1);
    ::setenv("XDG_RUNTIME_DIR", home_.c_str(), 1);
  }
  ~Pod() {
    for (const auto& name : real_files().list(home_ / "workflow")) {
      CaptureSpec end;
      end.argv = {"/usr/bin/ssh",
                  "-F",
                  "none",
                  "-o",
                  "ControlPath=" + transport::ssh_value(home_ / "workflow" / name),
                  "-O",
                  "exit",
                  "pod"};
      if (fs::is_socket(home_ / "workflow" / name)) (void)capture(end);
    }
  }
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;

  [[nodiscard]] static transport::Endpoint at(const Sshd& machine, const std::string& id) {
    transport::Endpoint endpoint = machine.endpoint();
    endpoint.destination = "ssh://" + Sshd::user() + "@127.0.0.1:" + std::to_string(machine.port());
    endpoint.identity_files = {first_machine().dir() / "id"};
    return transport::rented(endpoint, id);
  }
  [[nodiscard]] fs::path known() const { return home_ / "workflow" / "known_hosts"; }

 private:
  Scratch scratch_;
  fs::path home_ = scratch_ / "a %h b";  // ssh reads values word by word and expands %
};

std::string said(const std::string& way, const transport::Endpoint& endpoint) {
  const auto transport = way == "libssh2" ? transport::libssh2_transport(endpoint, -1)
                                          : transport::openssh_transport(endpoint, -1);
  const auto channel = transport->open("echo here");
  std::string out;
  for (bool ended = false; !ended;) {
    const auto chunk = channel->read(10'000);
    out += chunk.out;
    ended = chunk.ended;
  }
  return out;
}

Error refusal(const std::string& way, const transport::Endpoint& endpoint) {
  try {
    (void)said(way, endpoint);
  } catch (const Error& error) {
    return error;
  }
  FAIL("it was let in");
  throw std::logic_error("not reached");
}

}  // namespace

TEST_CASE("a pod's key is stored at first contact and asked for ever after") {
  const std::string first = GENERATE("libssh2", "openssh");
  const std::string then = GENERATE("libssh2", "openssh");
  CAPTURE(first, then);
  const Pod pod;
  CHECK(said(first, Pod::at(first_machine(), "p1")) == "here\n");
  const std::string stored = read_file(pod.known());
  CHECK(stored.starts_with("workflow-pod-p1 ssh-ed25519 "));
  struct stat info {};
  REQUIRE(::stat(pod.known().c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK(said(then, Pod::at(first_machine(), "p1")) == "here\n");
  CHECK(read_file(pod.known()) == stored);

  const Error error = refusal(then, Pod::at(second_machine(), "p1"));
  CHECK(error.code() == Code::precondition);
  CHECK(contains(error.what(), "is not the one that is known"));
  CHECK(contains(error.hint(), "pod p1 had another key at first contact"));
  CHECK(read_file(pod.known()) == stored);

  // An address that another pod has now says nothing about that pod.
  CHECK(said(then, Pod::at(second_machine(), "p2")) == "here\n");
  CHECK(split(trim(read_file(pod.known())), '\n').size() == 2);
}

TEST_CASE("two first contacts at once agree on one key") {
  const Pod pod;
  std::vector<std::string> answers(2);
  {
    std::vector<std::jthread> both;
    for (auto& answer : answers) {
      both.emplace_back([&answer] {
        try {
          answer = said("libssh2", Pod::at(first_machine(), "p3"));
        } catch (const std::exception& error) {
          answer = error.what();
        }
      });
    }
  }
  CHECK(answers == std::vector<std::string>{"here\n", "here\n"});
  CHECK(split(trim(read_file(pod.known())), '\n').size() == 1);
}

}  // namespace workflow::test
