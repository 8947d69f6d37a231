#include "sweep/campaign.h"

#include "common/error.h"
#include "common/sha256.h"
#include "common/text.h"

namespace workflow::sweep {
namespace {
constexpr std::string_view schema = "workflow.campaign/1";
const std::string begin_anew =
    "the runs' own records are whole; workflow fsm-reset CHECKED_OUT and sweep-start begin anew";
}  // namespace

std::string new_campaign_id(const Clock& clock) {
  return utc_stamp(clock.now_ms()) + "-" + random_hex(4);
}

Json campaign_summary(const Campaign& campaign) {
  return {{"id", campaign.id},
          {"manifest", campaign.manifest_name},
          {"manifest_sha256", campaign.manifest_sha256},
          {"git_sha", campaign.git_sha},
          {"started_at", utc_text(campaign.started_ms)},
          {"started_by", campaign.by}};
}

Json campaign_json(const Campaign& campaign) {
  Json out = {{"schema", schema}};
  out.update(campaign_summary(campaign));
  out["selection"] = selection_json(campaign.selection);
  out["site"] = campaign.site_args;
  return out;
}

void write_campaign(Files& files, const fs::path& dir, const Campaign& campaign,
                    std::string_view manifest) {
  files.make_dirs(dir);
  files.write(dir / "manifest.csv", manifest);
  files.write(dir / "campaign.json", pretty_json(campaign_json(campaign)));
}

Campaign read_campaign(Files& files, const fs::path& dir) {
  const auto bytes = files.read(dir / "campaign.json");
  if (!bytes) {
    throw Error(Code::not_found, "no campaign '" + dir.filename().string() + "' here",
                "start one: workflow sweep-start");
  }
  const Json json = parse_json(*bytes, (dir / "campaign.json").string());
  const std::string found = text_at(json, "schema");
  if (found != schema || text_at(json, "id").empty()) {
    throw Error(Code::precondition,
                "'" + (dir / "campaign.json").string() + "' is no campaign that this build reads" +
                    (found.empty() ? "" : " (schema '" + found + "')"),
                "another version of workflow wrote it, or no workflow; " + begin_anew);
  }
  return {.id = text_at(json, "id"),
          .manifest_name = text_at(json, "manifest"),
          .manifest_sha256 = text_at(json, "manifest_sha256"),
          .git_sha = text_at(json, "git_sha"),
          .selection = selection_from(member(json, "selection")),
          .started_ms = parse_utc(text_at(json, "started_at")).value_or(0),
          .by = member(json, "started_by"),
          .site_args = member(json, "site")};
}

fs::path stop_file(const fs::path& dir) { return dir / "stop.json"; }

fs::path executor_lock(const fs::path& dir) { return dir / ".executor"; }

std::vector<Row> campaign_rows(Files& files, const fs::path& dir, const Campaign& campaign) {
  const auto bytes = files.read(dir / "manifest.csv");
  if (!bytes) {
    throw Error(Code::precondition, "'" + (dir / "manifest.csv").string() + "' is gone",
                begin_anew);
  }
  if (sha256_hex(*bytes) != campaign.manifest_sha256) {
    throw Error(Code::precondition,
                "'" + (dir / "manifest.csv").string() + "' is not what the sweep was started with",
                begin_anew);
  }
  const Manifest manifest = parse_manifest(*bytes, campaign.manifest_name,
                                           rules_for(member(campaign.site_args, "settings")));
  std::vector<Row> rows;
  for (const std::size_t i : select_rows(manifest, campaign.selection)) {
    rows.push_back(manifest.rows[i]);
  }
  return rows;
}

ManifestRules rules_for(const Json& settings) {
  return {.config_required = trim(text_at(settings, "TRAIN_COMMAND_TEMPLATE")).empty()};
}

Schedule schedule_for(const tasks::Site& site, GpuPool pool) {
  const std::int64_t failure_limit =
      site.flag("SWEEP_FAIL_FAST") ? 1 : site.number("SWEEP_MAX_CONSECUTIVE_FAILURES", 5);
  return Schedule({}, failure_limit, std::move(pool));
}

std::string wish_text(const tasks::Site& site, const Row& row) {
  return row.gpus.empty() ? site.text("SWEEP_GPUS_PER_RUN") : row.gpus;
}

RowWish wish_of(const tasks::Site& site, const Row& row) {
  return {.gpus = parse_gpu_wish(wish_text(site, row)).value_or(GpuWish{}),
          .max_retries = row.max_retries.value_or(site.number("SWEEP_MAX_RETRIES", 1)),
          .kind = row.config};
}

}  // namespace workflow::sweep
