#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/session.h"
#include "remote/sync/entry.h"

namespace workflow::client {

/// Files and trees, links as links, with modes and times. Paths of the target are relative to the
/// working copy there, or `~/…`, or absolute.
struct CopyRequest {
  std::vector<std::string> sources;
  std::string destination;
  /// The destination has to be a directory and is made when it is missing.
  bool directory = false;
};

/// Told how much has arrived; `total` is what there was at the start.
using OnCopied = std::function<void(const sync::Sum& arrived, const sync::Sum& total)>;

/// Each returns what has arrived. Error(unreachable) when the connection was lost: no file is there
/// by half, some may be there already.
[[nodiscard]] sync::Sum copy_to_target(Session& session, const CopyRequest& request,
                                       const OnCopied& on_copied);
[[nodiscard]] sync::Sum copy_from_target(Session& session, const CopyRequest& request,
                                         const OnCopied& on_copied);

}  // namespace workflow::client
