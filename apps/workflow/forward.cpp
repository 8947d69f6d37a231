#include "client/forward.h"

#include "apps/workflow/hand.h"
#include "common/text.h"

namespace workflow::app {

Outcome forward(Context& context) {
  std::vector<client::Forward> forwards;
  Json ports = Json::array();
  for (const auto& word : context.args().words) {
    forwards.push_back(client::parse_forward(word));
    const auto& last = forwards.back();
    ports.push_back({{"local", last.local}, {"host", last.host}, {"port", last.port}});
  }
  if (forwards.empty()) {
    throw Error(Code::usage, "'forward' needs a port", "workflow help forward");
  }
  Output& out = context.out();
  const auto tell = [&](const char* state) {
    out.event({{"event", "state"}, {"state", state}, {"ports", ports}});
  };
  if (context.globals().dry_run) {
    out.line("would forward " + join(context.args().words, ", "));
    return {};
  }
  client::ForwardEvents events;
  events.on_listening = [&] {
    tell("listening");
    for (const auto& forward : forwards) {
      out.line("http://127.0.0.1:" + std::to_string(forward.local) + "   " + forward.host + ":" +
               std::to_string(forward.port) + " of the target");
    }
    out.note("until Ctrl-C");
  };
  events.on_lost = [&](const std::string& why) {
    tell("lost");
    out.note("connection lost (" + why + "); trying again");
  };
  client::forward_ports(context.session(), forwards, context.interrupt_fd(), events);
  out.note("forwarding ended");
  return {{{"ports", ports}}};
}

}  // namespace workflow::app
