#include "tasks/follow.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "common/error.h"
#include "tasks/launch.h"
#include "tasks/notices.h"

namespace workflow::tasks {
namespace {

// Where inotify says nothing (FUSE, NFS) the files are looked at this often.
constexpr std::int64_t look_again_ms = 1000;

/// The task as it is, as long as it is the one that was asked for: after --force, or a run's next
/// attempt, another is in its place, whose log has nothing to do with what was told so far.
TaskView settle_same(Files& files, const fs::path& dir, std::optional<std::string>& token) {
  const Error replaced(Code::work_failed,
                       "'" + dir.filename().string() + "' was ended and put aside for a new one",
                       "what it left is in _bak, of a run in its attempts");
  try {
    TaskView view = settle(files, dir);
    if (!token) token = view.spec.token;
    if (*token != view.spec.token) throw replaced;
    return view;
  } catch (const Error& fault) {
    if (token && fault.code() == Code::not_found) throw replaced;
    throw;
  }
}

}  // namespace

std::int64_t tell_bytes(const fs::path& log, std::int64_t offset, const OnBytes& on_bytes,
                        const OnHole& on_hole) {
  const UniqueFd fd = open_regular(log);
  if (!fd.valid()) return offset;
  std::array<char, 65536> buffer;
  while (true) {
    const auto hole = hole_after(fd.get(), offset);
    if (hole && hole->from == offset) {
      if (on_hole) on_hole(*hole);
      offset = hole->to;
      continue;
    }
    const auto want = std::min<std::int64_t>(sizeof buffer, hole ? hole->from - offset : INT64_MAX);
    const ssize_t n = ::pread(fd.get(), buffer.data(), static_cast<std::size_t>(want), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return offset;
    on_bytes(offset, std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    offset += n;
  }
}

TaskView settle(Files& files, const fs::path& dir) {
  TaskView view = observe(files, dir);
  if (!view.orphaned()) return view;
  adopt(dir);
  return observe(files, dir);
}

Followed follow(Files& files, const FollowSpec& spec) {
  const Clock& clock = system_clock();
  const std::int64_t deadline = spec.limit_ms < 0 ? INT64_MAX : clock.steady_ms() + spec.limit_ms;
  std::optional<Notices> notices;  // to close one costs the kernel 10 ms and more
  std::int64_t offset = spec.offset;
  std::string told_state;
  std::optional<std::string> token = spec.token;
  while (true) {
    if (notices) notices->clear();
    // The record is read before the log: what was written before the end is then told before it.
    const TaskView view = settle_same(files, spec.dir, token);
    if (spec.on_state && view.record.state_name() != told_state) {
      told_state = view.record.state_name();
      if (!view.record.ended()) spec.on_state(view);
    }
    if (spec.on_bytes) {
      offset = tell_bytes(spec.dir / "stdout.log", offset, spec.on_bytes, spec.on_hole);
    }
    if (view.record.ended()) {
      if (spec.on_state) spec.on_state(view);
      return Followed::ended;
    }
    if (!notices) {
      notices.emplace(spec.dir);
      continue;  // something may have come in between
    }
    const std::int64_t left = deadline - clock.steady_ms();
    if (left <= 0) return Followed::out_of_time;

    const UniqueFd supervisor =
        view.supervisor == Liveness::alive && view.record.supervisor.pid != 0
            ? watch(view.record.supervisor)
            : UniqueFd();
    std::array<pollfd, 3> fds{
        {{notices->fd(), POLLIN, 0}, {supervisor.get(), POLLIN, 0}, {spec.reader_fd, POLLIN, 0}}};
    ::poll(fds.data(), fds.size(), static_cast<int>(std::min(left, look_again_ms)));
    if (fds[2].revents != 0) {
      char byte = 0;
      if (::read(spec.reader_fd, &byte, 1) <= 0) return Followed::reader_gone;
    }
  }
}

}  // namespace workflow::tasks
