#include "remote/pods/ledger.h"

#include <algorithm>
#include <array>

#include "common/clock.h"
#include "common/error.h"
#include "common/user_dirs.h"
#include "remote/pods/database.h"

namespace workflow::pods {
namespace {

constexpr int schema = 1;
constexpr const char* tables = R"(
CREATE TABLE IF NOT EXISTS pods (
  name TEXT UNIQUE NOT NULL, provider TEXT NOT NULL, pod_id TEXT NOT NULL, held TEXT NOT NULL,
  purpose TEXT NOT NULL, binding TEXT NOT NULL, wanted INTEGER NOT NULL, user_host TEXT NOT NULL,
  query TEXT NOT NULL, gpu_type TEXT NOT NULL, gpu_count INTEGER NOT NULL,
  price_total_hr REAL NOT NULL, intended_at TEXT NOT NULL, rented_at TEXT NOT NULL,
  ready_at TEXT NOT NULL, ended_at TEXT NOT NULL, ends_at TEXT NOT NULL, ending TEXT NOT NULL,
  ssh_user TEXT NOT NULL, ssh_host TEXT NOT NULL, ssh_port INTEGER NOT NULL,
  last_error TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (
  name TEXT NOT NULL, at TEXT NOT NULL, provider TEXT NOT NULL, offer_id TEXT NOT NULL,
  gpu_type TEXT NOT NULL, gpu_count INTEGER NOT NULL, price_total_hr REAL NOT NULL,
  trouble TEXT NOT NULL, text TEXT NOT NULL);
PRAGMA user_version = 1;
)";

// In the order of bind_row() and read_row().
const std::string columns =
    "name, provider, pod_id, held, purpose, binding, wanted, user_host, query, gpu_type, "
    "gpu_count, price_total_hr, intended_at, rented_at, ready_at, ended_at, ends_at, ending, "
    "ssh_user, ssh_host, ssh_port, last_error";
const std::string marks = "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

constexpr std::array all_held{Held::intended, Held::rented, Held::ready,
                              Held::ending,   Held::ended,  Held::never};
constexpr std::array all_endings{Ending::by_provider, Ending::by_pod_key, Ending::only_by_us};

/// The one of `all` that is called `word`.
template <class All>
auto named(const All& all, const std::string& word) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](auto one) { return name(one) == word; });
  if (found == all.end()) {
    throw Error(Code::precondition,
                "the ledger has a word that this build does not know: '" + word + "'",
                "a newer version of workflow may have written it");
  }
  return *found;
}

void bind_row(Statement& statement, const PodRow& row) {
  const SshAddress ssh = row.ssh.value_or(SshAddress{.user = {}, .host = {}, .port = 0});
  statement.bind(row.name).bind(row.provider).bind(row.pod_id).bind(name(row.held));
  statement.bind(row.purpose).bind(row.binding).bind(std::int64_t{row.wanted}).bind(row.user_host);
  statement.bind(row.query).bind(row.gpu_type).bind(row.gpu_count).bind(row.price_total_hr);
  statement.bind(row.intended_at).bind(row.rented_at).bind(row.ready_at).bind(row.ended_at);
  statement.bind(row.ends_at).bind(name(row.ending));
  statement.bind(ssh.user).bind(ssh.host).bind(ssh.port).bind(row.last_error);
}

PodRow read_row(const Statement& from) {
  PodRow row;
  int at = 0;
  row.name = from.text(at++);
  row.provider = from.text(at++);
  row.pod_id = from.text(at++);
  row.held = named(all_held, from.text(at++));
  row.purpose = from.text(at++);
  row.binding = from.text(at++);
  row.wanted = from.number(at++) != 0;
  row.user_host = from.text(at++);
  row.query = from.text(at++);
  row.gpu_type = from.text(at++);
  row.gpu_count = from.number(at++);
  row.price_total_hr = from.real(at++);
  row.intended_at = from.text(at++);
  row.rented_at = from.text(at++);
  row.ready_at = from.text(at++);
  row.ended_at = from.text(at++);
  row.ends_at = from.text(at++);
  row.ending = named(all_endings, from.text(at++));
  SshAddress ssh{.user = from.text(at), .host = from.text(at + 1), .port = from.number(at + 2)};
  if (!ssh.host.empty()) row.ssh = std::move(ssh);
  row.last_error = from.text(at + 3);
  return row;
}

/// `SELECT … FROM pods WHERE …`, newest first.
Statement select(sqlite3* database, const std::string& where) {
  return Statement(database,
                   "SELECT " + columns + " FROM pods WHERE " + where + " ORDER BY rowid DESC");
}

std::optional<PodRow> first(Statement statement) {
  return statement.step() ? std::optional(read_row(statement)) : std::nullopt;
}

}  // namespace

std::string_view name(Held held) {
  switch (held) {
    case Held::intended:
      return "intended";
    case Held::rented:
      return "rented";
    case Held::ready:
      return "ready";
    case Held::ending:
      return "ending";
    case Held::ended:
      return "ended";
    case Held::never:
      return "never";
  }
  bug("a state of a rented pod without a name");
}

double PodRow::cost(std::int64_t now_ms) const {
  const auto from = parse_utc(rented_at);
  if (held == Held::never || !from) return 0;
  const std::int64_t until = parse_utc(ended_at).value_or(now_ms);
  return price_total_hr * static_cast<double>(std::max<std::int64_t>(0, until - *from)) / 3.6e6;
}

Ledger::Ledger(const fs::path& file) {
  Database opened = open_database(file, schema);
  if (schema_of(opened.get()) < schema) {
    Transaction all_or_nothing(opened.get());
    run_sql(opened.get(), tables);
    all_or_nothing.commit();
  }
  database_ = opened.release();
}

Ledger::~Ledger() { ::sqlite3_close_v2(database_); }

fs::path Ledger::place() { return state_dir() / "ledger.db"; }

void Ledger::intend(const PodRow& row) {
  Statement insert(database_, "INSERT INTO pods (" + columns + ") VALUES " + marks +
                                  " ON CONFLICT (name) DO NOTHING");
  bind_row(insert, row);
  if (insert.run() == 0) {
    throw Error(Code::exists, "the ledger has a pod named '" + row.name + "' already",
                "choose another name");
  }
}

std::optional<PodRow> Ledger::intend_unless_held(const PodRow& row) {
  Transaction alone(database_);
  if (auto held = held_for(row.binding, row.purpose)) return held;
  intend(row);
  alone.commit();
  return std::nullopt;
}

void Ledger::save(const PodRow& row) {
  Statement update(database_, "UPDATE pods SET (" + columns + ") = " + marks + " WHERE name = ?");
  bind_row(update, row);
  if (update.bind(row.name).run() == 0) bug("a pod is saved that was never intended");
}

bool Ledger::save_if(const PodRow& row, Held from) {
  Statement update(database_,
                   "UPDATE pods SET (" + columns + ") = " + marks + " WHERE name = ? AND held = ?");
  bind_row(update, row);
  return update.bind(row.name).bind(name(from)).run() > 0;
}

std::optional<PodRow> Ledger::find(const std::string& name) const {
  return first(std::move(select(database_, "name = ?").bind(name)));
}

std::optional<PodRow> Ledger::find(const std::string& provider, const std::string& id) const {
  return first(std::move(select(database_, "provider = ? AND pod_id = ?").bind(provider).bind(id)));
}

std::optional<PodRow> Ledger::bound(const std::string& binding) const {
  return first(
      std::move(select(database_, "binding = ? AND held NOT IN ('ended', 'never')").bind(binding)));
}

std::optional<PodRow> Ledger::held_for(const std::string& binding,
                                       const std::string& purpose) const {
  const std::string alive =
      " AND (held = 'ending' OR (wanted AND held IN ('intended', 'rented', 'ready')))";
  if (!binding.empty()) {
    return first(std::move(select(database_, "binding = ?" + alive).bind(binding)));
  }
  return first(std::move(select(database_, "binding = '' AND purpose = ?" + alive).bind(purpose)));
}

std::optional<PodRow> Ledger::last_bound(const std::string& binding) const {
  return first(std::move(select(database_, "binding = ?").bind(binding)));
}

std::vector<PodRow> Ledger::all() const {
  Statement every = select(database_, "1");
  std::vector<PodRow> rows;
  while (every.step()) rows.push_back(read_row(every));
  return rows;
}

void Ledger::add(const Attempt& attempt) {
  const Offer& offer = attempt.offer;
  Statement insert(database_, "INSERT INTO attempts VALUES (?,?,?,?,?,?,?,?,?)");
  insert.bind(attempt.name).bind(attempt.at).bind(offer.provider).bind(offer.id);
  insert.bind(offer.gpu_type).bind(offer.gpu_count).bind(offer.price_total_hr);
  insert.bind(attempt.trouble).bind(attempt.text).run();
}

std::vector<Attempt> Ledger::attempts(const std::string& name) const {
  Statement select(database_,
                   "SELECT name, at, provider, offer_id, gpu_type, gpu_count, "
                   "price_total_hr, trouble, text FROM attempts WHERE name = ? "
                   "ORDER BY rowid");
  select.bind(name);
  std::vector<Attempt> attempts;
  while (select.step()) {
    Offer offer{.provider = select.text(2),
                .id = select.text(3),
                .gpu_type = select.text(4),
                .gpu_count = select.number(5),
                .price_total_hr = select.real(6)};
    attempts.push_back({.at = select.text(1),
                        .name = select.text(0),
                        .offer = std::move(offer),
                        .trouble = select.text(7),
                        .text = select.text(8)});
  }
  return attempts;
}

}  // namespace workflow::pods
