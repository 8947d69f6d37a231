#include "tasks/run_out.h"

#include <poll.h>

#include <algorithm>
#include <cstdio>

#include "common/clock.h"
#include "common/error.h"
#include "common/file_lock.h"
#include "common/text.h"
#include "tasks/copy_forward.h"
#include "tasks/copy_process.h"

namespace workflow::tasks {
namespace {

constexpr int look_again_ms = 1'000;
constexpr std::int64_t least_patience_ms = 10'000;
constexpr std::int64_t longest_summary = 1 << 20;
constexpr std::size_t most_named = 20;

void say(const std::string& text) {
  std::printf("workflow: %s\n", text.c_str());
  std::fflush(stdout);
}

bool has_files(const fs::path& dir) {
  std::error_code none;
  return fs::directory_iterator(dir, none) != fs::directory_iterator();
}

/// What an earlier attempt made durable, perhaps on another pod. It appears whole or not at all, so
/// that a training never resumes from half of it.
void restore(Files& files, const RunOut& out) {
  if (has_files(out.train) || !has_files(out.durable)) return;
  const fs::path fresh = out.train.parent_path() / ("." + out.train.filename().string() + ".new");
  std::error_code ignored;
  fs::remove_all(fresh, ignored);  // of a restore that was killed
  files.make_dirs(fresh);
  Copied copied;
  const CopyResult result = copy_forward({.from = out.durable, .to = fresh}, copied);
  if (!result.ok()) {
    throw Error(result.no_room ? Code::precondition : Code::work_failed,
                "cannot restore '" + out.durable.string() + "': " + result.behind.front().path +
                    ": " + result.behind.front().why);
  }
  fs::remove(out.train, ignored);  // empty
  files.rename(fresh, out.train);
  say("restored " + std::to_string(result.files) + " files (" +
      human_bytes(static_cast<double>(result.bytes)) + ") from '" + out.durable.string() +
      "' to '" + out.train.string() + "', which was empty");
}

/// The summary of the attempt before this one is that attempt's; moved across file systems.
void put_summary_aside(Files& files, const fs::path& dir, const RunOut& out) {
  const auto attempts = files.list(dir / "attempts");
  const fs::path old = out.train / "summary.json";
  if (attempts.empty() || !may_be_there(old)) return;
  const auto bytes = files.read(old);
  files.write(dir / "attempts" / attempts.back() / "trainer-summary.json", bytes.value_or(""));
  fs::remove(old);
}

/// A training whose out/ may hang: its summary is brought to where it can be read.
void bring_summary(Files& files, const fs::path& dir, const RunOut& out) {
  const fs::path file = out.train / "summary.json";
  if (out.sync || read_tail(file, 0).size > longest_summary) return;
  if (const auto bytes = files.read(file)) {
    files.make_dirs(dir / "out");
    files.write(dir / "out/summary.json", *bytes);
  }
}

Json result_json(const CopyResult& result) {
  Json named = Json::array();
  for (const auto& file : result.behind) {
    if (named.size() < most_named) named.push_back(file.path);
  }
  Json out = {{"ok", result.ok()},
              {"files", result.files},
              {"bytes", result.bytes},
              {"behind", result.behind.size()},
              {"behind_files", std::move(named)},
              {"no_room", result.no_room},
              {"kept", result.kept},
              {"reason", Json()}};
  if (!result.ok()) {
    const Behind& first = result.behind.front();
    out["reason"] = (first.path.empty() ? "" : first.path + ": ") + first.why;
  }
  return out;
}

}  // namespace

std::int64_t RunOut::patience_ms() const {
  return std::max(least_patience_ms, every_secs * 10'000);
}

Json run_out_json(const RunOut& out) {
  return {{"train_base64", base64(out.train.string())},
          {"durable_base64", base64(out.durable.string())},
          {"every_secs", out.every_secs},
          {"sync", out.sync}};
}

std::optional<RunOut> run_out_of(const TaskSpec& spec) {
  const Json& json = member(spec.owner, "out");
  if (!json.is_object()) return std::nullopt;
  return RunOut{unbase64(text_at(json, "train_base64")).value_or(""),
                unbase64(text_at(json, "durable_base64")).value_or(""),
                std::max(1LL, number_at(json, "every_secs", 60)), flag_at(json, "sync")};
}

void prepare_out(Files& files, const fs::path& dir, const TaskSpec& spec) {
  const auto out = run_out_of(spec);
  if (!out) return;
  if (out->sync) restore(files, *out);
  files.make_dirs(out->train);
  put_summary_aside(files, dir, *out);
}

Json copy_out(Files& files, const Clock& clock, const fs::path& dir, bool last) {
  const TaskSpec spec =
      spec_from(parse_json(files.read(dir / "spec.json").value_or("{}"), "spec.json"));
  const auto out = run_out_of(spec);
  if (!out) bug("a run without an out/ of its own is copied");
  if (last) bring_summary(files, dir, *out);
  if (!out->sync) return {{"ok", true}};
  // A copy that its supervisor left behind may still be at it, and ends by itself if it hangs.
  auto lock = FileLock::try_take(dir / ".sync-lock");
  for (; !lock; lock = FileLock::try_take(dir / ".sync-lock")) {
    tell_progress();
    ::poll(nullptr, 0, look_again_ms);
  }
  const fs::path memory = dir / ".synced.json";
  const auto known = files.read(memory);
  Copied copied;
  if (known && json_fault(*known).empty()) copied = copied_from(parse_json(*known, "memory"));
  const CopyResult result = copy_forward({.from = out->train,
                                          .to = out->durable,
                                          .progress = tell_progress,
                                          .look_again = last,
                                          .keep_better = true},
                                         copied);
  Json sync = result_json(result);
  sync["last"] = last;
  sync["synced_at"] = utc_text(clock.now_ms());
  write_sync(files, dir, sync);
  try {
    files.write(memory, dump_json(copied_json(copied)) + "\n", {.durable = false});
  } catch (const Error&) {
    // Only a memory: without it the next copy compares.
  }
  return sync;
}

Json read_sync(Files& files, const fs::path& dir) {
  const auto bytes = files.read(dir / "sync.json");
  return bytes && json_fault(*bytes).empty() ? parse_json(*bytes, "sync.json") : Json();
}

void write_sync(Files& files, const fs::path& dir, const Json& sync) {
  try {
    files.write(dir / "sync.json", pretty_json(sync), {.durable = flag_at(sync, "last")});
  } catch (const Error&) {
    // The disk that is full is often the same; a missing sync.json is no good one.
  }
}

fs::path trainer_summary_file(const fs::path& dir, const TaskSpec& spec) {
  const auto out = run_out_of(spec);
  return out && out->sync ? out->train / "summary.json" : dir / "out" / "summary.json";
}

}  // namespace workflow::tasks
