#include "apps/workflow-agent/call.h"

#include <unistd.h>

#include <cstdio>

namespace workflow::agent {
namespace {

constexpr std::int64_t request_limit_ms = 300'000;

const Verb& find_verb(const std::string& name) {
  for (const auto* family : {&state_verbs, &task_verbs, &sweep_verbs, &hand_verbs, &push_verbs}) {
    for (const auto& verb : *family) {
      if (name == verb.name) return verb;
    }
  }
  bug("the agent has no verb '" + name + "'");
}

Json about() {
  const tasks::Place& here = tasks::here();
  return {{"protocol", protocol::version}, {"host", here.host}, {"boot_id", here.boot_id}};
}

}  // namespace

int answer_call(const std::string& nonce) {
  const std::string hello = protocol::hello_line(nonce, about());
  if (::write(STDOUT_FILENO, hello.data(), hello.size()) < 0) return 1;
  Wire wire(STDOUT_FILENO);
  Json last;
  try {
    protocol::Incoming in;
    const protocol::Request request = protocol::read_request(STDIN_FILENO, request_limit_ms, in);
    Reply reply(real_files(), system_clock(), request, in, wire);
    last = {{"event", "result"}, {"data", find_verb(request.verb).answer(reply)}};
  } catch (const Error& fault) {
    last = {{"event", "error"}};
    last.update(protocol::error_json(fault));
  } catch (const std::exception& fault) {
    last = {{"event", "error"}};
    last.update(protocol::error_json(Error(Code::bug, std::string("bug: ") + fault.what())));
  }
  return wire.send(last) ? 0 : 1;
}

}  // namespace workflow::agent
