#include "sweep/row_index.h"

#include <algorithm>

#include "common/error.h"
#include "common/json_lines.h"
#include "common/text.h"
#include "sweep/row_values.h"

namespace workflow::sweep {
namespace {

constexpr std::string_view rows_schema = "workflow.rows/1";
const std::string begin_anew =
    "the runs' own records are whole; workflow fsm-reset CHECKED_OUT and sweep-start begin anew";

Json definition(const RowState& row) {
  Json line = {{"row", row.n},         {"run_id", row.run_id}, {"row_sha256", row.row_sha256},
               {"config", row.config}, {"seed", row.seed},     {"state", fsm::name(row.state)}};
  if (row.skipped) {
    line["skipped"] = true;
    line["started_at"] = row.started_at;
    line["ended_at"] = row.ended_at;
    line["result"] = row.result;
  }
  return line;
}

RowState definition_from(const Json& line) {
  RowState row;
  row.n = number_at(line, "row");
  row.run_id = text_at(line, "run_id");
  row.row_sha256 = text_at(line, "row_sha256");
  row.config = text_at(line, "config");
  row.seed = number_at(line, "seed");
  row.values = member(line, "values");
  row.origin = member(line, "origin");
  return row;
}

Json change(const RowState& row, const std::string& at) {
  Json line = {
      {"row", row.n}, {"at", at}, {"state", fsm::name(row.state)}, {"attempt", row.attempt}};
  if (!row.started_at.empty()) line["started_at"] = row.started_at;
  if (!row.ended_at.empty()) line["ended_at"] = row.ended_at;
  if (!row.result.empty()) line["result"] = row.result;
  if (row.forgiven > 0) line["forgiven"] = row.forgiven;
  if (!row.health.is_null()) line["health"] = row.health;
  return line;
}

void take_change(const Json& line, RowState& row) {
  if (const auto state = fsm::run_state_from(text_at(line, "state"))) row.state = *state;
  row.skipped = flag_at(line, "skipped");
  row.attempt = static_cast<int>(number_at(line, "attempt", row.attempt));
  row.started_at = text_at(line, "started_at");
  row.ended_at = text_at(line, "ended_at");
  const Json& result = member(line, "result");
  row.result = result.is_object() ? result : Json::object();
  row.forgiven = static_cast<int>(number_at(line, "forgiven"));
  row.health = member(line, "health");
}

}  // namespace

RowIndex::RowIndex(Files& files, const Clock& clock, fs::path campaign_dir)
    : files_(files), clock_(clock), file_(std::move(campaign_dir) / "rows.jsonl") {}

void RowIndex::create(const std::vector<RowState>& rows) {
  std::string text = dump_json({{"schema", rows_schema}, {"rows", rows.size()}}) + "\n";
  for (const auto& row : rows) text += dump_json(definition(row)) + "\n";
  files_.write(file_, text);
}

std::vector<RowState> RowIndex::load() const {
  const auto bytes = files_.read(file_);
  if (!bytes) throw Error(Code::precondition, "'" + file_.string() + "' is gone", begin_anew);
  std::vector<RowState> rows;
  std::optional<std::size_t> expected;
  bool lost_between = false;
  each_json_line(*bytes, [&](const Json& line) {
    if (text_at(line, "schema") == rows_schema) {
      expected = static_cast<std::size_t>(number_at(line, "rows"));
    }
    const auto n = static_cast<std::size_t>(number_at(line, "row"));
    if (member(line, "run_id").is_string()) {
      if (n > rows.size() + 1) lost_between = true;
      if (n == rows.size() + 1) rows.emplace_back();
      if (n >= 1 && n <= rows.size()) rows[n - 1] = definition_from(line);
    }
    if (n >= 1 && n <= rows.size()) take_change(line, rows[n - 1]);
  });
  if (!expected || *expected > rows.size() || lost_between) {
    throw Error(Code::precondition,
                "'" + file_.string() + "' is damaged: " +
                    counted(static_cast<std::int64_t>(rows.size()), "row") + " can be read of " +
                    (expected ? std::to_string(*expected) : std::string("an unknown number")),
                begin_anew);
  }
  return rows;
}

void RowIndex::append(const RowState& row, bool durable) {
  append_json_line(files_, file_, change(row, utc_text(clock_.now_ms())), {.durable = durable});
}

void RowIndex::define(const RowState& row) {
  Json line = definition(row);
  line.update(change(row, utc_text(clock_.now_ms())));
  line["values"] = row.values;
  if (!row.origin.is_null()) line["origin"] = row.origin;
  append_json_line(files_, file_, line);
}

void RowIndex::flush() { files_.append(file_, ""); }

void move(RowState& row, fsm::RunEvent event) {
  const auto to = fsm::next(row.state, event);
  if (!to) {
    bug("row '" + row.run_id + "' cannot " + std::string(fsm::name(event)) + " in " +
        std::string(fsm::name(row.state)));
  }
  row.state = *to;
}

void move_to(RowState& row, RunState state) {
  if (row.state == state) return;
  const auto event = fsm::event_between(row.state, state);
  if (!event) {
    bug("row '" + row.run_id + "' cannot go from " + std::string(fsm::name(row.state)) + " to " +
        std::string(fsm::name(state)));
  }
  move(row, *event);
}

std::vector<Row> with_later(std::vector<Row> manifest, const std::vector<RowState>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i >= manifest.size()) manifest.emplace_back();
    if (rows[i].values.is_object()) manifest[i] = row_from(rows[i].values);
  }
  return manifest;
}

bool all_ended(const std::vector<RowState>& rows) {
  return std::all_of(rows.begin(), rows.end(),
                     [](const RowState& row) { return fsm::is_ended(row.state); });
}

}  // namespace workflow::sweep
