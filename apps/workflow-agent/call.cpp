#include "apps/workflow-agent/call.h"

#include <unistd.h>

#include <cstdio>

#include "tasks/copy_process.h"
#include "tasks/mirror.h"

namespace workflow::agent {
namespace {

constexpr std::int64_t request_limit_ms = 300'000;

const Verb& find_verb(const std::string& name) {
  for (const auto* family :
       {&state_verbs, &task_verbs, &sweep_verbs, &op_verbs, &hand_verbs, &fetch_verbs, &push_verbs,
        &pod_verbs, &download_verbs, &job_verbs, &dead_man_verbs, &rehearse_verbs}) {
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

constexpr std::int64_t owner_limit_ms = 3'000;
constexpr std::int64_t mirror_limit_ms = 5'000;

/// Where records live apart from the outputs directory: there, whole and ours, or an error.
std::vector<std::string> open_records(const tasks::Site& site, Records records) {
  if (!site.live() || records == Records::none) return {};
  (void)site.ensure_pod_id();  // by which a mirror is known as another pod's
  auto notes = tasks::open_live_root(*site.live());
  if (records == Records::changed && notes.empty()) {
    tasks::CopyProcess ask(
        {"copy", "owner", site.live()->live.string(), site.live()->outputs.string()});
    if (const auto said = ask.wait(owner_limit_ms, owner_limit_ms)) tasks::throw_if_failed(*said);
  }
  return notes;
}

void add_note(Json& data, const std::string& note) {
  if (!data.is_object()) return;
  if (!member(data, "notes").is_array()) data["notes"] = Json::array();
  data["notes"].push_back(note);
}

Json answer(Reply& reply, const Verb& verb) {
  const auto& site = reply.site();
  const auto notes = open_records(site, verb.records);
  Json data = verb.answer(reply);
  for (const auto& note : notes) add_note(data, note);
  if (site.live() && verb.records == Records::changed) {
    if (const auto behind = tasks::mirror_beside(*site.live(), mirror_limit_ms)) {
      add_note(data, *behind);
    }
  }
  return data;
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
    last = {{"event", "result"}, {"data", answer(reply, find_verb(request.verb))}};
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
