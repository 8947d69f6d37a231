#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/job_renter.h"
#include "client/jobs.h"
#include "remote/pods/job_rows.h"

// A job with all that belongs to it here: its machine, its downloads, its row in the record. What
// is done with one client can be gone on with by another, at any point.
namespace workflow::client {

/// When a machine that was rented for a job is given back.
enum class GiveBack {
  when_fetched,  ///< not while a download is missing: its timer then ends it
  always,
};

class TrackedJob {
 public:
  struct Desk {
    Settings settings;
    int interrupt_fd = -1;        ///< readable at Ctrl-C
    JobRenter* renter = nullptr;  ///< never null
    OnEvent on_event{};
    std::function<void(const std::string&)> on_remark{};
  };

  explicit TrackedJob(Desk desk);
  ~TrackedJob();
  TrackedJob(const TrackedJob&) = delete;
  TrackedJob& operator=(const TrackedJob&) = delete;

  /// Machine, tree, start; or comes back to the job of this id, whatever of that was done before.
  /// When it fails, a machine that was rented for it is given back, unless the job may have begun
  /// there.
  void start(const JobSpec& spec);
  /// A job that is there: at `target`, else where the record says, else at the settings' target.
  void open(const std::string& id, const std::string& target);

  /// Follows it to its end: from byte `offset` of its log, or without its log.
  void follow(std::optional<std::int64_t> offset, std::optional<std::int64_t> limit_secs);
  /// Its log as it is now, from that byte on.
  void read_log(std::int64_t offset);
  /// What its target says of it now.
  void refresh();
  /// Brings what is missing of its downloads; what fails is kept for data() and tried again by the
  /// next call.
  void fetch();
  /// Brings something else of its workspace.
  [[nodiscard]] Json fetch(const JobDownload& wanted);
  /// Ends its processes and waits until they have; its machine is not kept alive any more.
  void cancel();
  /// Gives a machine back that was rented for it and is not kept alive, once the job's log and
  /// records are here (kept_job.h). False, and a remark, when it goes on and costs.
  bool give_back(GiveBack when);
  /// Its machine was rented and is no more: there is nobody left to ask.
  [[nodiscard]] bool over() const;

  [[nodiscard]] const std::string& id() const { return row_.job_id; }
  [[nodiscard]] const pods::JobRow& row() const { return row_; }
  /// What the target said last; as far as nothing was asked yet, what the record has of that.
  [[nodiscard]] const Json& job() const { return job_; }
  [[nodiscard]] bool ended() const { return row_.ended(); }
  /// The first download that failed; nothing when none did.
  [[nodiscard]] const std::optional<Error>& fetch_fault() const { return fetch_fault_; }
  /// Why its machine could not be given back; nothing when it was, or was not tried.
  [[nodiscard]] const std::optional<Error>& return_fault() const { return return_fault_; }
  /// `data` of the job-* commands.
  [[nodiscard]] Json data() const;
  /// Its machine where one was rented for it and goes on; what that costs in words, else empty.
  [[nodiscard]] std::string still_costs() const;
  /// From now on Ctrl-C is not heard: for what must be done all the same.
  void stop_listening();

 private:
  Session& session();
  [[nodiscard]] std::optional<JobPod> pod() const;
  bool enter(const JobSpec& spec, bool may);
  void leave(bool known);
  void come_back(const JobSpec& spec, const pods::JobRow& before);
  void acquire(const JobSpec& spec);
  void begin(const JobSpec& spec);
  void look_at_pod();
  [[nodiscard]] fs::path kept_dir() const;
  void keep_records();
  bool tell_kept(std::int64_t offset) const;
  void require_known_end() const;
  void note(Json job);
  void save();
  void heard(const Json& event);
  void remark(const std::string& text) const;

  Desk desk_;
  std::unique_ptr<pods::JobRows> rows_;  ///< null where the record cannot be used
  pods::JobRow row_;
  std::vector<std::string> secrets_;
  std::unique_ptr<Session> session_;
  Json job_ = Json::object();
  Json created_{};
  Json notes_ = Json::array();
  std::optional<Error> fetch_fault_;
  std::optional<Error> return_fault_;
  Json fetched_ = Json::object();  ///< of each download that was tried: files, bytes or error
  std::int64_t offset_noted_ms_ = 0;
};

}  // namespace workflow::client
