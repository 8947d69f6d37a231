#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/files.h"
#include "remote/pods/provider.h"

struct sqlite3;

// What this user has rented: SQLite in XDG_STATE_HOME/workflow/ledger.db, on the user's machine.
// Written before a provider is asked for anything that costs.
namespace workflow::pods {

/// What the ledger believes of a pod. `intended` is written before the create call, `never` when a
/// listing has proven that it had no effect, `ended` when the provider no longer lists it.
enum class Held { intended, rented, ready, ending, ended, never };
[[nodiscard]] std::string_view name(Held held);

struct PodRow {
  std::string name;  ///< unique, and the pod's name at the provider
  std::string provider;
  std::string pod_id{};  ///< empty while it is not known
  Held held = Held::intended;
  std::string purpose{};    ///< `pod-up`, `job JOB`
  std::string binding{};    ///< the workflow.env (or directory) whose target it is; empty: none
  bool wanted = true;       ///< false: whoever rented it is done with it; `gc` may end it
  std::string user_host{};  ///< who rented it, from where, with which process: `ana@laptop 4711`
  std::string query{};
  std::string gpu_type{};
  std::int64_t gpu_count = 0;
  double price_total_hr = 0;
  std::string intended_at{}, rented_at{}, ready_at{}, ended_at{};  ///< RFC 3339
  std::string ends_at{};  ///< by whatever timer there is; empty: never by itself
  Ending ending = Ending::only_by_us;
  std::optional<SshAddress> ssh{};
  std::string last_error{};

  /// Nothing of it costs any more, or ever did.
  [[nodiscard]] bool over() const { return held == Held::ended || held == Held::never; }
  /// USD since it was rented, until it ended or `now_ms`; 0 for what never was.
  [[nodiscard]] double cost(std::int64_t now_ms) const;
};

/// One try at renting.
struct Attempt {
  std::string at;
  std::string name;  ///< of the pod
  Offer offer;
  std::string trouble;  ///< `ok`, or the category
  std::string text;
};

/// Not for several threads. Every change is on the disk when the call returns; several processes
/// may use one ledger. Error(precondition) that names the file for one that is damaged or newer.
class Ledger {
 public:
  explicit Ledger(const fs::path& file);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;
  /// XDG_STATE_HOME/workflow/ledger.db.
  [[nodiscard]] static fs::path place();

  /// Error(exists) for a name that is there.
  void intend(const PodRow& row);
  /// The same, unless held_for() has a pod: then that one, and nothing is written. Of two processes
  /// only one comes to write.
  [[nodiscard]] std::optional<PodRow> intend_unless_held(const PodRow& row);
  /// Replaces the row of that name.
  void save(const PodRow& row);
  /// The same where the row is still `from`; false, and nothing written, where another process has
  /// moved it meanwhile.
  [[nodiscard]] bool save_if(const PodRow& row, Held from);
  [[nodiscard]] std::optional<PodRow> find(const std::string& name) const;
  [[nodiscard]] std::optional<PodRow> find(const std::string& provider,
                                           const std::string& id) const;
  /// The newest that is bound to this configuration and neither ended nor never was.
  [[nodiscard]] std::optional<PodRow> bound(const std::string& binding) const;
  /// The newest of a binding, or where that is empty of a purpose without one, that is in the way
  /// of another: intended, rented or ready and wanted, or its end begun and not proven.
  [[nodiscard]] std::optional<PodRow> held_for(const std::string& binding,
                                               const std::string& purpose) const;
  /// The newest that was ever bound to it.
  [[nodiscard]] std::optional<PodRow> last_bound(const std::string& binding) const;
  /// Newest first.
  [[nodiscard]] std::vector<PodRow> all() const;

  void add(const Attempt& attempt);
  [[nodiscard]] std::vector<Attempt> attempts(const std::string& name) const;

  /// For the tables of others in the same file (remote/pods/job_rows.h).
  [[nodiscard]] sqlite3* database() const { return database_; }

 private:
  sqlite3* database_ = nullptr;
};

}  // namespace workflow::pods
