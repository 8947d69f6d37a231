// fetch: what there is of some runs is told, the client says what it lacks, and gets it.
#include <poll.h>

#include <algorithm>

#include "apps/workflow-agent/clean_verb.h"
#include "common/text.h"
#include "remote/sync/send_file.h"
#include "sweep/artifacts.h"
#include "sweep/results.h"
#include "sweep/run.h"
#include "tasks/copy_process.h"
#include "tasks/run_out.h"

namespace workflow::agent {
namespace {

using State = protocol::Pieces::State;

/// The client may have to read through all that it has before it knows what it lacks.
constexpr int client_limit_ms = 3'600'000;

/// Small files go many at once: each write of ours would be a packet of its own.
constexpr std::size_t batch_size = 256U << 10U;

/// A run as it was listed for the client.
struct Planned {
  fs::path dir;
  std::vector<sync::Listed> found;
  fs::path out_dir{};  ///< what the entries from `out_from` on are below: a durable out/
  std::size_t out_from = SIZE_MAX;

  [[nodiscard]] const fs::path& dir_of(std::size_t entry) const {
    return entry < out_from ? dir : out_dir;
  }
};

/// What became of the rows that are asked for.
Json chosen_results(const Reply& reply) {
  return sweep::sweep_results(reply.site(), reply.text("campaign"),
                              sweep::selection_from(member(reply.args(), "selection")));
}

class Fetch {
 public:
  explicit Fetch(Reply& reply)
      : reply_(reply), checkpoints_(flag_at(reply.args(), "checkpoints")) {}

  Json answer() {
    // The data lie there; what hangs later is a connection that gets no byte more.
    if (reply_.site().live()) tasks::require_answer(reply_.site().outputs());
    Json planned = {{"event", "planned"}, {"pod_id", reply_.site().pod_id()}};
    if (const std::string id = reply_.text("run_id"); !id.empty()) {
      require_id("run", id);
      plan(id);
    } else {
      plan_campaign(planned);
    }
    tell(planned);
    flush();
    send_wanted(wanted());
    flush();
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
        tell({{"event", "run"}, {"run_id", run}, {"fault", fault.what()}});
        planned_.emplace_back();
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
    Planned planned{dir, {}};
    if (elsewhere) {
      planned.out_dir = out->durable.parent_path();
      planned.out_from = listing.found.size();
      append(listing, list_part(planned.out_dir, Part::out));
    }
    Json entries = Json::array();
    for (const auto& listed : listing.found) entries.push_back(sync::entry_json(listed.entry));
    tell({{"event", "run"},
          {"about", sweep::about_run(id, *run)},
          {"entries", std::move(entries)},
          {"left_out", {{"files", listing.left_out_files}, {"bytes", listing.left_out_bytes}}},
          {"passed_over", listing.passed_over}});
    planned.found = std::move(listing.found);
    planned_.push_back(std::move(planned));
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

  /// What the client lacks: `[[run, entry, bytes that it has, their hash], …]`.
  Json wanted() {
    protocol::Pieces input = reply_.input();
    std::string text;
    while (true) {
      while (const auto piece = input.next()) text += *piece;
      if (input.state() == State::ended) return parse_json(text, "what the client asks for");
      pollfd in{input.fd(), POLLIN, 0};
      const bool heard = ::poll(&in, 1, client_limit_ms) != 0;
      if (heard) input.pull();
      if (!heard || input.state() == State::cut) {
        throw Error(Code::unreachable, "the client has gone");
      }
    }
  }

  void send_wanted(const Json& wants) {
    for (const auto& want : wants) {
      const auto run = want.at(0).get<std::size_t>();
      const auto entry = want.at(1).get<std::size_t>();
      const Planned& planned = planned_.at(run);
      const sync::Have have{want.at(2).get<std::int64_t>(), want.at(3).get<std::string>()};
      const auto sent = sync::send_file(
          planned.dir_of(entry), planned.found.at(entry), have,
          [&](std::int64_t at, std::string_view bytes) {
            send(protocol::bytes_event({{"run", run}, {"entry", entry}, {"at", at}}, bytes));
          },
          [&](const FileHole& hole) {
            tell({{"event", "hole"},
                  {"run", run},
                  {"entry", entry},
                  {"at", hole.from},
                  {"bytes", hole.size()}});
          });
      tell({{"event", "file"},
            {"run", run},
            {"entry", entry},
            {"fault", sent.fault},
            {"vanished", sent.vanished},
            {"is", sync::entry_json(sent.entry)},
            {"sha256", sent.sha256}});
    }
  }

  void tell(const Json& event) { send(dump_json(event) + "\n"); }

  void send(const std::string& events) {
    batch_ += events;
    if (batch_.size() >= batch_size) flush();
  }

  void flush() {
    reply_.events(batch_);
    batch_.clear();
    if (reply_.client_gone()) throw Error(Code::unreachable, "the client has gone");
  }

  Reply& reply_;
  bool checkpoints_;
  std::vector<Planned> planned_;
  std::string batch_;
};

Json fetch(Reply& reply) { return Fetch(reply).answer(); }

Json sweep_results(Reply& reply) { return chosen_results(reply); }

}  // namespace

const std::vector<Verb> fetch_verbs = {
    {"fetch", fetch}, {"sweep-results", sweep_results}, {"clean", clean, Records::changed}};

}  // namespace workflow::agent
