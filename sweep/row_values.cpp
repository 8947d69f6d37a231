#include "sweep/row_values.h"

#include "common/sha256.h"

namespace workflow::sweep {

std::string row_hash(const Row& row) {
  return sha256_hex(
      dump_json(Json::array({row.run_id, row.config, row.seed, row.overrides, row.env})));
}

Json values_json(const Row& row) {
  Json out = {{"run_id", row.run_id}, {"config", row.config}, {"seed", row.seed}};
  if (!row.overrides.empty()) out["overrides"] = row.overrides;
  if (!row.notes.empty()) out["notes"] = row.notes;
  if (!row.gpus.empty()) out["gpus"] = row.gpus;
  if (row.timeout_secs) out["timeout_secs"] = *row.timeout_secs;
  if (row.max_retries) out["max_retries"] = *row.max_retries;
  if (!row.env.empty()) out["env"] = row.env;
  return out;
}

Row row_from(const Json& values) {
  Row row;
  row.run_id = text_at(values, "run_id");
  row.config = text_at(values, "config");
  row.seed = number_at(values, "seed");
  row.overrides = text_at(values, "overrides");
  row.notes = text_at(values, "notes");
  row.gpus = text_at(values, "gpus");
  if (member(values, "timeout_secs").is_number()) {
    row.timeout_secs = number_at(values, "timeout_secs");
  }
  if (member(values, "max_retries").is_number()) {
    row.max_retries = static_cast<int>(number_at(values, "max_retries"));
  }
  for (const auto& word : member(values, "env")) {
    if (word.is_string()) row.env.push_back(word.get<std::string>());
  }
  row.sha256 = row_hash(row);
  return row;
}

}  // namespace workflow::sweep
