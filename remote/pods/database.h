#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/files.h"

// SQLite with what a ledger needs of it: every commit is on the disk, every wait has a deadline,
// every fault names the file.
namespace workflow::pods {

struct CloseDatabase {
  void operator()(sqlite3* database) const { ::sqlite3_close_v2(database); }
};
using Database = std::unique_ptr<sqlite3, CloseDatabase>;

/// Opens a database file, made with mode 0600 in a 0700 directory when it is missing.
/// Error(precondition) for one that is damaged or that a newer `schema` has written: nothing is
/// written then.
[[nodiscard]] Database open_database(const fs::path& file, int schema);

/// The schema that a database says it has; 0 for a new one.
[[nodiscard]] std::int64_t schema_of(sqlite3* database);

/// Runs statements that answer nothing.
void run_sql(sqlite3* database, const char* sql);

/// One statement. Values are bound in order from 1, columns are read from 0. Error(busy) when
/// another process has held the database for ten seconds, else Error(precondition).
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql);

  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bind(double number);
  /// Runs on to the next row; false at the end.
  bool step();
  /// Runs to the end; how many rows it has changed.
  std::int64_t run();

  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] double real(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
  };
  sqlite3* database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bound_ = 0;
};

/// Everything until commit() happens together or not at all; nobody else writes meanwhile.
class Transaction {
 public:
  explicit Transaction(sqlite3* database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  sqlite3* database_;
  bool open_ = true;
};

}  // namespace workflow::pods
