#pragma once

#include <string>

#include "client/session.h"

namespace workflow::client {

/// Brings what lies at a path of the target to a path of this machine, and of what is here already
/// only what differs by size and time, and then by hash. Each file comes under a temporary name
/// and is renamed when its hash agrees; after a lost connection it goes on, and so does the next
/// download after one that was killed. Links and modes are kept, and what is here alone stays.
/// A file here that is newer than the one that replaces it stays as NAME.before, and is said.
/// Nothing is written outside `local`.
///
/// `remote` is relative to the working copy there, or `~/…`, or absolute. A directory becomes
/// `local`; a file becomes `local`, or goes into it where that is a directory. With a slash at its
/// end `local` is the directory that takes either by its name; a slash behind `remote` says that
/// what is in the directory is meant, wherever it goes.
///
/// Returns files, bytes (all that `remote` has), sent_files, sent_bytes, and left_out[]: for
/// people, what is no file, directory or link, and what could not be read. Error(not_found) when
/// there is nothing at `remote`. `on_event` is told `progress` with files, all_files, bytes,
/// all_bytes of what is coming.
Json download(Session& session, const std::string& remote, const fs::path& local,
              const OnEvent& on_event);

}  // namespace workflow::client
