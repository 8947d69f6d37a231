#include "apps/workflow-agent/file_giver.h"

#include <poll.h>

#include <utility>

#include "remote/sync/send_file.h"

namespace workflow::agent {
namespace {

using State = protocol::Pieces::State;

/// The client may have to read through all that it has before it knows what it lacks.
constexpr int client_limit_ms = 3'600'000;

/// Small files go many at once: each write of ours would be a packet of its own.
constexpr std::size_t batch_size = 256U << 10U;

}  // namespace

void FileGiver::offer(Json event, Offered tree) {
  Json entries = Json::array();
  for (const auto& listed : tree.found) entries.push_back(sync::entry_json(listed.entry));
  event["entries"] = std::move(entries);
  tell(event);
  offered_.push_back(std::move(tree));
}

void FileGiver::offer_nothing(const Json& event) {
  tell(event);
  offered_.emplace_back();
}

void FileGiver::give(Json planned) {
  planned["event"] = "planned";
  tell(planned);
  flush();
  for (const auto& want : wanted()) send_wanted(want);
  flush();
}

/// What the client lacks: `[[tree, entry, bytes that it has, their hash], …]`.
Json FileGiver::wanted() {
  protocol::Pieces input = reply_.input();
  std::string text;
  while (true) {
    while (const auto piece = input.next()) text += *piece;
    if (input.state() == State::ended) return parse_json(text, "what the client asks for");
    pollfd in{input.fd(), POLLIN, 0};
    const bool heard = ::poll(&in, 1, client_limit_ms) != 0;
    if (heard) input.pull();
    if (!heard || input.state() == State::cut) {
      throw Error(Code::unreachable, "the client has gone");
    }
  }
}

void FileGiver::send_wanted(const Json& want) {
  const auto run = want.at(0).get<std::size_t>();
  const auto entry = want.at(1).get<std::size_t>();
  const Offered& tree = offered_.at(run);
  const sync::Have have{want.at(2).get<std::int64_t>(), want.at(3).get<std::string>()};
  const auto sent = sync::send_file(
      tree.dir_of(entry), tree.found.at(entry), have,
      [&](std::int64_t at, std::string_view bytes) {
        send(protocol::bytes_event({{"run", run}, {"entry", entry}, {"at", at}}, bytes));
      },
      [&](const FileHole& hole) {
        tell({{"event", "hole"},
              {"run", run},
              {"entry", entry},
              {"at", hole.from},
              {"bytes", hole.size()}});
      });
  tell({{"event", "file"},
        {"run", run},
        {"entry", entry},
        {"fault", sent.fault},
        {"vanished", sent.vanished},
        {"is", sync::entry_json(sent.entry)},
        {"sha256", sent.sha256}});
}

void FileGiver::send(const std::string& events) {
  batch_ += events;
  if (batch_.size() >= batch_size) flush();
}

void FileGiver::flush() {
  reply_.events(batch_);
  batch_.clear();
  if (reply_.client_gone()) throw Error(Code::unreachable, "the client has gone");
}

}  // namespace workflow::agent
