#include "sweep/apply_request.h"

#include <algorithm>

#include "common/error.h"
#include "common/text.h"
#include "sweep/evidence.h"
#include "sweep/op_facts.h"

namespace workflow::sweep {

Standing::Standing(const tasks::Site& site, const std::string& id)
    : campaign(read_campaign(site.files(), site.campaign_dir(id))),
      states(RowIndex(site.files(), site.clock(), site.campaign_dir(id)).load()),
      values(with_later(campaign_rows(site.files(), site.campaign_dir(id), campaign), states)),
      cloned(cloned_ids(OpStore(site.files(), site.clock(), site.campaign_dir(id)).all())) {}

std::vector<StandingRow> Standing::rows() const {
  std::vector<StandingRow> out;
  for (std::size_t i = 0; i < states.size(); ++i) {
    out.push_back(
        {&values[i], states[i].state, states[i].attempt > 0, cloned.contains(states[i].run_id)});
  }
  return out;
}

Judged judge_apply(const tasks::Site& site, const Standing& now, const OpAsk& ask) {
  Judged out;
  out.manifest = parse_manifest(ask.manifest, text_at(ask.ask, "manifest_name"),
                                rules_for(member(now.campaign.site_args, "settings")));
  out.rows = now.rows();
  out.plan = plan_apply({.standing = out.rows,
                         .rows = out.manifest.rows,
                         .force = flag_at(ask.ask, "force"),
                         .before = [&](const Row& row) { return known_before(site, row); }});
  return out;
}

void require_no_conflict(const Judged& judged, const std::string& file) {
  std::string text;
  std::size_t conflicts = 0;
  bool busy = false;
  for (const PlannedRow& row : judged.plan) {
    if (row.step != ApplyStep::conflict) continue;
    conflicts += 1;
    busy = busy || row.busy;
    text += Fault{file, row.values->line, 1, "'" + row.run_id + "': " + row.note}.text() + "\n";
  }
  if (conflicts == 0) return;
  throw Error(busy ? Code::busy : Code::exists,
              text + counted(static_cast<std::int64_t>(conflicts), "row") +
                  " cannot be changed so; nothing was done",
              "give them new ids, or --force ends what is going and moves old runs to _bak");
}

Json show_apply(const tasks::Site& site, const OpAsk& ask) {
  const tasks::StateRecord record = site.keeper().load();
  const std::string id = current_campaign(site, record);
  if (id.empty()) {
    throw Error(Code::not_found, "no sweep was started here", "start one: workflow sweep-start");
  }
  const Standing now(site, id);
  const Judged judged = judge_apply(site, now, ask);
  const auto conflicts = std::ranges::count(judged.plan, ApplyStep::conflict, &PlannedRow::step);
  std::set<std::string_view> told;
  for (const auto& row : judged.plan) told.insert(row.run_id);
  const auto unchanged = std::ranges::count_if(
      judged.manifest.rows, [&](const Row& row) { return !told.contains(row.run_id); });
  return {{"campaign", id},
          {"rows", plan_json(judged.plan, judged.rows)},
          {"unchanged", unchanged},
          {"changes", std::ranges::any_of(judged.plan,
                                          [](const PlannedRow& row) {
                                            return row.step != ApplyStep::keep &&
                                                   row.step != ApplyStep::conflict;
                                          })},
          {"takes_away", takes_away(judged.plan)},
          {"conflicts", conflicts}};
}

}  // namespace workflow::sweep
