#include "client/push.h"

#include <unistd.h>

#include <optional>

#include "client/git_tree.h"
#include "client/push_stream.h"
#include "common/json.h"
#include "common/pipe.h"
#include "common/text.h"

namespace workflow::client {
namespace {

/// From here on the time that the system's ssh takes to begin is won back by its ciphers.
constexpr std::int64_t bulk_from_bytes = 8 << 20;
constexpr std::size_t longest_patch = 8U << 20U;

std::vector<std::size_t> missing_files(const Json& event, const LocalTree& tree) {
  std::vector<std::size_t> which;
  for (const auto& index : member(event, "files")) {
    const auto i = index.get<std::size_t>();
    if (i >= tree.files.size() || tree.files[i].link) {
      throw Error(Code::unreachable, "the agent's answer arrived damaged");
    }
    which.push_back(i);
  }
  return which;
}

/// The list, and what git knows of the tree.
std::vector<protocol::Blob> about(LocalTree& tree) {
  std::vector<protocol::Blob> blobs{{"tree", tree.text}};
  if (!tree.head.empty()) blobs.push_back({"commit", tree.head + "\n"});
  if (!tree.has_patch) return blobs;
  std::string patch = patch_of(tree.root, tree.leave_out);
  if (patch.size() <= longest_patch) {
    blobs.push_back({"dirty.patch", std::move(patch)});
  } else {
    tree.remarks.push_back(
        "what differs from the commit is shipped, but not kept as a patch too: " +
        human_bytes(static_cast<double>(patch.size())));
  }
  return blobs;
}

/// One call: the list there, what is missing back, and that there.
class Sending {
 public:
  explicit Sending(const LocalTree& tree) : tree_(tree), ready_(make_pipe()) {}

  link::CallOptions options() {
    link::CallOptions options;
    options.on_event = [this](const Json& event) {
      if (text_at(event, "event") != "missing") return;
      auto which = missing_files(event, tree_);
      files_ = static_cast<std::int64_t>(which.size());
      stream_.emplace(tree_, std::move(which));
      (void)::write(ready_.write.get(), "w", 1);
    };
    options.input = link::Input{ready_.read.get(), [this] { return stream_->next(); }};
    return options;
  }
  [[nodiscard]] std::int64_t files() const { return files_; }
  [[nodiscard]] std::int64_t bytes() const { return stream_ ? stream_->bytes() : 0; }

 private:
  const LocalTree& tree_;
  Pipe ready_;  ///< wakes whoever waits for the stream
  std::optional<PushStream> stream_;
  std::int64_t files_ = 0;
};

std::int64_t bytes_of(const LocalTree& tree) {
  std::int64_t bytes = 0;
  for (const auto& file : tree.files) bytes += file.size;
  return bytes;
}

}  // namespace

Json push(Session& session) {
  LocalTree tree = tree_to_push(session.settings());
  const Json offer = session.call({.verb = "push-offer", .args = {{"tree", tree.name}}});
  Sending sending(tree);
  if (!flag_at(offer, "there")) {
    const std::int64_t likely = flag_at(offer, "first") ? bytes_of(tree) : tree.fresh_bytes;
    if (likely >= bulk_from_bytes) session.prefer_bulk();
    (void)session.stream("push-send", Json::object(), sending.options(), about(tree));
  }
  return {{"tree", tree.name},
          {"git_sha", tree.git_sha()},
          {"head", tree.head},
          {"dirty", tree.dirty},
          {"root", tree.root.string()},
          {"files", tree.files.size()},
          {"bytes", bytes_of(tree)},
          {"sent_files", sending.files()},
          {"sent_bytes", sending.bytes()},
          {"there", flag_at(offer, "there")},
          {"snapshot", text_at(offer, "snapshot")},
          {"remarks", tree.remarks},
          {"notes", member(offer, "notes")}};
}

}  // namespace workflow::client
