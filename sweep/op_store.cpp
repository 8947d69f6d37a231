#include "sweep/op_store.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "common/error.h"
#include "common/file_lock.h"
#include "common/text.h"

namespace workflow::sweep {
namespace {

constexpr std::int64_t highest_id = 999'999'999;  // what is above is nobody's of ours

constexpr std::string_view schema = "workflow.op/1";
constexpr std::int64_t lock_limit_ms = 30'000;

Json time_json(std::optional<std::int64_t> ms) { return ms ? Json(utc_text(*ms)) : Json(); }

Operation operation_from(const Json& json, std::int64_t id) {
  Operation op;
  const auto kind = op_kind_from(text_at(json, "kind"));
  const auto state = op_state_from(text_at(json, "state"));
  if (text_at(json, "schema") != schema || !kind || !state || number_at(json, "id") != id) {
    throw Error(Code::precondition, "it is no operation that this build knows");
  }
  op.id = id;
  op.kind = *kind;
  op.state = *state;
  op.run_id = text_at(json, "run_id");
  op.by = text_at(json, "by");
  op.token = text_at(json, "token");
  op.reason = text_at(json, "reason");
  op.created_ms = parse_utc(text_at(json, "created_at")).value_or(0);
  op.started_ms = parse_utc(text_at(json, "started_at"));
  op.finished_ms = parse_utc(text_at(json, "finished_at"));
  if (member(json, "ask").is_object()) op.ask = member(json, "ask");
  if (member(json, "result").is_object()) op.result = member(json, "result");
  if (member(json, "found").is_object()) op.found = member(json, "found");
  return op;
}

}  // namespace

Json operation_json(const Operation& op) {
  return {{"id", op.id},
          {"kind", op.damaged ? Json() : Json(name(op.kind))},
          {"state", name(op.state)},
          {"run_id", op.run_id.empty() ? Json() : Json(op.run_id)},
          {"reason", op.reason},
          {"by", op.by},
          {"created_at", utc_text(op.created_ms)},
          {"started_at", time_json(op.started_ms)},
          {"finished_at", time_json(op.finished_ms)},
          {"result", op.result},
          {"token", op.token},
          {"ask", op.ask}};
}

std::string op_text(const Operation& op) { return "operation " + std::to_string(op.id); }

OpStore::OpStore(Files& files, const Clock& clock, const fs::path& campaign_dir)
    : files_(files), clock_(clock), dir_(campaign_dir / "ops") {}

fs::path OpStore::file(std::int64_t id, const char* extension) const {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%06lld%s", static_cast<long long>(id), extension);
  return dir_ / text.data();
}

Operation OpStore::add(Operation op, const std::optional<std::string>& manifest) {
  files_.make_dirs(dir_);
  const FileLock lock = FileLock::take(dir_ / ".lock", lock_limit_ms);
  const std::vector<std::int64_t> before = ids();
  for (auto id = before.rbegin(); id != before.rend() && !op.token.empty(); ++id) {
    if (Operation same = read(*id); same.token == op.token) return same;
  }
  op.id = before.empty() ? 1 : before.back() + 1;
  op.created_ms = clock_.now_ms();
  if (manifest) files_.write(file(op.id, ".csv"), *manifest);
  write(op);
  return op;
}

std::vector<std::int64_t> OpStore::ids() const {
  std::vector<std::int64_t> out;
  for (const auto& name : files_.list(dir_)) {
    if (!name.ends_with(".json")) continue;
    const auto id = parse_integer(std::string_view(name).substr(0, name.size() - 5));
    if (id && *id > 0 && *id <= highest_id) out.push_back(*id);
  }
  std::ranges::sort(out);
  return out;
}

bool OpStore::exists(std::int64_t id) const {
  return presence(file(id, ".json")) != Presence::absent;
}

Operation OpStore::read(std::int64_t id) const {
  const fs::path path = file(id, ".json");
  Operation broken;
  broken.id = id;
  broken.state = OpState::failed;
  broken.damaged = true;
  try {
    const auto bytes = files_.read(path);
    if (bytes) return operation_from(parse_json(*bytes, path.string()), id);
    broken.reason = "'" + path.string() + "' is gone";
  } catch (const Error& fault) {
    broken.reason = "'" + path.string() + "' cannot be read: " + fault.what();
  }
  return broken;
}

std::vector<Operation> OpStore::all() const {
  std::vector<Operation> out;
  for (const auto id : ids()) out.push_back(read(id));
  return out;
}

void OpStore::write(const Operation& op) {
  Json json = {{"schema", schema}};
  json.update(operation_json(op));
  json["found"] = op.found;
  files_.write(file(op.id, ".json"), pretty_json(json));
}

std::string OpStore::manifest(std::int64_t id) const {
  const fs::path path = file(id, ".csv");
  auto bytes = files_.read(path);
  if (!bytes) throw Error(Code::precondition, "'" + path.string() + "' is gone");
  return *std::move(bytes);
}

}  // namespace workflow::sweep
