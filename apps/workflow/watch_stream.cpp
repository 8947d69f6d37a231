#include "apps/workflow/watch_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <iterator>

#include "common/json.h"

namespace workflow::app {

WatchStream::WatchStream(const client::Settings& settings,
                         std::function<Json(client::Session&, const client::OnEvent&)> call)
    : stop_(make_pipe()), woken_(make_pipe()) {
  for (const int fd : {woken_.read.get(), woken_.write.get()}) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
  thread_ = std::thread([this, settings, call = std::move(call)] {
    std::optional<Json> result;
    std::exception_ptr fault;
    try {
      client::Session session(settings, stop_.read.get());
      result = call(session, [this](const Json& event) { add(event); });
    } catch (...) {  // for the thread that asks for the result
      fault = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
    fault_ = fault;
    wake();
  });
}

WatchStream::~WatchStream() {
  (void)!::write(stop_.write.get(), "q", 1);
  thread_.join();
}

void WatchStream::wake() {
  (void)!::write(woken_.write.get(), "w", 1);  // a full pipe wakes as well
}

void WatchStream::add(const Json& event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(event);
  wake();
}

std::vector<Json> WatchStream::take() {
  std::array<char, 256> woken;
  while (::read(woken_.read.get(), woken.data(), woken.size()) > 0) continue;
  const std::lock_guard lock(mutex_);
  std::vector<Json> events(std::make_move_iterator(events_.begin()),
                           std::make_move_iterator(events_.end()));
  events_.clear();
  return events;
}

std::optional<Json> WatchStream::result() {
  const std::lock_guard lock(mutex_);
  if (fault_) std::rethrow_exception(fault_);
  return result_;
}

}  // namespace workflow::app
