#include "remote/pods/database.h"

#include <fcntl.h>

#include <cerrno>

#include "common/error.h"

namespace workflow::pods {
namespace {

constexpr int busy_ms = 10'000;

[[noreturn]] void fail(sqlite3* database, const std::string& file) {
  const int code = ::sqlite3_errcode(database);
  const std::string why = ::sqlite3_errmsg(database);
  if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
    throw Error(Code::busy, "another process has held '" + file + "' for ten seconds",
                "try again; `fuser` names the process");
  }
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    throw Error(Code::precondition, "'" + file + "' is damaged: " + why,
                "move it aside, and look at each provider's own page for what you have rented");
  }
  throw Error(Code::precondition, "cannot use '" + file + "': " + why);
}

[[noreturn]] void fail(sqlite3* database) {
  const char* file = ::sqlite3_db_filename(database, "main");
  fail(database, file != nullptr ? file : "");
}

void check(sqlite3* database, int code) {
  if (code != SQLITE_OK) fail(database);
}

/// SQLite makes its journal with the mode of the file, so the file gets it first.
void make_private(const fs::path& file) {
  std::error_code ignored;
  const bool had_directory = fs::is_directory(file.parent_path(), ignored);
  real_files().make_dirs(file.parent_path());
  if (!had_directory) {
    fs::permissions(file.parent_path(), fs::perms::owner_all, fs::perm_options::replace, ignored);
  }
  // Never opened here when it is there: closing it would drop every lock that SQLite has on it.
  const UniqueFd made(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!made.valid() && errno != EEXIST) throw_errno("cannot make '" + file.string() + "'");
}

}  // namespace

Database open_database(const fs::path& file, int schema) {
  make_private(file);
  sqlite3* opened = nullptr;
  const int code = ::sqlite3_open_v2(file.c_str(), &opened, SQLITE_OPEN_READWRITE, nullptr);
  Database database(opened);
  if (code != SQLITE_OK) fail(opened, file.string());
  ::sqlite3_busy_timeout(opened, busy_ms);
  const std::int64_t found = schema_of(opened);
  if (found > schema) {
    throw Error(Code::precondition,
                "'" + file.string() + "' was written by a newer version of workflow (schema " +
                    std::to_string(found) + ", this build knows " + std::to_string(schema) + ")",
                "use that version; nothing was changed");
  }
  // A rollback journal, because homes lie on NFS, where write-ahead logs do not work. EXTRA also
  // flushes the directory after a commit: what was committed must outlive a power cut.
  run_sql(opened, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA");
  return database;
}

std::int64_t schema_of(sqlite3* database) {
  // A statement that has not ended keeps its lock, and with a lock nobody waits for another.
  Statement version(database, "PRAGMA user_version");
  return version.step() ? version.number(0) : 0;
}

void run_sql(sqlite3* database, const char* sql) {
  check(database, ::sqlite3_exec(database, sql, nullptr, nullptr, nullptr));
}

Statement::Statement(sqlite3* database, std::string_view sql) : database_(database) {
  sqlite3_stmt* made = nullptr;
  check(database,
        ::sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &made, nullptr));
  statement_.reset(made);
}

Statement& Statement::bind(std::string_view text) {
  // The texts of a statement outlive it only when they are copied.
  check(database_, ::sqlite3_bind_text(statement_.get(), ++bound_, text.data(),
                                       static_cast<int>(text.size()), SQLITE_TRANSIENT));
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  check(database_, ::sqlite3_bind_int64(statement_.get(), ++bound_, number));
  return *this;
}

Statement& Statement::bind(double number) {
  check(database_, ::sqlite3_bind_double(statement_.get(), ++bound_, number));
  return *this;
}

bool Statement::step() {
  const int code = ::sqlite3_step(statement_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) fail(database_);
  return code == SQLITE_ROW;
}

std::int64_t Statement::run() {
  while (step()) continue;
  return ::sqlite3_changes64(database_);
}

std::string Statement::text(int column) const {
  const auto* bytes = ::sqlite3_column_text(statement_.get(), column);
  const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(statement_.get(), column));
  return bytes != nullptr ? std::string(reinterpret_cast<const char*>(bytes), size) : std::string();
}

std::int64_t Statement::number(int column) const {
  return ::sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return ::sqlite3_column_double(statement_.get(), column);
}

Transaction::Transaction(sqlite3* database) : database_(database) {
  run_sql(database, "BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) ::sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  run_sql(database_, "COMMIT");
  open_ = false;
}

}  // namespace workflow::pods
