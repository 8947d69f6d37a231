#include "sweep/put_away.h"

#include "common/text.h"
#include "sweep/launch_line.h"
#include "tasks/copy_process.h"

namespace workflow::sweep {
namespace {

/// First what may fail: another row must never resume from this one's checkpoints.
void put_away(const tasks::Site& site, const std::string& run_id, const fs::path& to) {
  Files& files = site.files();
  files.make_dirs(to.parent_path());
  const tasks::RunOut out = out_place(site, run_id);
  if (site.live()) {
    tasks::move_beside(out.durable.parent_path(),
                       site.outputs() / to.lexically_relative(site.root()));
  }
  if (out.sync && may_be_there(out.train)) {
    files.rename(out.train,
                 free_name(out.train.parent_path(), run_id + ".old-" + to.filename().string()));
  }
  files.rename(site.run_dir(run_id), to);
}

}  // namespace

void move_run_aside(const tasks::Site& site, const std::string& run_id) {
  const fs::path shelf = site.below(fs::path("_bak") / run_id);
  put_away(site, run_id, free_name(shelf, utc_stamp(site.clock().now_ms())));
}

void trash_run(const tasks::Site& site, const std::string& run_id) {
  if (presence(site.run_dir(run_id)) == Presence::absent) return;
  put_away(site, run_id,
           free_name(site.below("_trash"), utc_stamp(site.clock().now_ms()) + "-" + run_id));
}

}  // namespace workflow::sweep
