#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/session.h"
#include "client/want.h"

namespace workflow::client {

/// What this machine lacks of the trees that were listed.
struct Wanted {
  std::vector<std::vector<Want>> trees;  ///< in the order in which they were listed
  std::int64_t bytes = 0;                ///< that will come
};

/// Takes what comes of a file exchange. A tree is known by its number, an entry by its place in it;
/// both come from the other side.
class FileTaker {
 public:
  virtual ~FileTaker() = default;

  /// A connection: everything is listed from the start.
  virtual void begin() = 0;
  /// Told of a tree.
  virtual void listed(const Json& event) = 0;
  /// All is listed.
  [[nodiscard]] virtual Wanted wanted(const Json& planned) = 0;
  /// What was wanted is coming: not told when it comes by another connection.
  virtual void coming() {}
  virtual void take(std::size_t tree, std::size_t entry, std::int64_t at,
                    std::string_view bytes) = 0;
  virtual void leave_out(std::size_t tree, std::size_t entry, std::int64_t at,
                         std::int64_t bytes) = 0;
  /// All of a file was sent: its `sha256`, and what it `is` where that is not what was listed; or
  /// the `fault` for which it was not.
  virtual void end_file(std::size_t tree, std::size_t entry, const Json& event) = 0;
};

/// Brings files here: the agent's verb lists trees, is told what is lacking, and sends that
/// (apps/workflow-agent/file_giver.h). One exec; where much is to come, a second one over the way
/// that is quick for many bytes. After a lost connection it goes on with what the taker then wants.
void exchange_files(Session& session, const std::string& verb, const Json& args,
                    const std::vector<protocol::Blob>& blobs, FileTaker& taker);

}  // namespace workflow::client
