#include "sweep/leaving.h"

#include <sys/stat.h>

#include "common/error.h"
#include "common/text.h"
#include "sweep/checkpoint.h"
#include "sweep/evidence.h"
#include "sweep/run.h"
#include "tasks/mounts.h"
#include "tasks/run_out.h"

namespace workflow::sweep {
namespace {

constexpr const char* kept_files[] = {"stdout.log", "summary.json", "metrics.jsonl"};

class Look {
 public:
  explicit Look(const tasks::Site& site) : site_(site) {}

  Json all() {
    tasks();
    runs();
    durability();
    return std::move(found_);
  }

 private:
  void tasks() {
    for (const auto& id : site_.tasks().ids()) {
      try {
        const tasks::TaskView view = site_.tasks().view(id);
        if (!view.record.ended() && view.leader != tasks::Liveness::gone) {
          work(view.spec.kind == tasks::TaskKind::sweep ? "sweep" : "task", id, view);
        }
      } catch (const Error& fault) {
        found_["unread"].push_back(fault.what());
      }
    }
  }

  void runs() {
    for (const auto& id : site_.files().list(site_.root())) {
      if (!valid_id(id)) continue;  // ours begin with `_`
      try {
        const auto run = look_at_run(site_.files(), site_.run_dir(id));
        if (!run) continue;
        if (!run->task.record.ended() && run->task.leader != tasks::Liveness::gone) {
          work("run", id, run->task);
        }
        found_["runs"].push_back(told(id, *run));
      } catch (const Error& fault) {
        found_["unread"].push_back(fault.what());
      }
    }
  }

  [[nodiscard]] Json told(const std::string& id, const RunView& run) const {
    const fs::path dir = site_.run_dir(id);
    Json files = Json::array();
    for (const char* name : kept_files) {
      struct stat info {};
      if (::lstat((dir / name).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
      files.push_back({{"path", name},
                       {"bytes", info.st_size},
                       {"mtime_ns", static_cast<std::int64_t>(info.st_mtim.tv_sec) * 1'000'000'000 +
                                        info.st_mtim.tv_nsec}});
    }
    Json about = about_run(id, run);
    about["files"] = std::move(files);
    about["checkpoint"] = last_checkpoint(dir, run);
    return about;
  }

  [[nodiscard]] Json last_checkpoint(const fs::path& dir, const RunView& run) const {
    const auto out = tasks::run_out_of(run.task.spec);
    if (out && site_.live()) return {};  // there it may hang, and there it stays
    const auto checkpoint = newest_checkpoint(out ? out->durable : dir / "out");
    if (!checkpoint) return {};
    return {{"path", "out/" + checkpoint->path}, {"bytes", checkpoint->bytes}};
  }

  void durability() {
    const auto mount = tasks::mount_of(site_.outputs());
    const bool durable = mount && (mount->is_network() || mount->is_fuse());
    found_["durable"] = durable;
    found_["durable_reason"] = !mount ? "it is not known where the outputs lie"
                                      : "the outputs lie on " + mount->type + ", mounted at '" +
                                            mount->point.string() +
                                            (durable ? "'" : "', which goes with the pod");
  }

  void work(const char* what, const std::string& id, const tasks::TaskView& view) {
    found_["working"].push_back(
        {{"what", what},
         {"id", id},
         {"since", utc_text(view.record.started_ms.value_or(view.record.created_ms))}});
  }

  const tasks::Site& site_;
  Json found_ = {{"working", Json::array()}, {"runs", Json::array()}, {"unread", Json::array()}};
};

}  // namespace

Json leaving(const tasks::Site& site) { return Look(site).all(); }

}  // namespace workflow::sweep
