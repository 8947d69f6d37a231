#include <poll.h>

#include "apps/workflow-agent/call.h"
#include "common/sha256.h"
#include "common/text.h"
#include "remote/sync/tree_sink.h"
#include "sweep/evidence.h"
#include "tasks/mounts.h"
#include "tasks/steps/snapshot.h"

namespace workflow::agent {
namespace {

using State = protocol::Pieces::State;

constexpr int client_limit_ms = 300'000;

/// Writes what the client sends into an empty directory.
void receive(Reply& reply, const fs::path& into) {
  sync::TreeSink sink({.path = into, .directory = true});
  protocol::Pieces input = reply.input();
  while (true) {
    while (const auto piece = input.next()) sink.feed(*piece);
    if (input.state() == State::ended) break;
    if (input.state() == State::cut) throw Error(Code::unreachable, "the client has gone");
    pollfd in{input.fd(), POLLIN, 0};
    if (::poll(&in, 1, client_limit_ms) == 0) {
      throw Error(Code::unreachable, "no byte came for five minutes; the push stopped");
    }
    input.pull();
  }
  sink.finish();
}

void require_room(const fs::path& snapshot, const TreeList& list) {
  std::int64_t bytes = 0;
  for (const auto& file : list) bytes += file.size;
  const auto space = tasks::space_at(snapshot);
  if (!space || space->free_bytes >= bytes) return;
  throw Error(Code::precondition,
              "the tree has " + human_bytes(static_cast<double>(bytes)) + ", and only " +
                  human_bytes(static_cast<double>(space->free_bytes)) + " are free for it in '" +
                  snapshot.string() + "'",
              "make room there, or keep data out of the tree with .gitignore");
}

/// Is such a tree here, and what of it is not? A push is a change like a task's.
Json push_offer(Reply& reply) {
  const tasks::Site& site = reply.site();
  const std::string& text = reply.request().blob("tree");
  const TreeList list = tree_from(text);
  site.ensure_pod_id();
  const auto done = site.keeper().advance(
      reply.ask(fsm::Event::push),
      [&](const tasks::StateRecord& record) { return sweep::gather(site, record); });
  const tasks::SnapshotStore store(site);
  const std::string tree = sha256_hex(text);
  Json answer = {{"there", store.has(tree)},
                 {"missing", Json::array()},
                 {"base", ""},
                 {"snapshot", store.files(tree).string()},
                 {"notes", done.notes}};
  if (store.has(tree)) return answer;
  require_room(store.files(tree), list);
  answer["base"] = store.newest();
  answer["missing"] = store.missing(list, text_at(answer, "base"));
  return answer;
}

/// Takes the files that were missing and makes the snapshot.
Json push_send(Reply& reply) {
  const tasks::SnapshotStore store(reply.site());
  const fs::path fresh = store.begin();
  try {
    receive(reply, fresh / "files");
    store.finish(fresh, reply.request().blob("tree"), reply.text("base"));
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    throw;
  }
  return Json::object();
}

}  // namespace

const std::vector<Verb> push_verbs = {{"push-offer", push_offer, Records::changed},
                                      {"push-send", push_send}};

}  // namespace workflow::agent
