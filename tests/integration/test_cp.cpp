// cp: trees arrive as they were, over every way to a target; what stops half-way leaves no half.
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/eventually.h"
#include "tests/support/far_space.h"
#include "tests/support/provoked.h"
#include "tests/support/terminal.h"
#include "tests/support/tree.h"

namespace workflow::test {
namespace {

/// A file of so many bytes that takes no room.
void make_sparse(const fs::path& path, std::int64_t size) {
  real_files().write(path, "", {.durable = false});
  REQUIRE(::truncate(path.c_str(), size) == 0);
}

/// Whether a copy at work has written more than a mebibyte below a directory.
bool well_under_way(const fs::path& dir) {
  for (const auto& name : real_files().list(dir)) {
    struct stat info {};
    if (name.rfind(".workflow-cp-", 0) == 0 && ::stat((dir / name).c_str(), &info) == 0 &&
        info.st_size > (1 << 20)) {
      return true;
    }
  }
  return false;
}

/// A file system of two mebibytes, gone with the object; nothing without the right to mount one.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& at) : at_(at) {
    fs::create_directories(at);
    mounted_ = ::mount("tmpfs", at.c_str(), "tmpfs", 0, "size=2m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }

 private:
  fs::path at_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("a hostile tree goes there and comes back as it was") {
  const FarSpace far(GENERATE("local", "libssh2", "openssh"));
  make_hostile_tree(far.space.dir() / "tree");
  const auto tree = snapshot(far.space.dir() / "tree");
  const Captured there = far.run({"cp", "tree", ":copy"});
  INFO(there.err);
  REQUIRE(there.ok());
  CHECK(contains(there.out, "308 files, 3 links, "));
  CHECK((snapshot(far.far() / "copy") == tree));
  const Captured back = far.run({"cp", ":copy", "back"});
  INFO(back.err);
  REQUIRE(back.ok());
  CHECK((snapshot(far.space.dir() / "back") == tree));
  // Once more over what is there, and this time by name into a directory.
  CHECK(far.run({"cp", "tree/.", ":copy"}).ok());
  CHECK((snapshot(far.far() / "copy") == tree));
  CHECK(far.run({"cp", "tree", ":copy"}).ok());
  CHECK((snapshot(far.far() / "copy/tree") == tree));
  CHECK(temporary_files(far.far()) == 0);
}

TEST_CASE("a big file passes whole in both directions") {
  const FarSpace far(GENERATE("libssh2", "auto"));
  make_sparse(far.space.dir() / "big", 200 << 20);
  REQUIRE(far.run({"cp", "big", ":"}).ok());
  REQUIRE(far.run({"cp", ":big", "again"}).ok());
  CHECK(fs::file_size(far.far() / "big") == 200 << 20);
  CHECK(fs::file_size(far.space.dir() / "again") == 200 << 20);
}

TEST_CASE("where things go is as everywhere") {
  const FarSpace far("local");
  const auto& space = far.space;
  space.write("a", "one");
  space.write("b", "two");
  space.write("far/there", "old");
  space.write("far/dir/a/x", "in the way");
  CHECK(far.run({"cp", "a", ":there"}).ok());
  CHECK(space.read("far/there") == "one");
  CHECK(far.run({"cp", "a", "b", ":new"}).ok());
  CHECK(space.read("far/new/b") == "two");
  CHECK(far.run({"cp", "a", ":slash/"}).ok());
  CHECK(space.read("far/slash/a") == "one");
  CHECK(far.run({"cp", ":new/a", ":new/b", "."}).ok());
  CHECK(far.run({"cp", "a", ":~/deep"}).ok());
  CHECK(read_file(space.home() / "deep") == "one");
  CHECK(far.run({"cp", "a", ":" + (space.dir() / "absolute").string()}).ok());
  CHECK(space.read("absolute") == "one");
  const Captured over = far.run({"cp", "a", ":dir"});
  CHECK(over.status.code == 8);
  CHECK(contains(over.err, "is a directory there"));
  CHECK(space.read("far/dir/a/x") == "in the way");
  CHECK(far.run({"cp", "a", "b", ":there"}).status.code == 8);
  CHECK(far.run({"cp", "far", ":there"}).status.code == 8);
  const Captured nowhere = far.run({"cp", "a", ":no/such/dir"});
  CHECK(nowhere.status.code == 6);
  CHECK(contains(nowhere.err, "there is no directory"));
}

TEST_CASE("nothing is written over a device or a pipe, not even through a link") {
  const FarSpace far("local");
  const Workspace& space = far.space;
  space.write("a", "one");
  REQUIRE(::mkfifo((space.dir() / "pipe").c_str(), 0600) == 0);
  fs::create_symlink("/dev/null", space.dir() / "link");
  for (const char* name : {"pipe", "link"}) {
    CAPTURE(name);
    const Captured told = far.run({"cp", "a", ":" + (space.dir() / name).string()});
    CHECK(told.status.code == 9);
    CHECK(contains(told.err, "nothing is written over it"));
  }
  CHECK(fs::is_fifo(space.dir() / "pipe"));
  CHECK(fs::is_symlink(space.dir() / "link"));
}

TEST_CASE("a command line without sense is told before anything is asked of the target") {
  const FarSpace far("local");
  far.space.write("a", "");
  for (const auto& words : std::vector<std::vector<std::string>>{{"cp"},
                                                                 {"cp", "a"},
                                                                 {"cp", "a", "b"},
                                                                 {"cp", ":a", ":b"},
                                                                 {"cp", "a", ":b", ":c"},
                                                                 {"cp", "a", ""},
                                                                 {"cp", "--nosuch", "a", ":b"}}) {
    const Captured answer = far.run(words);
    INFO(join(words, " ") << answer.err);
    CHECK(answer.status.code == 2);
  }
  CHECK(contains(far.run({"cp", ":a", ":b"}).err, "both on the target"));
  CHECK(contains(far.run({"cp", "a", "b"}).err, "both on this machine"));
}

TEST_CASE("what is missing, special or unreadable is named, and nothing is copied") {
  const FarSpace far(GENERATE("local", "libssh2"));
  far.space.write("good", "x");
  CHECK(far.run({"cp", "good", "nosuch", ":to"}).status.code == 6);
  CHECK(far.run({"cp", ":nosuch", "to"}).status.code == 6);
  far.space.write("tree/file", "x");
  REQUIRE(::mkfifo((far.space.dir() / "tree/pipe").c_str(), 0600) == 0);
  const Captured special = far.run({"cp", "good", "tree", ":to"});
  CHECK(special.status.code == 7);
  CHECK(contains(special.err, "tree/pipe' is a named pipe"));
  CHECK(far.run({"cp", ":" + (far.space.dir() / "tree").string(), "to"}).status.code == 7);
  CHECK(fs::is_empty(far.far()));
  CHECK_FALSE(fs::exists(far.space.dir() / "to"));
}

TEST_CASE("a destination that cannot be written is told in the system's words") {
  const FarSpace far(GENERATE("local", "libssh2"));
  far.space.write("a", "x");
  fs::path closed = far.space.dir() / "closed";
  fs::create_directories(closed);
  fs::permissions(closed, fs::perms(0500));
  if (::geteuid() == 0) closed = "/proc/self";  // where root may not write either
  const Captured there = far.run({"cp", "a", ":" + closed.string() + "/x"});
  INFO(there.err);
  CHECK(there.status.code == 7);
  CHECK(contains(there.err, "cannot write '" + closed.string() + "/x': "));
  far.space.write("far/a", "x");
  CHECK(far.run({"cp", ":a", closed.string() + "/x"}).status.code == 7);
}

TEST_CASE("a full disk is told, and leaves what was there and nothing else") {
  const FarSpace far(GENERATE("local", "libssh2"));
  const SmallDisk disk(far.far() / "disk");
  std::vector<std::string> limit;
  // Without the right to mount: a limit for the size of files, which both programs inherit.
  if (!disk.mounted()) limit = {"sh", "-c", "ulimit -f 2048; exec \"$@\"", "sh"};
  if (!disk.mounted() && !far.space.environment().empty()) WARN("no tmpfs: a file limit instead");
  far.space.write("far/disk/big", "the old one");
  make_sparse(far.space.dir() / "big", 8 << 20);
  const auto copy = [&](const std::string& from, const std::string& to) {
    CaptureSpec spec;
    spec.argv = limit;
    spec.argv.insert(spec.argv.end(), {workflow_program(), "cp", from, to});
    spec.env = far.space.environment();
    spec.workdir = far.space.dir();
    return provoked(spec);
  };
  const Captured full = copy("big", ":disk");
  INFO(full.err);
  CHECK(full.status.code == 7);
  CHECK(contains(full.err, disk.mounted() ? "No space left on device" : "File too large"));
  CHECK(contains(full.err, "far/disk/big"));
  CHECK(far.space.read("far/disk/big") == "the old one");
  CHECK(temporary_files(far.far()) == 0);
  fs::rename(far.space.dir() / "big", far.far() / "source");
  CHECK(copy(":source", "far/disk/big").status.code == 7);
  CHECK(far.space.read("far/disk/big") == "the old one");
  CHECK(temporary_files(far.far()) == 0);
}

TEST_CASE("a cut in the middle leaves no half file and no rubbish, at either end") {
  const FarSpace far(GENERATE("libssh2", "openssh"));
  fs::create_directories(far.space.dir() / "here");
  make_sparse(far.space.dir() / "big", std::int64_t(20) << 30);
  far.space.write("far/big", "the old one");
  const pid_t up = far.space.start({"cp", "big", ":"}, "up");
  REQUIRE(eventually([&] { return well_under_way(far.far()); }));
  far.cut();
  CHECK(exit_of(up) == 4);
  CHECK(contains(far.space.read("up"), "outcome unknown"));
  CHECK(eventually([&] { return temporary_files(far.far()) == 0; }));
  CHECK(far.space.read("far/big") == "the old one");
  const std::string source = ":" + (far.space.dir() / "big").string();
  const pid_t down = far.space.start({"cp", source, "here/big"}, "down");
  REQUIRE(eventually([&] { return well_under_way(far.space.dir() / "here"); }));
  far.cut();
  CHECK(exit_of(down) == 4);
  CHECK(fs::is_empty(far.space.dir() / "here"));
}

TEST_CASE("Ctrl-C, TERM and a closed terminal stop a copy and tidy up at both ends") {
  const auto [way, how] = GENERATE(
      table<const char*, int>({{"local", SIGTERM}, {"libssh2", SIGINT}, {"openssh", SIGHUP}}));
  const FarSpace far(way);
  fs::create_directories(far.space.dir() / "here");
  make_sparse(far.space.dir() / "big", std::int64_t(20) << 30);
  const pid_t up = far.space.start({"cp", "big", ":"}, "up");
  REQUIRE(eventually([&] { return well_under_way(far.far()); }));
  ::kill(up, how);
  CHECK(exit_of(up) == 130);
  CHECK(contains(far.space.read("up"), "no file is there by half"));
  CHECK(eventually([&] { return fs::is_empty(far.far()); }));
  const std::string source = ":" + (far.space.dir() / "big").string();
  const pid_t down = far.space.start({"cp", source, "here/big"}, "down");
  REQUIRE(eventually([&] { return well_under_way(far.space.dir() / "here"); }));
  ::kill(down, how);
  CHECK(exit_of(down) == 130);
  CHECK(fs::is_empty(far.space.dir() / "here"));
}

TEST_CASE("--json tells what was copied; a terminal sees how far it is") {
  FarSpace far("local");
  far.space.write("tree/a", "12345");
  fs::create_symlink("a", far.space.dir() / "tree/b");
  const Json data = far.space.data({"cp", "tree", ":copy"});
  CHECK(number_at(data, "files") == 1);
  CHECK(number_at(data, "links") == 1);
  CHECK(number_at(data, "bytes") == 5);
  make_sparse(far.space.dir() / "big", 300 << 20);
  const Shown shown = show_on_terminal(far.space, {"cp", "big", ":"}, 60);
  CHECK(contains(shown.bytes, " of 315 MB   "));
  CHECK(contains(shown.bytes, "eta "));
  const auto lines = printed_lines(shown.bytes);
  REQUIRE(lines.size() >= 2);
  CHECK(contains(lines[lines.size() - 2], "1 file, 315 MB in "));
}

}  // namespace workflow::test
