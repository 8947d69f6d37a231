#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/files.h"
#include "common/json.h"
#include "sweep/op_rules.h"

// `_campaigns/<id>/ops/`: what was asked of a live campaign, one file an operation, numbered in
// the order in which it was asked. Whoever asks only adds; whoever holds the campaign's executor
// lock alone changes what is there.
namespace workflow::sweep {

/// One operation as its file keeps it.
struct Operation {
  std::int64_t id = 0;
  OpKind kind = OpKind::run_stop;
  OpState state = OpState::pending;
  std::string run_id{};  ///< empty: it is about the campaign
  Json ask = Json::object();
  std::string by{};
  std::string token{};  ///< of the request: the same in every repetition of it
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> started_ms{};
  std::optional<std::int64_t> finished_ms{};
  std::string reason{};
  Json result = Json::object();
  /// What was there when it began: so that one who goes on with it sees whether it is done.
  Json found = Json::object();
  bool damaged = false;  ///< its file cannot be read: nothing but id, state and reason is known
};

/// All of it, as scripts and people see it: `id, kind, state, run_id, reason, by, created_at,
/// started_at, finished_at, result, token, ask`.
[[nodiscard]] Json operation_json(const Operation& op);

/// `operation 3`.
[[nodiscard]] std::string op_text(const Operation& op);

class OpStore {
 public:
  OpStore(Files& files, const Clock& clock, const fs::path& campaign_dir);

  /// Allots the next number and writes it with `manifest` beside it, on the disk when it returns.
  /// An operation of the same token is given back as it is.
  Operation add(Operation op, const std::optional<std::string>& manifest = {});
  /// Numbers of every operation, in order.
  [[nodiscard]] std::vector<std::int64_t> ids() const;
  [[nodiscard]] bool exists(std::int64_t id) const;
  /// One that cannot be read is `failed` with the reason; it never throws for what a file holds.
  [[nodiscard]] Operation read(std::int64_t id) const;
  [[nodiscard]] std::vector<Operation> all() const;
  void write(const Operation& op);
  /// The manifest of a sweep-apply; Error(precondition) when it is gone.
  [[nodiscard]] std::string manifest(std::int64_t id) const;

 private:
  [[nodiscard]] fs::path file(std::int64_t id, const char* extension) const;

  Files& files_;
  const Clock& clock_;
  fs::path dir_;
};

}  // namespace workflow::sweep
