#pragma once

#include <string>
#include <vector>

#include "apps/workflow-agent/reply.h"
#include "remote/sync/listing.h"

namespace workflow::agent {

/// A tree as it was listed for the client.
struct Offered {
  fs::path dir;
  std::vector<sync::Listed> found;
  fs::path out_dir{};  ///< what the entries from `out_from` on are below
  std::size_t out_from = SIZE_MAX;

  [[nodiscard]] const fs::path& dir_of(std::size_t entry) const {
    return entry < out_from ? dir : out_dir;
  }
};

/// The agent's half of a fetch and of a download (client/file_exchange.h is the other): trees are
/// listed, the client says what it lacks, and gets it, each file with the SHA-256 of all of it.
class FileGiver {
 public:
  explicit FileGiver(Reply& reply) : reply_(reply) {}

  /// An event to the client; small ones go many at once.
  void tell(const Json& event) { send(dump_json(event) + "\n"); }
  /// Tells what there is of a tree as `entries` of an event that says more of it. The client knows
  /// trees by their order.
  void offer(Json event, Offered tree);
  /// One that cannot be offered has a number too.
  void offer_nothing(const Json& event);
  /// Tells that all was listed, hears what the client lacks, and sends it.
  void give(Json planned);

 private:
  [[nodiscard]] Json wanted();
  void send_wanted(const Json& want);
  void send(const std::string& events);
  void flush();

  Reply& reply_;
  std::vector<Offered> offered_;
  std::string batch_;
};

}  // namespace workflow::agent
