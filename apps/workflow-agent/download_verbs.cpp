// download: what lies at a path is told, the client says what it lacks, and gets it.
#include <sys/stat.h>

#include "apps/workflow-agent/call.h"
#include "apps/workflow-agent/file_giver.h"
#include "remote/sync/below.h"

namespace workflow::agent {
namespace {

Error no_such(const fs::path& path, const std::string& why) {
  return Error(Code::not_found, "'" + sync::shown(path.string()) + "' " + why,
               "relative paths are in the working copy on the target");
}

/// What was named is followed where it is a link; what is in it is not.
fs::path place_of(const Reply& reply, const std::string& asked) {
  const fs::path path = reply.place(asked);
  std::error_code fault;
  const fs::path real = fs::canonical(path, fault);
  if (fault) throw no_such(path, "is not on the target");
  const bool directory = fs::is_directory(real);
  if (asked.ends_with('/') && !directory) throw no_such(path, "is no directory");
  if (!directory && !fs::is_regular_file(real)) throw no_such(path, "is no file or directory");
  return real;
}

/// A file is a tree of one entry.
sync::Listing list_file(const fs::path& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) throw no_such(path, "is not on the target");
  sync::Listing listing;
  listing.found.push_back({{.kind = sync::Kind::file,
                            .path = path.filename().string(),
                            .size = info.st_size,
                            .mode = info.st_mode & 0777U,
                            .mtime_ns = sync::mtime_ns(info)},
                           info.st_ino});
  return listing;
}

Json download(Reply& reply) {
  const fs::path path = place_of(reply, reply.request().blob("remote"));
  const bool directory = fs::is_directory(path);
  const auto take_all = [](const std::string&, bool) { return sync::Choice::take; };
  sync::Listing listing =
      directory ? sync::list_tree(path, take_all, sync::LinksOut::listed) : list_file(path);
  FileGiver giver(reply);
  giver.offer({{"event", "listed"}, {"directory", directory}, {"left_out", listing.passed_over}},
              {directory ? path : path.parent_path(), std::move(listing.found)});
  giver.give(Json::object());
  return Json::object();
}

}  // namespace

const std::vector<Verb> download_verbs = {{"download", download, Records::none}};

}  // namespace workflow::agent
