#include "client/watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "common/json.h"

namespace workflow::client {

WatchWishes::WatchWishes() : pipe_(make_pipe()) {
  for (const int fd : {pipe_.read.get(), pipe_.write.get()}) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  }
}

void WatchWishes::log_of(const std::string& run_id) {
  const std::lock_guard lock(mutex_);
  wish_ = run_id;
  fresh_ = true;
  (void)!::write(pipe_.write.get(), "w", 1);  // a full pipe wakes the reader as well
}

link::Input WatchWishes::input() {
  {
    const std::lock_guard lock(mutex_);
    fresh_ = !wish_.empty();
    if (fresh_) (void)!::write(pipe_.write.get(), "w", 1);
  }
  return {pipe_.read.get(), [this]() -> std::optional<std::string> {
            std::array<char, 256> woken;
            while (::read(pipe_.read.get(), woken.data(), woken.size()) > 0) continue;
            const std::lock_guard lock(mutex_);
            if (!fresh_) return std::string();
            fresh_ = false;
            return dump_json({{"log", wish_}});
          }};
}

Json sweep_watch(Session& session, const WatchRequest& request, const OnEvent& on_event) {
  Session::Call call{.verb = "sweep-follow",
                     .args = {{"curve_points", request.curve_points}},
                     .again = Again::until_ended,
                     .on_event = on_event};
  if (request.wishes != nullptr) call.input = [&] { return request.wishes->input(); };
  return session.call(call);
}

std::vector<std::size_t> WatchedSweep::take(const Json& data) {
  if (data.contains("campaign")) {
    runs_.clear();
    place_.clear();
  }
  for (const auto& [key, value] : data.items()) {
    if (key != "runs") head_[key] = value;
  }
  std::vector<std::size_t> changed;
  for (const auto& run : member(data, "runs")) {
    const auto [at, fresh] = place_.try_emplace(number_at(run, "n"), runs_.size());
    if (fresh) runs_.emplace_back();
    // A run that has ended keeps the curve it had.
    Json curve = std::move(runs_[at->second]["curve"]);
    runs_[at->second] = run;
    if (!run.contains("curve") && curve.is_object()) runs_[at->second]["curve"] = std::move(curve);
    changed.push_back(at->second);
  }
  return changed;
}

}  // namespace workflow::client
