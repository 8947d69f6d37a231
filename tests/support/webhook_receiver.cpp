#include "tests/support/webhook_receiver.h"

#include <signal.h>
#include <sys/wait.h>

#include <stdexcept>

#include "common/spawn.h"
#include "tests/support/eventually.h"

namespace workflow::test {

WebhookReceiver::WebhookReceiver(fs::path dir, const std::vector<std::string>& statuses)
    : dir_(std::move(dir)) {
  fs::create_directories(dir_);
  SpawnSpec spec;
  spec.argv = {"python3", WORKFLOW_SOURCE_DIR "/tests/support/webhook_receiver.py", dir_.string()};
  spec.argv.insert(spec.argv.end(), statuses.begin(), statuses.end());
  spec.ends_with_us = true;
  pid_ = spawn(spec).pid;
  if (!eventually([&] { return fs::exists(dir_ / "port"); })) {
    throw std::runtime_error("the receiver does not listen");
  }
  port_ = read_file(dir_ / "port");
}

WebhookReceiver::~WebhookReceiver() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string WebhookReceiver::url(const std::string& path) const {
  return "http://127.0.0.1:" + port_ + path;
}

bool WebhookReceiver::has(int n) const { return fs::exists(dir_ / (std::to_string(n) + ".json")); }

Json WebhookReceiver::request(int n) const {
  if (!eventually([&] { return has(n); })) throw std::runtime_error("no request came");
  return parse_json(read_file(dir_ / (std::to_string(n) + ".json")), "request");
}

}  // namespace workflow::test
