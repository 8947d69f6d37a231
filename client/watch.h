#pragma once

#include <map>
#include <mutex>
#include <string>

#include "client/session.h"
#include "common/pipe.h"

// Following a sweep: events that say what has changed, and one document made of them.
namespace workflow::client {

/// What a view asks of the agent while it follows; from any thread.
class WatchWishes {
 public:
  WatchWishes();
  /// Tells the end of this run's log, and what is added to it, as events; empty: none any more.
  void log_of(const std::string& run_id);
  /// For one call: what was wished last, then each new wish.
  [[nodiscard]] link::Input input();

 private:
  std::mutex mutex_;
  std::string wish_;
  bool fresh_ = false;
  Pipe pipe_;
};

/// What is told of a sweep while it is followed.
struct WatchRequest {
  std::int64_t curve_points = 0;  ///< of each running row's loss; 0: none
  WatchWishes* wishes = nullptr;  ///< must outlive the call
};
/// Follows the state's sweep until it ends or stalls: first an event with the whole document, then
/// ones with what has changed (docs/architecture.md, "Following a sweep"). The whole is told again
/// after a lost connection.
[[nodiscard]] Json sweep_watch(Session& session, const WatchRequest& request,
                               const OnEvent& on_event);

/// The document that those events make.
class WatchedSweep {
 public:
  /// Takes the data of one `progress` event; gives the positions in runs() that changed.
  std::vector<std::size_t> take(const Json& data);
  /// counts, executor, eta_secs, campaign, state: all but the rows.
  [[nodiscard]] const Json& head() const { return head_; }
  [[nodiscard]] const std::vector<Json>& runs() const { return runs_; }

 private:
  Json head_ = Json::object();
  std::vector<Json> runs_;
  std::map<std::int64_t, std::size_t> place_;  ///< by the row's number
};

}  // namespace workflow::client
