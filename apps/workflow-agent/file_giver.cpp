#include "apps/workflow-agent/file_giver.h"

#include <poll.h>

#include <optional>
#include <utility>

#include "remote/sync/send_file.h"

namespace workflow::agent {
namespace {

using State = protocol::Pieces::State;

/// The client may have to read through all that it has before it knows what it lacks.
constexpr int client_limit_ms = 3'600'000;

/// Small files go many at once: each write of ours would be a packet of its own.
constexpr std::size_t batch_size = 256U << 10U;
constexpr std::size_t small_size = 64U << 10U;

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
  const sync::Listed& listed = tree.found.at(entry);
  const sync::Have have{want.at(2).get<std::int64_t>(), want.at(3).get<std::string>()};
  std::optional<std::string> small;  // all of a file: its end goes with it
  const auto give = [&](std::int64_t at, std::string_view bytes) {
    send(protocol::bytes_event({{"run", run}, {"entry", entry}, {"at", at}}, bytes));
  };
  const auto give_small = [&] {
    if (small) give(0, *std::exchange(small, std::nullopt));
  };
  const auto sent = sync::send_file(
      tree.dir_of(entry), listed, have,
      [&](std::int64_t at, std::string_view bytes) {
        if (at > 0) give_small();
        if (at == 0 && bytes.size() <= small_size) {
          small = bytes;
        } else {
          small.reset();
          give(at, bytes);
        }
      },
      [&](const FileHole& hole) {
        give_small();
        tell({{"event", "hole"},
              {"run", run},
              {"entry", entry},
              {"at", hole.from},
              {"bytes", hole.size()}});
      });
  Json end = {{"event", "file"}, {"run", run}, {"entry", entry}, {"sha256", sent.sha256}};
  if (!sent.fault.empty()) end.update({{"fault", sent.fault}, {"vanished", sent.vanished}});
  if (!(sent.entry == listed.entry)) end["is"] = sync::entry_json(sent.entry);
  const bool with_it = small && sent.fault.empty();
  if (with_it) end["at"] = 0;
  send(with_it ? protocol::bytes_event(std::move(end), *small) : dump_json(end) + "\n");
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
