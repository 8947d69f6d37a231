// fetch: what there is of some runs is told, the client says what it lacks, and gets it.
#include <algorithm>

#include "apps/workflow-agent/clean_verb.h"
#include "apps/workflow-agent/file_giver.h"
#include "common/text.h"
#include "sweep/artifacts.h"
#include "sweep/results.h"
#include "sweep/run.h"
#include "tasks/copy_process.h"
#include "tasks/run_out.h"

namespace workflow::agent {
namespace {

/// What became of the rows that are asked for.
Json chosen_results(const Reply& reply) {
  return sweep::sweep_results(reply.site(), reply.text("campaign"),
                              sweep::selection_from(member(reply.args(), "selection")));
}

class Fetch {
 public:
  explicit Fetch(Reply& reply)
      : reply_(reply), giver_(reply), checkpoints_(flag_at(reply.args(), "checkpoints")) {}

  Json answer() {
    // The data lie there; what hangs later is a connection that gets no byte more.
    if (reply_.site().live()) tasks::require_answer(reply_.site().outputs());
    Json planned = {{"pod_id", reply_.site().pod_id()}};
    if (const std::string id = reply_.text("run_id"); !id.empty()) {
      require_id("run", id);
      plan(id);
    } else {
      plan_campaign(planned);
    }
    giver_.give(std::move(planned));
    return Json::object();
  }

 private:
  void plan_campaign(Json& planned) {
    const tasks::Site& site = reply_.site();
    Json results = chosen_results(reply_);
    const std::string id = text_at(member(results, "campaign"), "id");
    const fs::path dir = site.campaign_dir(id);
    for (const char* name : {"campaign.json", "manifest.csv"}) {
      planned["files"][name] = base64(site.files().read(dir / name).value_or(""));
    }
    std::int64_t not_started = 0;
    for (const auto& row : member(results, "rows")) {
      if (!chosen(row)) continue;
      const std::string state = text_at(row, "state");
      if (state == "deleted") continue;
      // Pending, or ended before its first attempt: cancelled, stopped, never possible here.
      if (state == "pending" || text_at(row, "started_at").empty()) {
        not_started += 1;
        continue;
      }
      const std::string run = text_at(row, "run_id");
      try {
        plan(run);
      } catch (const Error& fault) {
        // One that cannot be fetched is told; the others are.
        giver_.offer_nothing({{"event", "run"}, {"run_id", run}, {"fault", fault.what()}});
      }
    }
    planned["not_started"] = not_started;
    planned["results"] = std::move(results);
  }

  [[nodiscard]] bool chosen(const Json& row) const {
    const std::string only = reply_.text("only");
    const std::string state = text_at(row, "state");
    if (only.empty()) return true;
    if (only == "ok") return state == "success";
    if (only == "failed") return state != "success" && state != "running" && state != "pending";
    return state == only;
  }

  void plan(const std::string& id) {
    const fs::path dir = reply_.site().run_dir(id);
    const auto run = sweep::look_at_run(reply_.site().files(), dir);
    if (!run) {
      throw Error(Code::not_found, "no run '" + id + "' has been started here",
                  "workflow sweep-status --all shows the rows");
    }
    const auto out = tasks::run_out_of(run->task.spec);
    const bool elsewhere = out && out->durable != dir / "out";
    sync::Listing listing = list_part(dir, elsewhere ? Part::records : Part::all);
    Offered offered{dir, {}};
    if (elsewhere) {
      offered.out_dir = out->durable.parent_path();
      offered.out_from = listing.found.size();
      append(listing, list_part(offered.out_dir, Part::out));
    }
    offered.found = std::move(listing.found);
    giver_.offer(
        {{"event", "run"},
         {"about", sweep::about_run(id, *run)},
         {"left_out", {{"files", listing.left_out_files}, {"bytes", listing.left_out_bytes}}},
         {"passed_over", listing.passed_over}},
        std::move(offered));
  }

  /// A run's out/ may lie in another directory than its records.
  enum class Part { all, records, out };

  [[nodiscard]] sync::Listing list_part(const fs::path& dir, Part part) const {
    return sync::list_tree(dir, [&](const std::string& path, bool directory) {
      const bool in_out = path.substr(0, path.find('/')) == "out";
      if (part == (in_out ? Part::records : Part::out)) return sync::Choice::ignore;
      if (!sweep::is_artifact(path)) return sync::Choice::ignore;
      const bool leave = !checkpoints_ && sweep::is_checkpoint(path, directory);
      return leave ? sync::Choice::leave_out : sync::Choice::take;
    });
  }

  static void append(sync::Listing& to, sync::Listing&& more) {
    to.found.insert(to.found.end(), more.found.begin(), more.found.end());
    to.left_out_files += more.left_out_files;
    to.left_out_bytes += more.left_out_bytes;
    to.passed_over.insert(to.passed_over.end(), more.passed_over.begin(), more.passed_over.end());
  }

  Reply& reply_;
  FileGiver giver_;
  bool checkpoints_;
};

Json fetch(Reply& reply) { return Fetch(reply).answer(); }

Json sweep_results(Reply& reply) { return chosen_results(reply); }

}  // namespace

const std::vector<Verb> fetch_verbs = {
    {"fetch", fetch}, {"sweep-results", sweep_results}, {"clean", clean, Records::changed}};

}  // namespace workflow::agent
