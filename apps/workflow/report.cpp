#include "client/report.h"

#include "apps/workflow/command.h"
#include "common/files.h"
#include "common/text.h"

namespace workflow::app {

Outcome sweep_report(Context& context) {
  const client::Report report = client::sweep_report(
      context.session(), {.campaign = context.args().text("--campaign"),
                          .most_curves = context.args().count("--curves").value_or(100)});
  const std::string id = text_at(member(report.head, "campaign"), "id");
  std::string file = context.args().text("--out");
  if (file.empty()) file = "sweep-" + id + ".html";
  const std::string page = client::report_page(report);
  if (!context.globals().dry_run) real_files().write(file, page);
  context.out().line((context.globals().dry_run ? "would write " : "wrote ") + file + "   " +
                     human_bytes(static_cast<double>(page.size())) + ", " +
                     counted(static_cast<std::int64_t>(report.runs.size()), "row") +
                     ", curves of " +
                     counted(static_cast<std::int64_t>(report.curves.size()), "run"));
  if (report.rows_left_out > 0) {
    context.out().note(std::to_string(report.rows_left_out) +
                       " rows are left out; workflow sweep-results has every row");
  }
  return {{{"file", file},
           {"bytes", page.size()},
           {"campaign", member(report.head, "campaign")},
           {"counts", member(report.head, "counts")},
           {"rows", report.runs.size()},
           {"rows_left_out", report.rows_left_out},
           {"runs_drawn", report.curves.size()},
           {"runs_with_curves", number_at(report.head, "with_curves")}}};
}

}  // namespace workflow::app
