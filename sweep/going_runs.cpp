#include "sweep/going_runs.h"

#include <poll.h>

#include <algorithm>

namespace workflow::sweep {
namespace {

constexpr std::int64_t look_again_ms = 5'000;

}  // namespace

void GoingRuns::add(std::size_t row, const tasks::ProcessRef& supervisor) {
  UniqueFd fd = tasks::watch(supervisor);
  if (!fd.valid()) just_started_ = true;
  going_.push_back({row, std::move(fd)});
}

std::vector<std::size_t> GoingRuns::rows() const {
  std::vector<std::size_t> out;
  for (const Going& run : going_) out.push_back(run.row);
  return out;
}

void GoingRuns::wait(int inbox_fd, std::int64_t longest_ms) {
  std::int64_t limit = longest_ms;
  std::vector<pollfd> fds{{inbox_fd, POLLIN, 0}};
  for (const Going& run : going_) {
    if (!run.supervisor.valid()) limit = std::min(limit, just_started_ ? 0 : look_again_ms);
    fds.push_back({run.supervisor.get(), POLLIN, 0});
  }
  just_started_ = false;
  ::poll(fds.data(), fds.size(), static_cast<int>(limit));
}

std::vector<std::size_t> GoingRuns::take_ended() {
  std::vector<std::size_t> ended;
  std::erase_if(going_, [&](const Going& run) {
    pollfd now{run.supervisor.get(), POLLIN, 0};
    const bool goes_on = run.supervisor.valid() && ::poll(&now, 1, 0) <= 0;
    if (!goes_on) ended.push_back(run.row);
    return !goes_on;
  });
  return ended;
}

}  // namespace workflow::sweep
