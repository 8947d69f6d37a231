#include "sweep/attempts.h"

#include "common/error.h"

namespace workflow::sweep {
namespace {

using enum Sight::Kind;

Sight gone_with_its_directory() {
  return {lost, {}, "its directory is gone, and its record with it"};
}

}  // namespace

Sight Attempts::of(RunView view) {
  if (!view.task.record.ended()) return {going, std::move(view), {}};
  const bool began = !view.task.never_started();
  return {began ? ended : never_began, std::move(view), {}};
}

Sight Attempts::found(std::size_t row) {
  std::optional<RunView> view;
  try {
    if (rows_[row].state == RunState::pending) rows_.catch_up(row);
    if (rows_[row].state == RunState::pending) return {};
    view = rows_.look(row);
  } catch (const Error& fault) {
    // A pending one's start will tell.
    return rows_[row].state == RunState::pending ? Sight{} : unreadable(row, fault.what());
  }
  if (rows_.is_current(row, view)) return of(std::move(*view));
  // Its record may be gone while it lives.
  if (processes_of(site_, rows_[row].run_id)) {
    return {lost, {}, "its record is gone while it lives"};
  }
  return {never_began, {}, {}};
}

Sight Attempts::now(std::size_t row) {
  try {
    auto view = rows_.settle(row);
    return view ? of(std::move(*view)) : gone_with_its_directory();
  } catch (const Error& fault) {
    return unreadable(row, fault.what());
  }
}

/// A run without a record, or with bytes that are none: a training may do that to anything. While
/// one of its processes lives, or the disk does not answer, it is looked at again.
Sight Attempts::unreadable(std::size_t row, const std::string& fault) const {
  const fs::path dir = site_.run_dir(rows_[row].run_id);
  if (presence(dir / "status.json") == Presence::absent) return gone_with_its_directory();
  if (can_be_read(site_.files(), dir) && !processes_of(site_, rows_[row].run_id)) {
    return {lost, {}, fault};
  }
  return {going, {}, {}};
}

}  // namespace workflow::sweep
