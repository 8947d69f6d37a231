#pragma once

#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "client/session.h"
#include "common/pipe.h"

namespace workflow::app {

/// A call that is made beside a view: its events and its end are fetched by whoever draws.
class WatchStream {
 public:
  /// `call` is made in a thread of its own, with a session that ends it when this object goes.
  WatchStream(const client::Settings& settings,
              std::function<Json(client::Session&, const client::OnEvent&)> call);
  /// Ends the call and waits for it.
  ~WatchStream();
  WatchStream(const WatchStream&) = delete;
  WatchStream& operator=(const WatchStream&) = delete;

  /// Readable when there is something to take.
  [[nodiscard]] int fd() const { return woken_.read.get(); }
  /// The events since it was last asked.
  [[nodiscard]] std::vector<Json> take();
  /// What the call gave, once it has ended; its Error is thrown.
  [[nodiscard]] std::optional<Json> result();

 private:
  void add(const Json& event);
  void wake();

  Pipe stop_;
  Pipe woken_;
  std::mutex mutex_;
  std::deque<Json> events_;
  std::optional<Json> result_;
  std::exception_ptr fault_;
  std::thread thread_;
};

}  // namespace workflow::app
