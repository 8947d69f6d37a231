// What a push ships and what becomes of it on the target: untracked files, modes, hard links, a
// commit and its patch, and a push that is cut or whose files change.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>

#include "client/push_stream.h"
#include "common/error.h"
#include "common/text.h"
#include "tests/support/answers.h"
#include "tests/support/eventually.h"
#include "tests/support/far_space.h"
#include "tests/support/proxy.h"

namespace workflow::test {
namespace {

/// A project that is a repository with one commit, beside its target.
struct Project {
  FarSpace far;
  fs::path dir;

  explicit Project(const std::string& way = "local") : far(way), dir(far.space.dir() / "project") {
    put(dir / "train.py", "print(1)\n");
    put(dir / "pkg/m.py", "m\n");
    put(dir / ".gitignore", "ignored\n");
    put(dir / "run.sh", "#!/bin/sh\n");
    fs::permissions(dir / "run.sh", fs::perms(0755));
    fs::create_symlink("train.py", dir / "link");
    fs::rename(far.space.dir() / "workflow.env", dir / "workflow.env");
    put(dir / ".git/info/exclude", "workflow.env\n");
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"init", "-q"}, {"add", "-A"}, {"commit", "-qm", "first"}}) {
      (void)git(words);
    }
  }

  std::string git(std::vector<std::string> words, const std::string& input = {}) const {
    CaptureSpec spec;
    spec.argv = {"git", "-C", dir.string(), "-c", "user.name=n", "-c", "user.email=e"};
    spec.argv.insert(spec.argv.end(), words.begin(), words.end());
    spec.input = input;
    const Captured done = capture(spec);
    INFO(done.err);
    REQUIRE(done.ok());
    return std::string(trim(done.out));
  }
  [[nodiscard]] Captured run(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--config", (dir / "workflow.env").string()});
    return far.run(words);
  }
  [[nodiscard]] Json push(std::vector<std::string> words = {}) const {
    words.insert(words.begin(), {"--json", "push"});
    const Captured done = run(words);
    INFO(done.out << done.err);
    REQUIRE(done.ok());
    return member(parse_json(done.out, "stdout"), "data");
  }
  [[nodiscard]] fs::path snapshots() const { return far.space.outputs() / "_snapshots"; }
  [[nodiscard]] std::size_t unfinished() const {
    std::size_t n = 0;
    for (const auto& entry : fs::directory_iterator(snapshots())) {
      n += entry.path().filename().string().starts_with(".new-") ? 1 : 0;
    }
    return n;
  }
};

struct stat stat_of(const fs::path& path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info;
}

}  // namespace

TEST_CASE("what git does not track stays here, and is named, until it is asked for") {
  const Project project;
  put(project.dir / "train.py", "print(2)\n");
  put(project.dir / "new.py", "new");
  put(project.dir / "ignored", "x");
  const Captured told = project.run({"push"});
  CHECK(told.ok());
  CHECK(contains(told.err, "left out, git does not track them: new.py; --dirty ships them too"));
  const Json tracked = project.push();
  CHECK(number_at(tracked, "files") == 5);
  CHECK(flag_at(tracked, "dirty"));
  const fs::path files = text_at(tracked, "snapshot");
  CHECK(read_file(files / "train.py") == "print(2)\n");
  CHECK_FALSE(fs::exists(files / "new.py"));
  const Json all = project.push({"--dirty"});
  CHECK(number_at(all, "files") == 6);
  CHECK(read_file(fs::path(text_at(all, "snapshot")) / "new.py") == "new");
  CHECK_FALSE(fs::exists(fs::path(text_at(all, "snapshot")) / "ignored"));
  (void)project.git({"checkout", "-q", "train.py"});
  CHECK_FALSE(flag_at(project.push(), "dirty"));  // an untracked file that is not shipped
}

TEST_CASE("a snapshot keeps the commit, and what differs from it as a patch that applies") {
  const Project project;
  const fs::path clean = fs::path(text_at(project.push(), "snapshot")).parent_path();
  CHECK(read_file(clean / "commit") == project.git({"rev-parse", "HEAD"}) + "\n");
  CHECK_FALSE(fs::exists(clean / "dirty.patch"));
  put(project.dir / "train.py", std::string("bin\0ary\xff\n", 9));
  fs::remove(project.dir / "pkg/m.py");
  const fs::path dirty = fs::path(text_at(project.push(), "snapshot")).parent_path();
  CHECK(read_file(dirty / "commit") == read_file(clean / "commit"));
  const std::string patch = read_file(dirty / "dirty.patch");
  (void)project.git({"reset", "-q", "--hard"});
  (void)project.git({"apply", "-"}, patch);
  CHECK(read_file(project.dir / "train.py") == std::string("bin\0ary\xff\n", 9));
  CHECK_FALSE(fs::exists(project.dir / "pkg/m.py"));
}

TEST_CASE("the settings are in no patch") {
  const Project project;
  (void)project.git({"add", "-f", "workflow.env"});
  (void)project.git({"commit", "-qm", "settings"});
  std::ofstream(project.dir / "workflow.env", std::ios::app) << "WANDB_PROJECT=SECRETTOK123\n";
  put(project.dir / "train.py", "print(2)\n");
  const fs::path snapshot = fs::path(text_at(project.push(), "snapshot")).parent_path();
  CHECK(contains(read_file(snapshot / "dirty.patch"), "print(2)"));
  CHECK_FALSE(contains(read_file(snapshot / "dirty.patch"), "SECRETTOK123"));
}

TEST_CASE("modes and links arrive, and unchanged files are one file with two names") {
  const Project project;
  const fs::path first = text_at(project.push(), "snapshot");
  CHECK((stat_of(first / "run.sh").st_mode & 0777U) == 0555);
  CHECK((stat_of(first / "train.py").st_mode & 0777U) == 0444);
  CHECK(fs::read_symlink(first / "link") == "train.py");
  put(project.dir / "train.py", "print(2)\n");
  fs::create_directories(project.dir / "moved");
  fs::rename(project.dir / "pkg/m.py", project.dir / "moved/m.py");
  fs::permissions(project.dir / ".gitignore", fs::perms(0755));
  (void)project.git({"add", "-A"});
  const Json next = project.push();
  CHECK(number_at(next, "sent_files") == 1);
  const fs::path second = text_at(next, "snapshot");
  CHECK(stat_of(second / "run.sh").st_ino == stat_of(first / "run.sh").st_ino);
  CHECK(stat_of(second / "moved/m.py").st_ino == stat_of(first / "pkg/m.py").st_ino);
  CHECK((stat_of(second / ".gitignore").st_mode & 0777U) == 0555);
  CHECK((stat_of(first / ".gitignore").st_mode & 0777U) == 0444);
  CHECK(read_file(first / "train.py") == "print(1)\n");
}

TEST_CASE("a file that was changed over there is sent again") {
  const Project project;
  const fs::path first = text_at(project.push(), "snapshot");
  const std::string how = GENERATE("written", "emptied", "gone");
  CAPTURE(how);
  fs::permissions(first / "pkg/m.py", fs::perms(0644));
  const fs::path probe = project.dir / "h";  // the file system's clock goes in steps
  REQUIRE(eventually([&] {
    put(probe, "p");
    return fs::last_write_time(probe) > fs::last_write_time(first.parent_path() / "list.jsonl");
  }));
  fs::remove(probe);
  if (how == "written") put(first / "pkg/m.py", "x\n");
  if (how == "emptied") put(first / "pkg/m.py", "");
  if (how == "gone") fs::remove(first / "pkg/m.py");
  put(project.dir / "train.py", "print(2)\n");
  const Json next = project.push();
  CHECK(number_at(next, "sent_files") == 2);
  CHECK(read_file(fs::path(text_at(next, "snapshot")) / "pkg/m.py") == "m\n");
}

TEST_CASE("a file that was changed in the same moment, to the same size, is not mistaken") {
  const Project project;
  (void)project.push();
  const auto when = fs::last_write_time(project.dir / "train.py");
  put(project.dir / "train.py", "print(9)\n");
  fs::last_write_time(project.dir / "train.py", when);
  const Json next = project.push();
  CHECK(read_file(fs::path(text_at(next, "snapshot")) / "train.py") == "print(9)\n");
}

TEST_CASE("a damaged cache costs time and nothing else") {
  const Project project;
  const Json first = project.push();
  const fs::path trees = project.far.space.home() / ".cache/workflow/trees";
  fs::create_directories(trees);
  for (const auto& entry : fs::directory_iterator(trees)) put(entry.path(), "nonsense\n");
  CHECK(text_at(project.push(), "tree") == text_at(first, "tree"));
}

TEST_CASE("a file that is not as it was listed ends the push") {
  const Project project;
  client::LocalTree tree = client::look_at_tree(project.dir, {});
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < tree.files.size(); ++i) {
    if (!tree.files[i].link) all.push_back(i);
  }
  put(project.dir / "train.py", "p");
  client::PushStream stream(tree, all);
  const auto drain = [&] {
    while (stream.next()) {
    }
  };
  CHECK_THROWS_WITH(drain(), Catch::Contains("was changed while it was pushed"));
}

TEST_CASE("a push that was cut at any byte leaves nothing, and the next one is whole") {
  const Project project("libssh2");
  REQUIRE(project.run({"pod-status"}).ok());  // the agent is there from now on
  Proxy proxy(project.far.sshd().port());
  const Sshd& sshd = project.far.sshd();
  const std::string port = std::to_string(proxy.port());
  real_files().append(sshd.dir() / "known_hosts",
                      "[127.0.0.1]:" + port + " " + read_file(sshd.dir() / "host_key.pub"));
  real_files().append(sshd.dir() / "ssh_config",
                      "Host relay\n HostName 127.0.0.1\n Port " + port + "\n User " + Sshd::user() +
                          "\n IdentityFile " + (sshd.dir() / "id").string() +
                          "\n IdentitiesOnly yes\n UserKnownHostsFile " +
                          (sshd.dir() / "known_hosts").string() + "\n");
  std::string big(3 << 20, '\0');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 + i / 251);
  put(project.dir / "train.py", big);
  const std::size_t cut = GENERATE(12'000, 500'000, 2'900'000);
  CAPTURE(cut);
  proxy.cut_next_after(cut);
  const Captured lost = project.run({"--target", "ssh:relay", "push"});
  INFO(lost.err);
  const Json whole = project.push({"--target", "ssh:relay"});
  CHECK(read_file(fs::path(text_at(whole, "snapshot")) / "train.py") == big);
  CHECK(flag_at(whole, "there") == lost.ok());
}

}  // namespace workflow::test
