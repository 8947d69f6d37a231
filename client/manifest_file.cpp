#include "client/manifest_file.h"

#include "common/error.h"
#include "common/files.h"

namespace workflow::client {

ManifestFile read_manifest(const Settings& settings) {
  const fs::path path = settings.path_here("SWEEP_CSV");
  const auto bytes = real_files().read(path);
  if (!bytes) {
    throw Error(Code::not_found, "there is no manifest '" + path.string() + "'",
                "workflow sweep-csv-template writes one to begin with; SWEEP_CSV names it");
  }
  return {*bytes, settings.text("SWEEP_CSV")};
}

}  // namespace workflow::client
