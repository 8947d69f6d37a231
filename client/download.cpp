#include "client/download.h"

#include "client/arriving_tree.h"
#include "common/json.h"

namespace workflow::client {

Json download(Session& session, const std::string& remote, const fs::path& local,
              const OnEvent& on_event) {
  ArrivingTree tree(remote, local, on_event);
  exchange_files(session, "download", Json::object(), {{"remote", remote}}, tree);
  return tree.finish();
}

}  // namespace workflow::client
