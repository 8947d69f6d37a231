// sweep-follow: how a sweep goes, told whenever it has changed. docs/architecture.md, "Following a
// sweep", has the events.
#include <poll.h>

#include <algorithm>

#include "apps/workflow-agent/log_tail.h"
#include "apps/workflow-agent/sweep_verbs.h"
#include "common/clock.h"
#include "sweep/live_status.h"

namespace workflow::agent {
namespace {

constexpr std::int64_t look_every_ms = 500;
constexpr std::int64_t most_curve_points = 120;

/// Looking costs a long campaign more; it gets at most a third of a core.
std::int64_t rest_after(std::int64_t cost_ms) {
  return std::clamp<std::int64_t>(cost_ms * 2, 50, look_every_ms);
}

/// Whose log the client looks at, in what it sent last.
void take_wishes(protocol::Pieces& pieces, LogTail& tail) {
  while (const auto piece = pieces.next()) {
    tail.follow(text_at(parse_json(*piece, "a wish of the client"), "log"));
  }
}

/// Waits for a wish of the client or a change, so long at the most. False when the client has gone.
bool wait(protocol::Pieces& pieces, LogTail& tail, int changed_fd, std::int64_t limit_ms) {
  pollfd fds[] = {{pieces.fd(), POLLIN, 0}, {changed_fd, POLLIN, 0}};
  if (::poll(fds, 2, static_cast<int>(limit_ms)) <= 0 || fds[0].revents == 0) return true;
  pieces.pull();
  take_wishes(pieces, tail);
  tail.tell();
  return pieces.state() != protocol::Pieces::State::cut;
}

bool over(const sweep::LiveStatus& status) {
  return status.executor_state() == "gone" && !status.rows_running();
}

}  // namespace

Json sweep_follow(Reply& reply) {
  const auto points =
      std::clamp<std::int64_t>(number_at(reply.args(), "curve_points"), 0, most_curve_points);
  sweep::LiveStatus status(reply.site(), reply.text("campaign"), static_cast<std::size_t>(points));
  protocol::Pieces pieces = reply.input();
  LogTail tail(reply);
  if (!over(status)) reply.send({{"event", "progress"}, {"data", status.whole()}});
  bool here = true;
  while (here && !over(status) && !reply.client_gone()) {
    const std::int64_t begun = system_clock().steady_ms();
    status.look();
    if (Json changes = status.changes(); !changes.is_null()) {
      reply.send({{"event", "progress"}, {"data", std::move(changes)}});
    } else if (points > 0) {
      reply.send({{"event", "looked"}});  // a view shows how old it is
    }
    tail.tell();
    const std::int64_t rest = rest_after(system_clock().steady_ms() - begun);
    here = wait(pieces, tail, -1, rest) &&
           wait(pieces, tail, status.changed_fd(), look_every_ms - rest);
  }
  Json last = status.whole();
  last["finished"] = !status.rows_left();
  return last;
}

}  // namespace workflow::agent
