#include "client/push.h"

#include <unistd.h>

#include <algorithm>
#include <future>
#include <optional>

#include "client/git_tree.h"
#include "client/push_stream.h"
#include "common/json.h"
#include "common/pipe.h"
#include "common/text.h"

namespace workflow::client {
namespace {

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

/// Which snapshots are there is asked while the files here are read.
struct Looked {
  LocalTree tree;
  Json offer;
};

Looked look_at_both(Session& session) {
  std::future<Json> asked;
  Looked looked{tree_to_push(session.settings(),
                             [&] {
                               asked = std::async(std::launch::async, [&session] {
                                 return session.call({.verb = "push-offer"});
                               });
                             }),
                {}};
  looked.offer = asked.get();
  return looked;
}

}  // namespace

Json push(Session& session) {
  auto [tree, offer] = look_at_both(session);
  const Json& snapshots = member(offer, "snapshots");
  const bool there = std::ranges::find(snapshots, Json(tree.name)) != snapshots.end();
  Sending sending(tree);
  if (!there) {
    const std::int64_t likely = snapshots.empty() ? bytes_of(tree) : tree.fresh_bytes;
    if (session.bulk_pays(likely)) session.prefer_bulk();
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
          {"there", there},
          {"snapshot", (fs::path(text_at(offer, "dir")) / tree.name / "files").string()},
          {"remarks", tree.remarks},
          {"notes", member(offer, "notes")}};
}

}  // namespace workflow::client
