#include "client/push.h"

#include "client/push_stream.h"
#include "common/json.h"

namespace workflow::client {
namespace {

/// From here on the time that the system's ssh takes to begin is won back by its ciphers.
constexpr std::int64_t bulk_from_bytes = 8 << 20;

std::vector<std::size_t> missing_files(const Json& offer, const LocalTree& tree) {
  std::vector<std::size_t> which;
  for (const auto& index : member(offer, "missing")) {
    const auto i = index.get<std::size_t>();
    if (i >= tree.files.size())
      throw Error(Code::unreachable, "the agent's answer arrived damaged");
    which.push_back(i);
  }
  return which;
}

}  // namespace

Json push(Session& session) {
  const LocalTree tree = tree_to_push(session.settings());
  const std::vector<protocol::Blob> list{{"tree", tree.text}};
  const Json offer = session.call({.verb = "push-offer", .blobs = list});
  PushStream stream(tree, missing_files(offer, tree));
  std::int64_t files = 0;
  if (!flag_at(offer, "there")) {
    if (stream.bytes() >= bulk_from_bytes) session.prefer_bulk();
    link::CallOptions options;
    options.input = link::Input{-1, [&] { return stream.next(); }};
    (void)session.stream("push-send", {{"base", member(offer, "base")}}, options, list);
    files = static_cast<std::int64_t>(member(offer, "missing").size());
  }
  std::int64_t bytes = 0;
  for (const auto& file : tree.files) bytes += file.size;
  return {{"tree", tree.name},
          {"git_sha", tree.git_sha()},
          {"head", tree.head},
          {"dirty", tree.dirty},
          {"root", tree.root.string()},
          {"files", tree.files.size()},
          {"bytes", bytes},
          {"sent_files", files},
          {"sent_bytes", files == 0 ? 0 : stream.bytes()},
          {"snapshot", text_at(offer, "snapshot")},
          {"remarks", tree.remarks},
          {"notes", member(offer, "notes")}};
}

}  // namespace workflow::client
