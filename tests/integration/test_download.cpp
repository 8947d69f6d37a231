// download: what lies at a path of the target comes to a path here, as far as it differs.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>

#include "client/download.h"
#include "common/sha256.h"
#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/far_space.h"
#include "tests/support/proxy.h"
#include "tests/support/tree.h"

namespace workflow::test {
namespace {

/// A target, and a directory `there` on it that is downloaded to `here`.
class Downloads {
 public:
  explicit Downloads(const std::string& way) : far_(way) {
    fs::create_directories(there());
    for (const char* key : {"WF_TARGET", "WF_TRANSPORT", "XDG_RUNTIME_DIR"}) ::unsetenv(key);
    for (const auto& entry : far_.space.environment()) {
      const auto equals = entry.find('=');
      ::setenv(entry.substr(0, equals).c_str(), entry.c_str() + equals + 1, 1);
    }
  }

  [[nodiscard]] fs::path there() const { return far_.far() / "there"; }
  [[nodiscard]] fs::path here() const { return far_.space.dir() / "here"; }
  [[nodiscard]] FarSpace& far() { return far_; }

  Json get(
      const std::string& remote, const fs::path& local,
      const client::OnEvent& on_event = [](const Json&) {}) const {
    client::SettingsSources sources;
    sources.environment = [](std::string_view key) -> std::optional<std::string> {
      const char* value = std::getenv(std::string(key).c_str());
      return value == nullptr ? std::nullopt : std::optional<std::string>(value);
    };
    sources.working_dir = far_.space.dir();
    client::Session session(client::Settings::load(sources), -1);
    return client::download(session, remote, local, on_event);
  }
  /// From now on the target is behind a relay.
  void reach_through(int port) const {
    const Sshd& sshd = far_.sshd();
    const std::string number = std::to_string(port);
    real_files().append(sshd.dir() / "known_hosts",
                        "[127.0.0.1]:" + number + " " + read_file(sshd.dir() / "host_key.pub"));
    real_files().append(sshd.dir() / "ssh_config",
                        "Host relay\n HostName 127.0.0.1\n Port " + number + "\n User " +
                            Sshd::user() + "\n IdentityFile " + (sshd.dir() / "id").string() +
                            "\n IdentitiesOnly yes\n UserKnownHostsFile " +
                            (sshd.dir() / "known_hosts").string() + "\n");
    ::setenv("WF_TARGET", "ssh:relay", 1);
  }
  [[nodiscard]] Json get() const { return get("there", here()); }

 private:
  FarSpace far_;
};

/// What is the same in both directions: directories' own times and modes aside for the root.
bool same(const fs::path& one, const fs::path& other) {
  auto left = snapshot(one);
  auto right = snapshot(other);
  left.erase("");
  right.erase("");
  return left == right;
}

Code code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& fault) {
    INFO(fault.what());
    return fault.code();
  }
  return Code::ok;
}

std::size_t parts(const fs::path& dir) {
  std::size_t n = 0;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    n += entry.path().filename().string().starts_with(".workflow-") ? 1 : 0;
  }
  return n;
}

}  // namespace

TEST_CASE("a tree arrives as it is, whatever its files are called, and a second time not at all") {
  Downloads at(GENERATE("local", "libssh2", "openssh"));
  fs::remove(at.there());
  make_hostile_tree(at.there());
  const Json first = at.get();
  CHECK(same(at.there(), at.here()));
  CHECK(number_at(first, "files") > 3);
  CHECK(number_at(first, "sent_files") == number_at(first, "files"));
  CHECK(number_at(first, "sent_bytes") == number_at(first, "bytes"));
  CHECK(member(first, "left_out").empty());
  const Json again = at.get();
  CHECK(number_at(again, "files") == number_at(first, "files"));
  CHECK(number_at(again, "sent_files") == 0);
  CHECK(number_at(again, "sent_bytes") == 0);
  CHECK(same(at.there(), at.here()));
  CHECK(parts(at.here()) == 0);
}

TEST_CASE("only what differs comes, and what is here alone stays") {
  Downloads at("local");
  put(at.there() / "a/same", "same");
  put(at.there() / "a/log", "first line\n");
  put(at.there() / "b", "old text");
  put(at.there() / "touched", "touched");
  (void)at.get();
  put(at.here() / "a/mine", "mine");
  put(at.there() / "b", "new text");
  fs::permissions(at.there() / "b", fs::perms(0750));
  real_files().append(at.there() / "a/log", "second line\n");
  fs::last_write_time(at.there() / "touched", fs::file_time_type::clock::now());
  const Json next = at.get();
  CHECK(number_at(next, "files") == 4);
  CHECK(number_at(next, "sent_files") == 2);
  CHECK(number_at(next, "sent_bytes") == 8 + 12);
  CHECK(read_file(at.here() / "a/mine") == "mine");
  fs::remove(at.here() / "a/mine");
  fs::last_write_time(at.here() / "a", fs::last_write_time(at.there() / "a"));
  CHECK(same(at.there(), at.here()));
}

TEST_CASE("what somebody changed here since is not lost to an older file") {
  const Downloads downloads("openssh");
  put(downloads.there() / "train.py", "as it was there\n");
  put(downloads.here() / "train.py", "edited here\n");
  const auto there = fs::last_write_time(downloads.there() / "train.py");
  fs::last_write_time(downloads.here() / "train.py", there + std::chrono::seconds(5));
  const Json told = downloads.get(downloads.there().string(), downloads.here());
  CHECK(read_file(downloads.here() / "train.py") == "as it was there\n");
  CHECK(read_file(downloads.here() / "train.py.before") == "edited here\n");
  CHECK(contains(dump_json(member(told, "left_out")), "train.py.before"));
}

TEST_CASE("where a download goes depends on slashes and on whether it is a file") {
  Downloads at("local");
  put(at.there() / "sub/f", "f");
  const fs::path root = at.here();
  (void)at.get("there", root / "copy");
  CHECK(read_file(root / "copy/sub/f") == "f");
  (void)at.get("there", root / "copy");  // not into itself the second time
  CHECK_FALSE(fs::exists(root / "copy/there"));
  (void)at.get("there", root / "by-name/");
  CHECK(read_file(root / "by-name/there/sub/f") == "f");
  (void)at.get("there/", root / "what-is-in-it/");
  CHECK(read_file(root / "what-is-in-it/sub/f") == "f");
  (void)at.get("there/sub/f", root / "g");
  CHECK(read_file(root / "g") == "f");
  (void)at.get("there/sub/f", root / "into/");
  CHECK(read_file(root / "into/f") == "f");
  (void)at.get((at.there() / "sub/f").string(), root / "into");
  CHECK(read_file(root / "into/f") == "f");
  fs::create_symlink("sub/f", at.there() / "latest");
  (void)at.get("there/latest", root / "into");
  CHECK(read_file(root / "into/latest") == "f");
}

TEST_CASE("what is not there is not found") {
  Downloads at(GENERATE("local", "libssh2"));
  put(at.there() / "f", "f");
  CHECK(code_of([&] { (void)at.get("there/none", at.here()); }) == Code::not_found);
  CHECK(code_of([&] { (void)at.get("there/f/", at.here()); }) == Code::not_found);
  CHECK_FALSE(fs::exists(at.here()));
  REQUIRE(::mkfifo((at.there() / "pipe").c_str(), 0600) == 0);
  CHECK(code_of([&] { (void)at.get("there/pipe", at.here()); }) == Code::not_found);
  const Json rest = at.get();
  CHECK(number_at(rest, "files") == 1);
  CHECK(contains(dump_json(member(rest, "left_out")), "'pipe': no file, directory or link"));
}

TEST_CASE("nothing is written outside the destination") {
  Downloads at("local");
  const fs::path outside = at.far().space.dir() / "outside";
  put(at.there() / "dir/f", "theirs");
  put(outside / "f", "mine");
  fs::create_directories(at.here());
  const std::string what = GENERATE("directory", "file");
  CAPTURE(what);
  if (what == "directory") {
    fs::create_directory_symlink(outside, at.here() / "dir");
    CHECK(code_of([&] { (void)at.get(); }) == Code::exists);
  } else {
    fs::create_directories(at.here() / "dir");
    fs::create_symlink(outside / "f", at.here() / "dir/f");
    (void)at.get();
    CHECK(read_file(at.here() / "dir/f") == "theirs");
  }
  CHECK(read_file(outside / "f") == "mine");
  fs::create_symlink(outside, at.there() / "link");  // it is kept as it is, and never followed
  if (what == "file") (void)at.get();
  if (what == "file") CHECK(fs::read_symlink(at.here() / "link") == outside);
}

TEST_CASE("a directory is not replaced by a file, nor a file by a directory") {
  Downloads at("local");
  put(at.there() / "x", "x");
  put(at.here() / "x/y", "y");
  CHECK(code_of([&] { (void)at.get(); }) == Code::exists);
  CHECK(read_file(at.here() / "x/y") == "y");
  fs::remove_all(at.there());
  fs::remove_all(at.here());
  put(at.there() / "x/y", "y");
  put(at.here() / "x", "x");
  CHECK(code_of([&] { (void)at.get(); }) == Code::exists);
  CHECK(read_file(at.here() / "x") == "x");
}

TEST_CASE("a file that is being written by another download is left to it") {
  Downloads at("local");
  put(at.there() / "f", std::string(2 << 20, 'f'));
  const fs::path part = at.here() / (".workflow-part-" + sha256_hex("f").substr(0, 16));
  put(part, "");
  const UniqueFd other(::open(part.c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::flock(other.get(), LOCK_EX) == 0);
  CHECK(code_of([&] { (void)at.get(); }) == Code::busy);
  CHECK_FALSE(fs::exists(at.here() / "f"));
}

TEST_CASE("a download that was cut at any byte goes on by itself with what is here") {
  Downloads at("libssh2");
  Proxy proxy(at.far().sshd().port());
  REQUIRE(at.far().run({"pod-status"}).ok());  // the agent is there from now on
  at.reach_through(proxy.port());
  std::string big(6 << 20, '\0');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 + i / 251);
  put(at.there() / "big", big);
  put(at.there() / "small", "small");
  const std::size_t cut = GENERATE(20'000, 300'000, 3'000'000, 6'000'000);
  CAPTURE(cut);
  proxy.cut_next_after(cut);
  const Json data = at.get();
  CHECK(proxy.connections() == 2);
  CHECK(read_file(at.here() / "big") == big);
  CHECK(same(at.there(), at.here()));
  CHECK(parts(at.here()) == 0);
  // What had arrived is not sent again.
  CHECK(number_at(data, "sent_bytes") < static_cast<std::int64_t>(big.size()) + (2 << 20));
}

TEST_CASE("a part that is not the beginning of the file is thrown away") {
  Downloads at("local");
  const std::string whole(2 << 20, 'w');
  put(at.there() / "f", whole);
  const fs::path part = at.here() / (".workflow-part-" + sha256_hex("f").substr(0, 16));
  const std::string left = GENERATE(std::string(1000, 'w'), std::string(1000, 'x'),
                                    std::string(2 << 20, 'w'), std::string(3 << 20, 'w'));
  const bool good = left[0] == 'w' && left.size() <= whole.size();
  put(part, left);
  const Json data = at.get();
  CHECK(read_file(at.here() / "f") == whole);
  CHECK(number_at(data, "sent_bytes") ==
        static_cast<std::int64_t>(whole.size() - (good ? left.size() : 0)));
  CHECK(parts(at.here()) == 0);
}

}  // namespace workflow::test
