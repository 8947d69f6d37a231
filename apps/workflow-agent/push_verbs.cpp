#include <poll.h>

#include <set>

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

Error not_as_listed(const std::string& path) {
  return Error(Code::precondition,
               "'" + path + "' did not arrive as it was listed; nothing was changed",
               "was it written while it was pushed? push again");
}

/// Writes what the client sends below a directory; each file is hashed while it comes.
void receive(Reply& reply, const fs::path& into, const TreeList& list,
             std::set<std::string> missing) {
  sync::TreeSink sink({.path = into,
                       .directory = true,
                       .on_file =
                           [&](const sync::Entry& entry, const std::string& sha256) {
                             const TreeFile* file = find_file(list, entry.path);
                             const bool wanted = missing.erase(entry.path) == 1;
                             if (!wanted || sha256 != file->sha256) throw not_as_listed(entry.path);
                           },
                       .unseen = true});
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
  if (!missing.empty()) throw not_as_listed(*missing.begin());
}

void require_room(const fs::path& snapshot, std::int64_t bytes) {
  const auto space = tasks::space_at(snapshot);
  if (!space || space->free_bytes >= bytes) return;
  throw Error(Code::precondition,
              human_bytes(static_cast<double>(bytes)) + " of the tree are to come, and only " +
                  human_bytes(static_cast<double>(space->free_bytes)) + " are free for it in '" +
                  snapshot.string() + "'",
              "make room there, or keep data out of the tree with .gitignore");
}

/// Which trees are here? A push is a change like a task's.
Json push_offer(Reply& reply) {
  const tasks::Site& site = reply.site();
  site.ensure_pod_id();
  const auto done = site.keeper().advance(
      reply.ask(fsm::Event::push),
      [&](const tasks::StateRecord& record) { return sweep::gather(site, record); });
  const tasks::SnapshotStore store(site);
  return {{"snapshots", store.trees()}, {"dir", store.dir().string()}, {"notes", done.notes}};
}

/// Says which files of the list are missing, takes them, and makes the snapshot.
Json push_send(Reply& reply) {
  const std::string& text = reply.request().blob("tree");
  const TreeList list = tree_from(text);
  const tasks::SnapshotStore store(reply.site());
  const tasks::SnapshotPlan plan = store.plan(list);
  std::set<std::string> missing;
  std::int64_t bytes = 0;
  for (const auto i : plan.missing) {
    missing.insert(list[i].path);
    bytes += list[i].size;
  }
  require_room(store.files(sha256_hex(text)), bytes);
  reply.send({{"event", "missing"}, {"files", plan.missing}});
  const fs::path fresh = store.begin(list, plan);
  try {
    receive(reply, fresh / "files", list, std::move(missing));
    for (const auto& blob : reply.request().blobs) {
      const bool about = blob.name == "commit" || blob.name == "dirty.patch";
      if (about) real_files().write(fresh / blob.name, blob.bytes, {.durable = false});
    }
    store.finish(fresh, list, text);
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
