#include "tasks/state_record.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"

namespace workflow::tasks {
namespace {

constexpr std::string_view schema_family = "workflow.state/";
constexpr std::int64_t schema_version = 1;

std::optional<std::int64_t> schema_of(const Json& json) {
  const std::string schema = text_at(json, "schema");
  if (schema.rfind(schema_family, 0) != 0) return std::nullopt;
  return parse_integer(schema.substr(schema_family.size()));
}

Error not_ours(const std::string& source, const std::string& why) {
  return Error(Code::precondition, "'" + source + "' is no state record: " + why,
               "look at it; 'workflow fsm-reset STATE' keeps these bytes beside and begins anew");
}

std::optional<Lease> lease_from(const Json& json, const std::string& source) {
  if (json.is_null()) return std::nullopt;
  const auto command = fsm::event_from(text_at(json, "command"));
  if (!command) throw not_ours(source, "its lease names no command");
  return Lease{*command, text_at(json, "task_id"), actor_from(json),
               parse_utc(text_at(json, "since")).value_or(0)};
}

}  // namespace

Json actor_json(const Actor& actor) {
  return {{"user", actor.user}, {"host", actor.host}, {"pid", actor.pid}, {"client", actor.client}};
}

Actor actor_from(const Json& json) {
  return {text_at(json, "user"), text_at(json, "host"), number_at(json, "pid"),
          text_at(json, "client")};
}

Json lease_json(const Lease& lease) {
  return {{"command", fsm::name(lease.command)},
          {"task_id", lease.task_id},
          {"user", lease.by.user},
          {"host", lease.by.host},
          {"client", lease.by.client},
          {"since", utc_text(lease.since_ms)}};
}

Json state_json(const StateRecord& record) {
  Json out = {{"schema", std::string(schema_family) + std::to_string(schema_version)},
              {"state", fsm::name(record.state)},
              {"previous", record.previous ? Json(fsm::name(*record.previous)) : Json(nullptr)},
              {"revision", record.revision},
              {"command", record.command},
              {"reason", record.reason},
              {"updated_at", utc_text(record.updated_ms)},
              {"updated_by", actor_json(record.by)},
              {"lease", record.lease ? lease_json(*record.lease) : Json(nullptr)},
              {"campaign", record.campaign.empty() ? Json(nullptr) : Json(record.campaign)},
              {"pod", record.pod},
              {"claims", record.claims}};
  if (record.unenforced) out["unenforced"] = true;
  return out;
}

bool newer_state_schema(std::string_view bytes) {
  try {
    return schema_of(parse_json(bytes, "state")).value_or(0) > schema_version;
  } catch (const Error&) {
    return false;
  }
}

StateRecord state_from(std::string_view bytes, const std::string& source) {
  if (const std::string fault = json_fault(bytes); !fault.empty()) throw not_ours(source, fault);
  const Json json = parse_json(bytes, source);
  const auto version = schema_of(json);
  if (!version) throw not_ours(source, "it has no schema of ours");
  if (*version > schema_version) {
    throw Error(Code::precondition,
                "'" + source + "' was written by a newer workflow (schema " +
                    std::to_string(*version) + ", this one knows " +
                    std::to_string(schema_version) + "); nothing was changed",
                "use the newer workflow");
  }
  const auto state = fsm::state_from(text_at(json, "state"));
  if (!state) throw not_ours(source, "unknown state '" + text_at(json, "state") + "'");
  if (!member(json, "revision").is_number_integer()) throw not_ours(source, "it has no revision");
  StateRecord record;
  record.state = *state;
  record.previous = fsm::state_from(text_at(json, "previous"));
  record.revision = number_at(json, "revision");
  record.command = text_at(json, "command");
  record.reason = text_at(json, "reason");
  record.updated_ms = parse_utc(text_at(json, "updated_at")).value_or(0);
  record.by = actor_from(member(json, "updated_by"));
  record.unenforced = flag_at(json, "unenforced");
  record.lease = lease_from(member(json, "lease"), source);
  record.campaign = text_at(json, "campaign");
  if (!record.campaign.empty()) require_id("campaign", record.campaign);  // it becomes a path
  if (member(json, "pod").is_object()) record.pod = member(json, "pod");
  if (member(json, "claims").is_object()) record.claims = member(json, "claims");
  return record;
}

}  // namespace workflow::tasks
