#include "remote/pods/job_rows.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "common/error.h"
#include "common/json.h"
#include "common/text.h"
#include "common/user_dirs.h"

namespace workflow::pods {
namespace {

constexpr int busy_limit_ms = 10'000;

constexpr const char* table =
    "CREATE TABLE IF NOT EXISTS jobs (job_id TEXT PRIMARY KEY, target TEXT NOT NULL,"
    " pod_name TEXT NOT NULL, keep_alive INTEGER NOT NULL, pod_done INTEGER NOT NULL,"
    " workspace BLOB NOT NULL, downloads TEXT NOT NULL, started_at TEXT NOT NULL,"
    " state TEXT NOT NULL, state_at TEXT NOT NULL, known TEXT NOT NULL, log_offset INTEGER NOT "
    "NULL)";
constexpr const char* columns =
    "job_id, target, pod_name, keep_alive, pod_done, workspace, downloads, started_at, state,"
    " state_at, known, log_offset";

/// One statement at work; its values are bound in the order they are given.
class Statement {
 public:
  Statement(sqlite3* database, const fs::path& file, const std::string& sql)
      : database_(database), file_(file) {
    sqlite3_stmt* raw = nullptr;
    require(sqlite3_prepare_v2(database, sql.c_str(), -1, &raw, nullptr));
    statement_.reset(raw);
  }
  Statement& text(const std::string& value) {
    require(sqlite3_bind_text(statement_.get(), ++bound_, value.data(),
                              static_cast<int>(value.size()), SQLITE_TRANSIENT));
    return *this;
  }
  Statement& number(std::int64_t value) {
    require(sqlite3_bind_int64(statement_.get(), ++bound_, value));
    return *this;
  }
  /// False when there is no further row.
  bool step() {
    const int result = sqlite3_step(statement_.get());
    if (result != SQLITE_ROW && result != SQLITE_DONE) require(result);
    return result == SQLITE_ROW;
  }
  [[nodiscard]] std::string text_at(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
    return bytes == nullptr ? std::string() : std::string(bytes, size);
  }
  [[nodiscard]] std::int64_t number_at(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
  }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  void require(int result) const {
    if (result == SQLITE_OK) return;
    throw Error(Code::precondition,
                "the record of jobs in '" + file_.string() + "': " + sqlite3_errmsg(database_),
                "jobs themselves are safe on their targets: --target T asks there");
  }

  sqlite3* database_;
  const fs::path& file_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

/// Paths of this machine may be any bytes.
std::string downloads_text(const std::vector<JobDownloadRow>& downloads) {
  Json list = Json::array();
  for (const auto& row : downloads) {
    list.push_back({base64(row.remote), base64(row.local), row.done});
  }
  return dump_json(list);
}

std::vector<JobDownloadRow> downloads_from(const std::string& text) {
  std::vector<JobDownloadRow> rows;
  for (const auto& item : parse_json(text, "downloads")) {
    rows.push_back({unbase64(item.at(0).get<std::string>()).value_or(""),
                    unbase64(item.at(1).get<std::string>()).value_or(""), item.at(2).get<bool>()});
  }
  return rows;
}

JobRow row_at(const Statement& at) {
  return {.job_id = at.text_at(0),
          .target = at.text_at(1),
          .pod_name = at.text_at(2),
          .keep_alive = at.number_at(3) != 0,
          .pod_done = at.number_at(4) != 0,
          .workspace = at.text_at(5),
          .downloads = downloads_from(at.text_at(6)),
          .started_at = at.text_at(7),
          .state = at.text_at(8),
          .state_at = at.text_at(9),
          .known = at.text_at(10),
          .offset = at.number_at(11)};
}

}  // namespace

bool JobRow::ended() const {
  return state != "intended" && state != "pending" && state != "running" && state != "unknown";
}

bool JobRow::open() const {
  const bool missing = std::any_of(downloads.begin(), downloads.end(),
                                   [](const JobDownloadRow& row) { return !row.done; });
  return !ended() || missing || (!pod_name.empty() && !pod_done && !keep_alive);
}

fs::path JobRows::place() { return state_dir() / "ledger.db"; }

JobRows::JobRows(const fs::path& file) : file_(file) {
  real_files().make_dirs(file.parent_path());
  const int opened = sqlite3_open_v2(file.c_str(), &database_,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
  if (opened != SQLITE_OK) {
    const std::string why = database_ == nullptr ? "no memory" : sqlite3_errmsg(database_);
    sqlite3_close(database_);
    throw Error(Code::precondition, "cannot open '" + file.string() + "': " + why);
  }
  sqlite3_busy_timeout(database_, busy_limit_ms);
  try {
    (void)Statement(database_, file_, table).step();
    ::chmod(file.c_str(), 0600);
  } catch (...) {
    sqlite3_close(database_);
    throw;
  }
}

JobRows::~JobRows() { sqlite3_close(database_); }

std::optional<JobRow> JobRows::find(const std::string& job_id) const {
  Statement ask(database_, file_, std::string("SELECT ") + columns + " FROM jobs WHERE job_id = ?");
  if (!ask.text(job_id).step()) return std::nullopt;
  return row_at(ask);
}

std::vector<JobRow> JobRows::all() const {
  Statement ask(
      database_, file_,
      std::string("SELECT ") + columns + " FROM jobs ORDER BY started_at DESC, job_id DESC");
  std::vector<JobRow> rows;
  while (ask.step()) rows.push_back(row_at(ask));
  return rows;
}

void JobRows::save(const JobRow& row) {
  Statement put(database_, file_,
                std::string("INSERT OR REPLACE INTO jobs (") + columns +
                    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  put.text(row.job_id).text(row.target).text(row.pod_name);
  put.number(static_cast<std::int64_t>(row.keep_alive));
  put.number(static_cast<std::int64_t>(row.pod_done));
  put.text(row.workspace).text(downloads_text(row.downloads)).text(row.started_at);
  put.text(row.state).text(row.state_at).text(row.known).number(row.offset);
  (void)put.step();
}

void JobRows::remove(const std::string& job_id) {
  Statement erase(database_, file_, "DELETE FROM jobs WHERE job_id = ?");
  (void)erase.text(job_id).step();
}

void JobRows::note_offset(const std::string& job_id, std::int64_t offset) {
  Statement put(database_, file_, "UPDATE jobs SET log_offset = ? WHERE job_id = ?");
  (void)put.number(offset).text(job_id).step();
}

}  // namespace workflow::pods
