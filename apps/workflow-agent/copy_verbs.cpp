#include <poll.h>

#include "apps/workflow-agent/hand_verbs.h"
#include "common/text.h"
#include "remote/sync/tree_sink.h"
#include "remote/sync/tree_source.h"

namespace workflow::agent {
namespace {

using State = protocol::Pieces::State;

constexpr int client_limit_ms = 300'000;
constexpr std::int64_t tell_every_ms = 250;

void wait_for_client(const protocol::Pieces& input) {
  pollfd in{input.fd(), POLLIN, 0};
  if (::poll(&in, 1, client_limit_ms) != 0) return;
  throw Error(Code::unreachable,
              "no byte came for " + human_duration(client_limit_ms / 1000) + "; the copy stopped");
}

}  // namespace

Json copy_in(Reply& reply) {
  sync::TreeSink sink({.path = reply.place(reply.request().blob("destination")),
                       .directory = flag_at(reply.args(), "directory")});
  protocol::Pieces input = reply.input();
  std::int64_t told_ms = 0;
  while (true) {
    while (const auto piece = input.next()) sink.feed(*piece);
    if (input.state() == State::ended) break;
    if (input.state() == State::cut) throw Error(Code::unreachable, "the client has gone");
    if (const auto now = system_clock().steady_ms(); now - told_ms >= tell_every_ms) {
      told_ms = now;
      reply.send({{"event", "progress"}, {"sum", sync::sum_json(sink.sum())}});
    }
    wait_for_client(input);
    input.pull();
  }
  sink.finish();
  return sync::sum_json(sink.sum());
}

Json copy_out(Reply& reply) {
  std::vector<fs::path> paths;
  for (const auto& blob : reply.request().blobs) {
    if (blob.name == "source") paths.push_back(reply.place(blob.bytes));
  }
  sync::TreeSource source(std::move(paths));
  Json sum = sync::sum_json(source.sum());
  const std::int64_t at_most = number_at(reply.args(), "at_most", -1);
  sum["sent"] = at_most < 0 || source.sum().bytes <= at_most;
  if (!flag_at(sum, "sent")) return sum;
  reply.send({{"event", "progress"}, {"total", sum}});
  while (const auto piece = source.next()) {
    reply.bytes(Json::object(), *piece);
    if (reply.client_gone()) throw Error(Code::unreachable, "the client has gone");
  }
  return sum;
}

}  // namespace workflow::agent
