#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "remote/pods/ledger.h"

// What this user's machine remembers of its jobs: the table `jobs` in the ledger's file. The target
// holds the truth; this says where it is, and what is still to be done here.
namespace workflow::pods {

struct JobDownloadRow {
  std::string remote;
  std::string local;  ///< absolute
  bool done = false;
};

struct JobRow {
  std::string job_id;
  std::string target{};    ///< empty while its machine is being rented
  std::string pod_name{};  ///< in the ledger, of the pod that was rented for it; empty: none was
  bool keep_alive = false;
  bool pod_done = false;  ///< the pod was given back
  std::string workspace{};
  std::vector<JobDownloadRow> downloads{};
  std::string started_at{};        ///< RFC 3339
  std::string state = "intended";  ///< as the target said last; `intended` before it was started
  std::string state_at{};
  std::string known = "{}";  ///< JSON: what else the target said then
  std::int64_t offset = 0;   ///< how much of its log was shown here

  /// Something is still to be done here: it has not ended as far as is known, a download is
  /// missing, or its pod costs.
  [[nodiscard]] bool open() const;
  [[nodiscard]] bool ended() const;
};

/// Not for several threads; several processes may use one file. Every change is on the disk when
/// the call returns. Error(precondition) that names the file for one that cannot be used.
class JobRows {
 public:
  explicit JobRows(const fs::path& file = Ledger::place());

  [[nodiscard]] std::optional<JobRow> find(const std::string& job_id) const;
  /// Newest first.
  [[nodiscard]] std::vector<JobRow> all() const;
  /// Writes the row, new or not.
  void save(const JobRow& row);
  void remove(const std::string& job_id);
  void note_offset(const std::string& job_id, std::int64_t offset);

 private:
  Ledger ledger_;
};

}  // namespace workflow::pods
