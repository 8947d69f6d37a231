#include "tests/support/provider_server.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "common/spawn.h"
#include "common/text.h"
#include "tests/support/eventually.h"

namespace workflow::test {
namespace {

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(::toupper(c));
  return text;
}

}  // namespace

ProviderServer::ProviderServer(fs::path dir, const fs::path& pem) : dir_(std::move(dir)) {
  fs::create_directories(dir_ / "orders");
  SpawnSpec spec;
  spec.argv = {"python3", "-B", WORKFLOW_SOURCE_DIR "/tests/support/fake_provider_server/server.py",
               dir_.string()};
  if (!pem.empty()) spec.argv.push_back(pem.string());
  spec.ends_with_us = true;
  pid_ = spawn(spec).pid;
  const bool listens = eventually([&] { return fs::exists(dir_ / "port"); });
  if (!listens) throw std::runtime_error("the fake provider server does not listen");
  base_ = (pem.empty() ? "http" : "https") + ("://127.0.0.1:" + read_file(dir_ / "port"));
}

ProviderServer::~ProviderServer() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string ProviderServer::key(const std::string& provider) {
  return provider + "-key-0123456789";
}

std::string ProviderServer::url(const std::string& provider) const {
  if (provider == "runpod") return base_ + "/graphql";
  return base_ + (provider == "vast" ? "/api/v0" : "/api/v1");
}

std::vector<std::string> ProviderServer::environment() const {
  std::vector<std::string> out{"LAMBDA_PACE_MS=0"};
  for (const std::string provider : {"runpod", "vast", "lambda"}) {
    out.push_back(upper(provider) + "_URL=" + url(provider));
    out.push_back(upper(provider) + "_API_KEY=" + key(provider));
  }
  return out;
}

pods::ProviderContext ProviderServer::context(int interrupt_fd) const {
  pods::ProviderContext out;
  out.value = [known = environment()](const std::string& wanted) -> std::string {
    for (const auto& one : known) {
      if (one.rfind(wanted + "=", 0) == 0) return one.substr(wanted.size() + 1);
    }
    return {};
  };
  out.interrupt_fd = interrupt_fd;
  return out;
}

void ProviderServer::order(const Json& order) {
  std::string number = std::to_string(++orders_);
  number.insert(0, 6 - number.size(), '0');
  const fs::path file = dir_ / "orders" / (number + ".json");
  real_files().write(file.string() + ".new", dump_json(order));
  fs::rename(file.string() + ".new", file);
}

void ProviderServer::ssh(const std::string& host, std::int64_t port) {
  order({{"set", {{"ssh_host", host}, {"ssh_port", port}}}});
}

void ProviderServer::set(const std::string& setting, const Json& value) {
  order({{"set", {{setting, value}}}});
}

void ProviderServer::fault(const Json& fault) { order({{"fault", fault}}); }

void ProviderServer::add_pod(const std::string& provider, const std::string& name) {
  order({{"pod", {{"provider", provider}, {"name", name}}}});
}

void ProviderServer::add_key(const std::string& name, const std::string& public_key) {
  order({{"key", {{"id", "k-" + name}, {"name", name}, {"public_key", public_key}}}});
}

std::vector<Json> ProviderServer::requests() const {
  std::vector<Json> out;
  for (const auto& line : split(real_files().read(dir_ / "requests.jsonl").value_or(""), '\n')) {
    if (!line.empty()) out.push_back(parse_json(line, "requests.jsonl"));
  }
  return out;
}

int ProviderServer::count(const std::string& provider, const std::string& call) const {
  const auto all = requests();
  return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const Json& one) {
    return one["provider"] == provider && (call == "*" || one["call"] == call);
  }));
}

std::vector<Json> ProviderServer::pods() const {
  const Json all = parse_json(read_file(dir_ / "pods.json"), "pods.json");
  return {all.begin(), all.end()};
}

}  // namespace workflow::test
