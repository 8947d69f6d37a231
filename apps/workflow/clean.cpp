// clean: what on the target may go, and with --yes its going.
#include <algorithm>

#include "apps/workflow/command.h"
#include "common/text.h"
#include "sweep/clutter.h"

namespace workflow::app {
namespace {

constexpr std::int64_t week_secs = 7 * 86'400;

std::string bytes_text(const Json& object, const char* key) {
  return human_bytes(static_cast<double>(number_at(object, key)));
}

std::string things(std::int64_t n) { return std::to_string(n) + (n == 1 ? " thing" : " things"); }

void require_known(const std::vector<std::string>& words) {
  const auto known = sweep::clutter_names();
  for (const auto& word : words) {
    if (std::ranges::find(known, word) != known.end()) continue;
    const std::string near = nearest(word, known);
    throw Error(Code::usage, "'clean' knows no '" + word + "'",
                near.empty() ? join(known, ", ") : "did you mean '" + near + "'?");
  }
}

void show(Output& out, const Json& data, bool items) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& kind : member(data, "kinds")) {
    if (number_at(kind, "count") == 0) continue;
    rows.push_back({text_at(kind, "what"), std::to_string(number_at(kind, "count")),
                    bytes_text(kind, "bytes"), text_at(kind, "why")});
  }
  if (!rows.empty()) out.rows({"what", "count", "size", "why"}, rows, {false, true, true});
  for (const auto& kind : member(data, "kinds")) {
    for (const auto& item : member(kind, "items")) {
      if (items) out.line("  " + text_at(item, "path") + "  " + bytes_text(item, "bytes"));
    }
  }
}

}  // namespace

Outcome clean(Context& context) {
  const Arguments& args = context.args();
  require_known(args.words);
  const bool remove = context.globals().yes && !context.globals().dry_run;
  Outcome outcome{
      client::clean(context.session(), {.what = args.words,
                                        .older_secs = args.seconds("--older").value_or(week_secs),
                                        .remove = remove})};
  Output& out = context.out();
  const Json& data = outcome.data;
  show(out, data, context.globals().verbose > 0);
  const std::int64_t count = number_at(data, "count");
  const bool told = member(data, "free_bytes").is_number();
  const std::string free = told ? "; " + bytes_text(data, "free_bytes") + " are free" : "";
  if (count == 0) {
    out.line("nothing " + std::string(remove ? "was" : "is") + " to be cleaned" + free);
  } else if (remove) {
    out.line("deleted " + things(count) + ", " + bytes_text(data, "bytes") + free +
             (told ? " now" : ""));
  } else {
    out.line(things(count) + ", " + bytes_text(data, "bytes") + ", may go" + free);
    out.note("nothing was deleted; --yes deletes them, -v names each");
  }
  std::size_t bad = 0;
  for (const auto& kind : member(data, "kinds")) {
    for (const auto& fault : member(kind, "faults")) {
      out.warn("not deleted: " + fault.get<std::string>());
      bad += 1;
    }
  }
  if (bad > 0) {
    outcome.code = Code::work_failed;
    outcome.message = things(static_cast<std::int64_t>(bad)) + " could not be deleted";
  }
  return outcome;
}

}  // namespace workflow::app
