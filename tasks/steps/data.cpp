#include "tasks/steps/data.h"

#include <glob.h>

#include "common/error.h"
#include "common/text.h"
#include "tasks/mounts.h"
#include "tasks/steps/data_stage.h"

namespace workflow::tasks {
namespace {

/// The least that checkout trains with: one shard to learn from and one to be measured by.
constexpr const char* fineweb_glob = "fineweb_train_*.bin fineweb_val_*.bin";
constexpr std::int64_t fineweb_bytes = 450'000'000;
constexpr const char* fineweb_download = R"(
from="${HF_ENDPOINT:-https://huggingface.co}/datasets/kjj0/fineweb10B-gpt2/resolve/main"
for shard in fineweb_val_000000.bin fineweb_train_000001.bin; do
  [ -s "$shard" ] && continue
  curl --fail --location --silent --show-error --retry 5 --connect-timeout 30 \
    --speed-limit 1 --speed-time 120 --continue-at - --output "$shard.part" "$from/$shard" || exit
  mv -- "$shard.part" "$shard" || exit
done
)";

/// What has to be there, and what brings it.
struct Wanted {
  fs::path dir;
  std::vector<std::string> globs{};
  std::string command{};
  std::string name{};            ///< the setting that the command is of
  std::int64_t least_bytes = 0;  ///< of the download, as far as it is known
};

Wanted wanted(const Site& site) {
  Wanted out{.dir = site.path("DATA_DIR")};
  std::string globs = site.text("DATA_REQUIRED_GLOB");
  out.command = site.text("DATA_DOWNLOAD_CMD");
  out.name = "DATA_DOWNLOAD_CMD";
  if (site.flag("DOWNLOAD_FINEWEB")) {
    if (globs.empty()) globs = fineweb_glob;
    if (out.command.empty()) {
      out.command = fineweb_download;
      out.name = "DOWNLOAD_FINEWEB";
      out.least_bytes = fineweb_bytes;
    }
  }
  for (auto& word : split(globs, ' ')) {
    if (!word.empty()) out.globs.push_back(std::move(word));
  }
  if (!out.globs.empty() && out.dir.empty()) {
    throw Error(Code::usage, "data is asked for, but DATA_DIR is not set",
                "set DATA_DIR to where the data is on the target");
  }
  return out;
}

/// A directory, or a file that is not empty: a shard of no bytes is what a cut download leaves.
bool counts(const char* path) {
  std::error_code fault;
  if (fs::is_directory(path, fault)) return true;
  const auto size = fs::file_size(path, fault);
  return !fault && size > 0;
}

bool is_there(const fs::path& dir, const std::string& pattern) {
  glob_t found{};
  bool any = false;
  if (::glob((dir / pattern).c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc && !any; ++i) any = counts(found.gl_pathv[i]);
  }
  ::globfree(&found);
  return any;
}

/// `no 'a*.bin', no 'b*.bin' in '/data'`; empty when all is there.
std::string missing_in(const fs::path& dir, const std::vector<std::string>& globs) {
  std::vector<std::string> missing;
  for (const auto& pattern : globs) {
    if (!is_there(dir, pattern)) missing.push_back("no '" + pattern + "'");
  }
  return missing.empty() ? "" : join(missing, ", ") + " in '" + dir.string() + "'";
}

void download(const Step& step, const Wanted& data, const fs::path& into,
              std::vector<std::string> env) {
  env.push_back("DATA_DIR=" + into.string());
  step.site().files().make_dirs(into);
  if (step.try_run({"bash", "-c", data.command}, into, env)) return;
  throw Error(Code::work_failed, data.name + " failed: " + step.why(),
              "what has arrived is kept in '" + into.string() + "'; checkout goes on from there");
}

}  // namespace

void check_data(const Step& step) {
  const Wanted data = wanted(step.site());
  const std::string missing = missing_in(data.dir, data.globs);
  if (missing.empty() || !data.command.empty()) return;
  throw Error(Code::precondition, missing,
              "put the data there, or set DATA_DOWNLOAD_CMD (DOWNLOAD_FINEWEB=1 for FineWeb)");
}

void ensure_data(const Step& step, const std::vector<std::string>& env) {
  const Wanted data = wanted(step.site());
  if (missing_in(data.dir, data.globs).empty()) return;
  const auto mount = mount_of(data.dir);
  if (mount && mount->is_fuse()) {
    const DataStage stage(step, data.dir);
    stage.require_room(data.least_bytes);
    download(step, data, stage.dir(), env);
    stage.move_over();
  } else {
    download(step, data, data.dir, env);
  }
  const std::string missing = missing_in(data.dir, data.globs);
  if (missing.empty()) return;
  throw Error(Code::precondition, data.name + " ended well, but there is " + missing,
              "it has to write into its working directory, which is $DATA_DIR too");
}

}  // namespace workflow::tasks
