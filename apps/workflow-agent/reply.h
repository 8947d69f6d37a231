#pragma once

#include <unistd.h>

#include <string>
#include <string_view>

#include "apps/workflow-agent/wire.h"
#include "common/error.h"
#include "common/json.h"
#include "remote/protocol/message.h"
#include "tasks/follow.h"
#include "tasks/site.h"

// One request being answered: its Site, and the line back to the client.
namespace workflow::agent {

class Reply {
 public:
  /// `in`: what was read from stdin and is not the request.
  Reply(Files& files, const Clock& clock, const protocol::Request& request, protocol::Incoming& in,
        Wire& wire);

  [[nodiscard]] const protocol::Request& request() const { return request_; }
  [[nodiscard]] const Json& args() const { return request_.args; }
  [[nodiscard]] const tasks::Site& site() const { return site_; }
  [[nodiscard]] std::string text(std::string_view key) const { return text_at(args(), key); }
  /// `K=V` of the secrets in the request.
  [[nodiscard]] std::vector<std::string> secrets() const;
  /// Where a user's path is: in the working copy; where there is none yet, in the directory of the
  /// login (of the caller, on this machine). `~/` is the home.
  [[nodiscard]] fs::path place(const std::string& asked) const;
  /// What every state-moving verb asks of the keeper.
  [[nodiscard]] tasks::Ask ask(fsm::Event event) const;

  /// One event to the client; when the client has gone, nothing.
  void send(const Json& event) { (void)wire_.send(event); }
  void log(std::string_view id, std::int64_t offset, std::string_view bytes);
  /// What a log leaves out, in place of its bytes.
  void log_hole(std::string_view id, const FileHole& hole);
  /// Many events at once, as they go over the wire, with the bytes that belong to them.
  void events(const std::string& bytes) { (void)wire_.send_bytes(bytes); }
  /// Raw bytes to the client, however many.
  void bytes(const Json& about, std::string_view bytes);
  /// What the client sends behind the request.
  [[nodiscard]] protocol::Pieces input() const { return {STDIN_FILENO, in_}; }
  void progress(std::string_view text) { send({{"event", "progress"}, {"text", text}}); }
  [[nodiscard]] bool client_gone() const { return wire_.client_gone(); }

  /// Follows a task for the client until it ends, the client goes, or `limit_ms` (-1: none) is
  /// over; tells log bytes from `offset` on when that is not negative. A request that goes on after
  /// a lost connection names in `of` the task it followed: another in its place is Error.
  tasks::Followed follow(const fs::path& dir, std::int64_t offset, std::int64_t limit_ms);

 private:
  const protocol::Request& request_;
  protocol::Incoming& in_;
  Wire& wire_;
  tasks::Site site_;
};

}  // namespace workflow::agent
