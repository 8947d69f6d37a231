#include "client/file_exchange.h"

#include <unistd.h>

#include <optional>

#include "common/json.h"
#include "common/pipe.h"
#include "remote/protocol/stream.h"

namespace workflow::client {
namespace {

class FileExchange {
 public:
  FileExchange(Session& session, FileTaker& taker) : session_(session), taker_(taker) {}

  void run(const std::string& verb, const Json& args, const std::vector<protocol::Blob>& blobs) {
    const auto anew = [&] { return options(); };
    (void)session_.stream_again(verb, args, anew, blobs);
    if (!again_in_bulk_) return;
    session_.prefer_bulk();
    (void)session_.stream_again(verb, args, anew, blobs);
  }

 private:
  link::CallOptions options() {
    taker_.begin();
    wants_.reset();
    ready_ = make_pipe();
    again_in_bulk_ = false;
    link::CallOptions options;
    options.input = link::Input{ready_.read.get(), [&] { return next_wants(); }};
    options.on_event = [&](const Json& event) { hear(event); };
    options.on_bytes = [&](const Json& event, std::string_view bytes) {
      taker_.take(index(event, "run"), index(event, "entry"), number_at(event, "at"), bytes);
      const bool whole = member(event, "sha256").is_string();
      if (whole) taker_.end_file(index(event, "run"), index(event, "entry"), event);
    };
    return options;
  }

  static std::size_t index(const Json& event, const char* key) {
    return static_cast<std::size_t>(number_at(event, key, -1));
  }

  void hear(const Json& event) {
    const std::string kind = text_at(event, "event");
    if (kind == "run" || kind == "listed") taker_.listed(event);
    if (kind == "planned") ask(event);
    if (kind == "file") taker_.end_file(index(event, "run"), index(event, "entry"), event);
    if (kind == "hole") {
      taker_.leave_out(index(event, "run"), index(event, "entry"), number_at(event, "at"),
                       number_at(event, "bytes"));
    }
  }

  /// `[[tree, entry, bytes that are here, their hash], …]`
  void ask(const Json& planned) {
    const Wanted wanted = taker_.wanted(planned);
    Json wants = Json::array();
    again_in_bulk_ = session_.bulk_pays(wanted.bytes);
    if (!again_in_bulk_) {
      for (std::size_t tree = 0; tree < wanted.trees.size(); ++tree) {
        for (const Want& want : wanted.trees[tree]) {
          wants.push_back({tree, want.entry, want.have, want.sha256});
        }
      }
      taker_.coming();
    }
    wants_ = dump_json(wants);
    (void)::write(ready_.write.get(), "w", 1);
  }

  std::optional<std::string> next_wants() {
    if (!wants_ || wants_->empty()) return std::nullopt;
    std::string piece = wants_->substr(0, protocol::largest_piece);
    wants_->erase(0, piece.size());
    return piece;
  }

  Session& session_;
  FileTaker& taker_;
  std::optional<std::string> wants_;
  Pipe ready_;  ///< wakes whoever waits for the wants
  bool again_in_bulk_ = false;
};

}  // namespace

void exchange_files(Session& session, const std::string& verb, const Json& args,
                    const std::vector<protocol::Blob>& blobs, FileTaker& taker) {
  FileExchange(session, taker).run(verb, args, blobs);
}

}  // namespace workflow::client
