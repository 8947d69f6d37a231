#include "remote/transport/openssh_channel.h"

#include <algorithm>
#include <optional>

#include "common/text.h"
#include "remote/transport/login_shell.h"
#include "remote/transport/process_channel.h"
#include "remote/transport/refusal.h"
#include "remote/transport/ssh_command.h"
#include "remote/transport/ssh_words.h"

namespace workflow::transport {
namespace {

constexpr int ambiguous = 255;

/// A command that ends with 255, as ssh's own failures do, says so with a word of ours.
std::string proving(const std::string& command, const std::string& proof) {
  return "( " + command + " ); s=$?; [ $s -eq 255 ] && printf %s " + proof + " >&2; exit $s";
}

class OpensshChannel final : public Channel {
 public:
  OpensshChannel(const Endpoint& endpoint, const fs::path& socket, const std::string& command,
                 int interrupt_fd, std::optional<FileLock> place)
      : endpoint_(endpoint),
        place_(std::move(place)),
        over_ours_(!socket.empty()),
        proof_("workflow-exit-255-" + random_hex(8)) {
    std::vector<std::string> argv = ssh_argv(endpoint, false);
    log_to(argv, log_);
    add_options(argv, {"BatchMode=yes"});
    if (!socket.empty()) {
      // A master that refuses a session must not lead to a login of ssh's own beside it.
      add_options(argv,
                  {"ControlMaster=no", "ControlPath=" + ssh_value(socket), "ProxyCommand=false"});
    }
    argv.insert(argv.end(), {"--", endpoint.destination, for_any_shell(proving(command, proof_))});
    inner_ = process_channel(argv, interrupt_fd);
  }

  void write(std::string_view bytes) override { inner_->write(bytes); }
  void end_input() override { inner_->end_input(); }
  std::size_t unsent() const override { return inner_->unsent(); }

  Chunk read(std::int64_t limit_ms, int wake_fd) override {
    if (ended_) throw_unless_proven();
    Chunk chunk = inner_->read(limit_ms, wake_fd);
    held_ += chunk.err;
    chunk.err = without_proof(chunk.ended);
    if (!chunk.ended) return chunk;
    ended_ = true;
    status_ = inner_->exit();
    if (proven()) return chunk;
    // What it said before comes first; the next read tells how it ended.
    if (chunk.out.empty() && chunk.err.empty()) throw_unless_proven();
    chunk.ended = false;
    return chunk;
  }

  ExitStatus exit() override {
    throw_unless_proven();
    return status_;
  }

 private:
  /// What of the held bytes is the command's own; the start of a proof is kept until it is known.
  std::string without_proof(bool ended) {
    if (const auto at = held_.find(proof_); at != std::string::npos) {
      held_.erase(at, proof_.size());
      said_255_ = true;
    }
    std::size_t keep = ended ? 0 : std::min(held_.size(), proof_.size() - 1);
    while (keep > 0 && proof_.compare(0, keep, held_, held_.size() - keep, keep) != 0) --keep;
    std::string out = held_.substr(0, held_.size() - keep);
    held_.erase(0, out.size());
    return out;
  }

  [[nodiscard]] bool proven() const {
    return status_.code && (*status_.code != ambiguous || said_255_);
  }

  void throw_unless_proven() const {
    if (proven()) return;
    const std::string words = log_.words();
    if (over_ours_ && words.find("open refused") == std::string::npos &&
        words.find("UNKNOWN port") != std::string::npos) {
      throw cannot_be_reached(endpoint_, "the connection that stood has gone");
    }
    throw_for_words(endpoint_, words, false);
    throw connection_lost(words.empty() ? "ssh ended without a word (or a signal ended the command)"
                                        : in_one_line(words));
  }

  Endpoint endpoint_;
  std::optional<FileLock> place_;
  bool over_ours_;
  SshLog log_;
  std::string proof_;
  std::unique_ptr<Channel> inner_;
  std::string held_;
  bool said_255_ = false;
  bool ended_ = false;
  ExitStatus status_;
};

}  // namespace

std::unique_ptr<Channel> openssh_channel(const Endpoint& endpoint, const fs::path& socket,
                                         const std::string& command, int interrupt_fd,
                                         std::optional<FileLock> place) {
  return std::make_unique<OpensshChannel>(endpoint, socket, command, interrupt_fd,
                                          std::move(place));
}

}  // namespace workflow::transport
