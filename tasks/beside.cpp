#include "tasks/beside.h"

#include <algorithm>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "tasks/mirror.h"

namespace workflow::tasks {
namespace {

constexpr std::int64_t mirror_every_ms = 60'000;

}  // namespace

Beside::Beside(Files& files, const fs::path& dir, const TaskSpec& spec, const FileHole& hole,
               LogCap::Note note)
    : files_(files),
      dir_(dir),
      live_(live_root_above(files, dir)),
      out_(run_out_of(spec)),
      log_cap_(dir / "stdout.log", spec.log_max_bytes, hole, std::move(note)) {
  if (live_) next_mirror_ms_ = 0;
  if (out_ && out_->sync) next_copy_ms_ = 0;
}

std::int64_t Beside::next_ms() const {
  return std::min({next_mirror_ms_, next_copy_ms_, log_cap_.next_ms()});
}

void Beside::turn(std::int64_t now_ms) {
  log_cap_.turn(now_ms);
  if (now_ms >= next_mirror_ms_) {
    next_mirror_ms_ = now_ms + mirror_every_ms;
    mirror();
  }
  if (now_ms < next_copy_ms_) return;
  next_copy_ms_ = now_ms + out_->every_secs * 1000;
  try {
    if (pass_ && !pass_->wait(0, 0)) return;  // the one before is still at it
    pass_ = std::make_unique<CopyProcess>(
        std::vector<std::string>{"copy", "out", dir_.string(), "next"});
  } catch (const Error&) {
    pass_.reset();  // the next one, and the last one at any rate, does it all
  }
}

void Beside::finish(const std::function<void()>& settle) {
  if (!out_) return;
  const auto failed = [&](const std::string& reason) {
    if (!out_->sync) return;
    write_sync(files_, dir_,
               {{"ok", false},
                {"last", true},
                {"reason", reason},
                {"synced_at", utc_text(system_clock().now_ms())}});
  };
  try {
    if (pass_ && !pass_->wait(out_->patience_ms(), INT64_MAX, settle)) pass_->end();
    CopyProcess last({"copy", "out", dir_.string(), "last"});
    const auto done = last.wait(out_->patience_ms(), INT64_MAX, settle);
    if (!done) {
      last.end();
      return failed("'" + out_->durable.string() + "' has not answered for " +
                    human_duration(out_->patience_ms() / 1000));
    }
    throw_if_failed(*done);
  } catch (const Error& fault) {
    failed(fault.what());
  }
}

void Beside::mirror() const {
  if (!live_) return;
  try {
    (void)mirror_beside(*live_, 0);
  } catch (const Error&) {
    // The next one may start again; fsm-status tells how old the mirror is.
  }
}

}  // namespace workflow::tasks
