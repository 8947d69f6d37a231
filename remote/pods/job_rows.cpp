#include "remote/pods/job_rows.h"

#include <algorithm>

#include "common/json.h"
#include "common/text.h"
#include "remote/pods/database.h"

namespace workflow::pods {
namespace {

constexpr const char* table =
    "CREATE TABLE IF NOT EXISTS jobs (job_id TEXT PRIMARY KEY, target TEXT NOT NULL,"
    " pod_name TEXT NOT NULL, keep_alive INTEGER NOT NULL, pod_done INTEGER NOT NULL,"
    " workspace BLOB NOT NULL, downloads TEXT NOT NULL, started_at TEXT NOT NULL,"
    " state TEXT NOT NULL, state_at TEXT NOT NULL, known TEXT NOT NULL, log_offset INTEGER NOT "
    "NULL)";
constexpr const char* columns =
    "job_id, target, pod_name, keep_alive, pod_done, workspace, downloads, started_at, state,"
    " state_at, known, log_offset";

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
  return {.job_id = at.text(0),
          .target = at.text(1),
          .pod_name = at.text(2),
          .keep_alive = at.number(3) != 0,
          .pod_done = at.number(4) != 0,
          .workspace = at.text(5),
          .downloads = downloads_from(at.text(6)),
          .started_at = at.text(7),
          .state = at.text(8),
          .state_at = at.text(9),
          .known = at.text(10),
          .offset = at.number(11)};
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

JobRows::JobRows(const fs::path& file) : ledger_(file) { run_sql(ledger_.database(), table); }

std::optional<JobRow> JobRows::find(const std::string& job_id) const {
  Statement ask(ledger_.database(),
                std::string("SELECT ") + columns + " FROM jobs WHERE job_id = ?");
  if (!ask.bind(job_id).step()) return std::nullopt;
  return row_at(ask);
}

std::vector<JobRow> JobRows::all() const {
  Statement ask(ledger_.database(), std::string("SELECT ") + columns +
                                        " FROM jobs ORDER BY started_at DESC, job_id DESC");
  std::vector<JobRow> rows;
  while (ask.step()) rows.push_back(row_at(ask));
  return rows;
}

void JobRows::save(const JobRow& row) {
  Statement put(ledger_.database(), std::string("INSERT OR REPLACE INTO jobs (") + columns +
                                        ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  put.bind(row.job_id).bind(row.target).bind(row.pod_name);
  put.bind(static_cast<std::int64_t>(row.keep_alive));
  put.bind(static_cast<std::int64_t>(row.pod_done));
  put.bind(row.workspace).bind(downloads_text(row.downloads)).bind(row.started_at);
  put.bind(row.state).bind(row.state_at).bind(row.known).bind(row.offset);
  (void)put.run();
}

void JobRows::remove(const std::string& job_id) {
  (void)Statement(ledger_.database(), "DELETE FROM jobs WHERE job_id = ?").bind(job_id).run();
}

void JobRows::note_offset(const std::string& job_id, std::int64_t offset) {
  Statement put(ledger_.database(), "UPDATE jobs SET log_offset = ? WHERE job_id = ?");
  (void)put.bind(offset).bind(job_id).run();
}

}  // namespace workflow::pods
