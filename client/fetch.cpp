#include "client/fetch.h"

#include <sys/statvfs.h>

#include <map>
#include <memory>
#include <set>

#include "client/file_exchange.h"
#include "client/results.h"
#include "client/run_copy.h"
#include "client/swap.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/file_lock.h"
#include "common/flush_disk.h"
#include "common/text.h"

namespace workflow::client {
namespace {

constexpr std::int64_t other_fetch_limit_ms = 1'000;

Json counted(std::int64_t files, std::int64_t bytes) {
  return {{"files", files}, {"bytes", bytes}};
}

void add(Json& sum, const char* key, std::int64_t n) { sum[key] = number_at(sum, key) + n; }

/// The disk's own words, also where the standard library says them.
template <class Work>
auto on_disk(Work work) {
  try {
    return work();
  } catch (const fs::filesystem_error& fault) {
    throw Error(Code::precondition,
                "cannot write '" + fault.path1().string() + "': " + fault.code().message());
  }
}

class Fetch final : public FileTaker {
 public:
  Fetch(Session& session, const FetchRequest& request, const OnFetched& on_fetched)
      : session_(session),
        request_(request),
        on_fetched_(on_fetched),
        artifacts_(session.settings().path_here("LOCAL_ARTIFACTS_DIR")) {}

  Json run() {
    on_disk([&] { return fs::create_directories(artifacts_); });
    const FileLock lock = lock_artifacts();
    const Json args = {{"run_id", request_.run},
                       {"campaign", request_.campaign},
                       {"only", request_.only},
                       {"selection", sweep::selection_json(request_.selection)},
                       {"checkpoints", request_.checkpoints}};
    exchange_files(session_, "fetch", args, {}, *this);
    for (const auto& copy : copies_) {
      if (copy) throw Error(Code::unreachable, "the agent's answer arrived damaged");
    }
    flush_disk(artifacts_);
    if (request_.run.empty()) write_campaign();
    return told();
  }

 private:
  FileLock lock_artifacts() const {
    try {
      return FileLock::take(artifacts_ / ".fetch.lock", other_fetch_limit_ms);
    } catch (const Error& fault) {
      if (fault.code() != Code::busy) throw;
      throw Error(Code::busy, "another fetch into '" + artifacts_.string() + "' is going",
                  "the same command again, when it has ended, brings what is missing");
    }
  }

  /// A connection that was lost begins again here: with what lies on the disk.
  void begin() override {
    copies_.clear();
    progress_ = {};
  }

  void listed(const Json& event) override {
    copies_.emplace_back();
    const Json& about = member(event, "about");
    const std::string id = text_at(about, "run_id", text_at(event, "run_id"));
    // The id becomes a path here.
    require_id("run", id);
    if (!request_.run.empty() && id != request_.run) {
      throw Error(Code::unreachable, "the agent's answer arrived damaged");
    }
    if (!runs_.contains(id)) order_.push_back(id);
    Json& told = runs_[id];
    told["run_id"] = id;
    told.erase("fault");
    if (const std::string fault = text_at(event, "fault"); !fault.empty()) {
      told["fault"] = fault;
      return;
    }
    told["state"] = text_at(about, "state");
    told["dir"] = (artifacts_ / id).string();
    told["left_out"] = member(event, "left_out");
    for (const auto& what : member(event, "passed_over")) {
      if (!what.is_string()) continue;
      if (!told_once_.insert(id + what.get<std::string>()).second) continue;
      told["notes"].push_back("not fetched: " + id + "/" + what.get<std::string>());
    }
    std::vector<sync::Entry> entries;
    for (const auto& entry : member(event, "entries")) {
      entries.push_back(sync::entry_from_json(entry));
    }
    try {
      copies_.back() = on_disk([&] {
        return std::make_unique<RunCopy>(artifacts_, about, std::move(entries), request_.verify);
      });
    } catch (const Error& fault) {
      told["fault"] = fault.what();
    }
  }

  Wanted wanted(const Json& planned) override {
    planned_ = planned;
    Wanted wanted;
    for (const auto& copy : copies_) {
      wanted.trees.push_back(copy ? copy->wants() : std::vector<Want>{});
      wanted.bytes += copy ? copy->room_needed() : 0;
      progress_.all_files += static_cast<std::int64_t>(wanted.trees.back().size());
    }
    progress_.all_bytes = wanted.bytes;
    require_room(wanted.bytes);
    return wanted;
  }

  void coming() override {
    for (std::size_t run = 0; run < copies_.size(); ++run) end_run(run);
  }

  void require_room(std::int64_t needed) const {
    struct statvfs disk {};
    if (::statvfs(artifacts_.c_str(), &disk) != 0) return;
    const auto free = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
    if (static_cast<double>(needed) <= free) return;
    throw Error(Code::precondition,
                "no room in '" + artifacts_.string() +
                    "': " + human_bytes(static_cast<double>(needed)) + " are to come, " +
                    human_bytes(free) + " are free; nothing was fetched",
                "make room, or set LOCAL_ARTIFACTS_DIR to another disk");
  }

  [[nodiscard]] RunCopy& copy_of(std::size_t run) const {
    if (run < copies_.size() && copies_[run]) return *copies_[run];
    throw Error(Code::unreachable, "the agent sent a file that nobody asked for");
  }

  void take(std::size_t run, std::size_t entry, std::int64_t at, std::string_view bytes) override {
    RunCopy& copy = copy_of(run);
    on_disk([&] { copy.take(entry, at, bytes); });
    progress_.bytes += static_cast<std::int64_t>(bytes.size());
    on_fetched_(progress_);
  }

  void leave_out(std::size_t run, std::size_t entry, std::int64_t at, std::int64_t bytes) override {
    RunCopy& copy = copy_of(run);
    on_disk([&] { copy.leave_out(entry, at, bytes); });
  }

  void end_file(std::size_t run, std::size_t entry, const Json& event) override {
    RunCopy& copy = copy_of(run);
    const std::string fault = text_at(event, "fault");
    on_disk([&] {
      if (!fault.empty()) return copy.miss_file(entry, fault, flag_at(event, "vanished"));
      const Json& is = member(event, "is");
      copy.end_file(entry, is.is_object() ? sync::entry_from_json(is) : copy.listed(entry),
                    text_at(event, "sha256"));
    });
    progress_.files += 1;
    on_fetched_(progress_);
    end_run(run);
  }

  void end_run(std::size_t n) {
    if (!copies_[n] || !copies_[n]->complete()) return;
    Json& told = runs_[copies_[n]->id()];
    const RunFetched fetched = on_disk([&] {
      return copies_[n]->put_in_place({{"pod_id", text_at(planned_, "pod_id")},
                                       {"target", session_.settings().target()},
                                       {"fetched_at", utc_text(system_clock().now_ms())},
                                       {"left_out", member(told, "left_out")}});
    });
    told["files"] = fetched.files;
    told["bytes"] = fetched.bytes;
    told["changed"] = fetched.changed || flag_at(told, "changed");
    add(told, "sent_files", fetched.sent_files);
    add(told, "sent_bytes", fetched.sent_bytes);
    told["skipped_files"] = fetched.files - number_at(told, "sent_files");
    if (!fetched.put_aside.empty()) told["put_aside"] = fetched.put_aside;
    for (const auto& note : fetched.notes) told["notes"].push_back(note);
    told["missing"] = fetched.missing;
    copies_[n].reset();
  }

  /// What stands beside the runs of a campaign. Last: it says that the runs are here.
  void write_campaign() const {
    Files& files = real_files();
    for (const char* name : {"campaign.json", "manifest.csv"}) {
      files.write(artifacts_ / name,
                  unbase64(text_at(member(planned_, "files"), name)).value_or(""));
    }
    files.write(artifacts_ / "results.csv", results_csv(member(planned_, "results")));
    Json runs = Json::array();
    for (const auto& id : order_) {
      const Json& run = runs_.at(id);
      Json line = {{"run_id", id}};
      for (const char* key : {"state", "files", "bytes", "left_out", "missing", "fault"}) {
        if (run.contains(key)) line[key] = run.at(key);
      }
      runs.push_back(std::move(line));
    }
    files.write(artifacts_ / fetch_record_name,
                pretty_json({{"schema", fetch_schema},
                             {"campaign", campaign()},
                             {"pod_id", text_at(planned_, "pod_id")},
                             {"target", session_.settings().target()},
                             {"fetched_at", utc_text(system_clock().now_ms())},
                             {"only", request_.only},
                             {"not_started", number_at(planned_, "not_started")},
                             {"runs", std::move(runs)}}));
  }

  [[nodiscard]] std::string campaign() const {
    return text_at(member(member(planned_, "results"), "campaign"), "id");
  }

  [[nodiscard]] Json told() const {
    Json out = {{"artifacts_dir", artifacts_.string()},
                {"campaign", request_.run.empty() ? Json(campaign()) : Json()},
                {"pod_id", text_at(planned_, "pod_id")},
                {"not_started", number_at(planned_, "not_started")},
                {"left_out", counted(0, 0)},
                {"runs", Json::array()}};
    for (const auto& id : order_) {
      const Json& run = runs_.at(id);
      for (const char* key : {"files", "bytes", "sent_files", "sent_bytes", "skipped_files"}) {
        add(out, key, number_at(run, key));
      }
      for (const char* key : {"files", "bytes"}) {
        add(out["left_out"], key, number_at(member(run, "left_out"), key));
      }
      out["runs"].push_back(run);
    }
    return out;
  }

  Session& session_;
  const FetchRequest& request_;
  const OnFetched& on_fetched_;
  fs::path artifacts_;
  Json planned_ = Json::object();
  std::vector<std::unique_ptr<RunCopy>>
      copies_;  ///< as they were listed; none: it is done, or not to be
  std::map<std::string, Json> runs_;
  std::vector<std::string> order_;  ///< of the runs, as the target told them
  std::set<std::string> told_once_;
  FetchProgress progress_;
};

}  // namespace

Json fetch(Session& session, const FetchRequest& request, const OnFetched& on_fetched) {
  if (!request.run.empty()) require_id("run", request.run);
  if (!request.campaign.empty()) require_id("campaign", request.campaign);
  return Fetch(session, request, on_fetched).run();
}

}  // namespace workflow::client
