#include "client/fetch_record.h"

#include "common/error.h"
#include "remote/sync/below.h"

namespace workflow::client {

Json fetch_record_json(const FetchRecord& record) {
  Json files = Json::array();
  for (const auto& [path, file] : record.files) {
    Json line = sync::entry_json(file.entry);
    line["sha256"] = file.sha256;
    if (file.only_here) line["only_here"] = true;
    files.push_back(std::move(line));
  }
  Json out = {{"schema", fetch_schema}};
  out.update(record.about);
  out["files"] = std::move(files);
  return out;
}

std::optional<FetchRecord> read_fetch_record(const fs::path& run_dir) try {
  const fs::path file = run_dir / fetch_record_name;
  const auto bytes = real_files().read(file);
  if (!bytes) return std::nullopt;
  const Json json = parse_json(*bytes, file.string());
  if (text_at(json, "schema") != fetch_schema) return std::nullopt;
  FetchRecord record;
  record.about = json;
  record.about.erase("schema");
  record.about.erase("files");
  for (const auto& line : member(json, "files")) {
    FetchedFile fetched{sync::entry_from_json(line), text_at(line, "sha256"),
                        flag_at(line, "only_here")};
    if (!sync::stays_below(fetched.entry.path)) return std::nullopt;
    record.files[fetched.entry.path] = std::move(fetched);
  }
  return record;
} catch (const Error&) {
  return std::nullopt;
}

bool same_attempt(const Json& about, const Json& other) {
  for (const char* key : {"run_id", "campaign", "row_sha256", "created_at"}) {
    if (text_at(about, key) != text_at(other, key)) return false;
  }
  return number_at(about, "attempt") == number_at(other, "attempt");
}

}  // namespace workflow::client
