#include "client/copy.h"

#include "common/error.h"
#include "common/json.h"
#include "remote/sync/tree_sink.h"
#include "remote/sync/tree_source.h"

namespace workflow::client {
namespace {

/// From here on the time that the system's ssh takes to begin is won back by its ciphers.
constexpr std::int64_t bulk_from_bytes = 8 << 20;

}  // namespace

sync::Sum copy_to_target(Session& session, const CopyRequest& request, const OnCopied& on_copied) {
  sync::TreeSource source({request.sources.begin(), request.sources.end()});
  if (source.sum().bytes >= bulk_from_bytes) session.prefer_bulk();
  link::CallOptions options;
  options.input = link::Input{-1, [&] { return source.next(); }};
  options.on_event = [&](const Json& event) {
    on_copied(sync::sum_from(member(event, "sum")), source.sum());
  };
  return sync::sum_from(session.stream("copy-in", {{"directory", request.directory}}, options,
                                       {{"destination", request.destination}}));
}

sync::Sum copy_from_target(Session& session, const CopyRequest& request,
                           const OnCopied& on_copied) {
  std::optional<sync::TreeSink> sink;
  std::vector<std::string> names;
  for (const auto& path : request.sources) {
    // Only the target knows what its home and its working copy are called.
    const std::string name = sync::source_name(path);
    names.push_back(name == "~" ? "" : name);
  }
  sync::Sum total;
  link::CallOptions options;
  options.on_event = [&](const Json& event) {
    total = sync::sum_from(member(event, "total"));
    // Only now: where there is nothing to copy, nothing is made here.
    sink.emplace(sync::Destination{request.destination, request.directory, names});
  };
  options.on_bytes = [&](const Json&, std::string_view bytes) {
    if (!sink) throw Error(Code::unreachable, "the agent's answer arrived damaged");
    sink->feed(bytes);
    on_copied(sink->sum(), total);
  };
  std::vector<protocol::Blob> sources;
  for (const auto& path : request.sources) sources.push_back({"source", path});
  const Json small =
      session.stream("copy-out", {{"at_most", bulk_from_bytes - 1}}, options, sources);
  if (!flag_at(small, "sent")) {
    session.prefer_bulk();
    (void)session.stream("copy-out", Json::object(), options, sources);
  }
  if (!sink) throw Error(Code::unreachable, "the agent's answer arrived damaged");
  sink->finish();
  return sink->sum();
}

}  // namespace workflow::client
