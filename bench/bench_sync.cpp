// A tree there and back beside `rsync -a` over ssh to the same sshd: whole processes, a login each.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>

#include "bench/ssh_target.h"
#include "bench/table.h"
#include "client/download.h"

namespace workflow::bench {
namespace {

/// What `job-download` does, as a process of its own: `bench_sync download REMOTE LOCAL`.
int download(const std::string& remote, const fs::path& local) {
  client::SettingsSources sources;
  sources.environment = [](std::string_view key) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(key).c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  sources.working_dir = fs::current_path();
  client::Session session(client::Settings::load(sources), -1);
  (void)client::download(session, remote, local, [](const Json&) {});
  return 0;
}

struct Sizes {
  int rounds = 3;
  int small_files = 10'000;
  int megabytes = 1'000;
};

/// The trees: `small` of many files, `large` of one; both are repositories, as projects are.
class Trees {
 public:
  Trees(SshTarget& target, const Sizes& sizes) : target_(target), sizes_(sizes) {
    write_small();
    (void)target_.program({"sh", "-c",
                           "mkdir \"$1\" && exec head -c \"$2\" /dev/urandom > \"$1/f\"", "sh",
                           tree("large").string(), std::to_string(sizes.megabytes) + "000000"});
    for (const char* name : {"small", "large"}) {
      real_files().write(tree(name) / "workflow.env", "WF_PROVIDER=\n");
      for (const std::vector<std::string>& words :
           {std::vector<std::string>{"init", "-q", "--separate-git-dir",
                                     tree(name).string() + ".git"},
            {"add", "-A"},
            {"commit", "-qm", "all"}}) {
        std::vector<std::string> argv{"git",          "-C",          tree(name).string(),
                                      "-c",           "user.name=n", "-c",
                                      "user.email=e", "-c",          "core.compression=0"};
        argv.insert(argv.end(), words.begin(), words.end());
        (void)target_.program(argv);
      }
    }
  }

  [[nodiscard]] fs::path tree(const std::string& name) const {
    return target_.space().dir() / ("tree-" + name);
  }
  void change_one() {
    real_files().write(small_file(sizes_.small_files / 2),
                       "changed " + std::to_string(++changes_) + "\n", {.durable = false});
  }

 private:
  [[nodiscard]] fs::path small_file(int i) const {
    return tree("small") / ("d" + std::to_string(i / 100)) / ("file" + std::to_string(i) + ".py");
  }
  void write_small() const {
    for (int i = 0; i < sizes_.small_files; ++i) {
      fs::create_directories(small_file(i).parent_path());
      std::string text = "# " + std::to_string(i) + "\n";
      while (text.size() < static_cast<std::size_t>(200 + i * 7919 % 4000)) text += "step = 1\n";
      real_files().write(small_file(i), text, {.durable = false});
    }
  }

  SshTarget& target_;
  Sizes sizes_;
  int changes_ = 0;
};

/// One direction of one tool.
struct Tool {
  std::function<void()> forget;     ///< as if it had never been used
  std::function<double()> seconds;  ///< of one run
};

class Bench {
 public:
  explicit Bench(const Sizes& sizes)
      : sizes_(sizes), target_(SshTarget::Work::none), trees_(target_, sizes) {
    // The agent is there from now on.
    for (const Where where : {Where::near, Where::far}) (void)ours(where, {"pod-status"});
  }

  void run(const std::string& part) {
    for (const Where where : {Where::near, Where::far}) {
      const std::string line = where == Where::near ? "loopback" : "a round trip of 50 ms";
      if (part != "all" && part != (where == Where::near ? "near" : "far")) continue;
      print("push into a snapshot, " + line, where, true);
      print("download, " + line, where, false);
    }
  }

 private:
  [[nodiscard]] fs::path at(const std::string& name) const { return target_.space().dir() / name; }

  double ours(Where where, std::vector<std::string> words, const fs::path& workdir = {}) {
    words.insert(words.begin(), test::workflow_program());
    return run_ours(where, std::move(words), workdir);
  }

  /// No connection is left from before: rsync logs in each time too.
  double run_ours(Where where, std::vector<std::string> argv, const fs::path& workdir) {
    const fs::path sockets = at("r" + std::to_string(++runs_));
    fs::create_directories(sockets);
    target_.space().set("XDG_RUNTIME_DIR=" + sockets.string());
    target_.space().set("WF_TARGET=ssh:" + SshTarget::name(where));
    if (!workdir.empty()) {
      argv.insert(argv.begin(), {"env", "-C", workdir.string()});
    }
    return target_.program(std::move(argv));
  }

  Tool push(Where where, const std::string& tree) {
    return {[this] {
              fs::remove_all(target_.space().outputs() / "_snapshots");
              fs::remove_all(target_.space().home() / ".cache/workflow/trees");
            },
            [this, where, tree] {
              return ours(where, {"-q", "push"}, trees_.tree(tree));
            }};
  }
  Tool rsync_there(Where where, const std::string& tree) {
    return rsync(trees_.tree(tree).string() + "/",
                 SshTarget::name(where) + ":" + at("theirs").string() + "/");
  }
  Tool fetch(Where where, const std::string& tree) {
    return {[this] { fs::remove_all(at("mine")); },
            [this, where, tree] {
              return run_ours(where,
                              {fs::read_symlink("/proc/self/exe").string(), "download",
                               trees_.tree(tree).string(), at("mine").string()},
                              {});
            }};
  }
  Tool rsync_back(Where where, const std::string& tree) {
    return rsync(SshTarget::name(where) + ":" + trees_.tree(tree).string() + "/",
                 at("theirs").string() + "/");
  }
  Tool rsync(const std::string& from, const std::string& to) {
    return {[this] { fs::remove_all(at("theirs")); },
            [this, from, to] {
              return target_.program({"rsync", "-a", "--delete", from, to});
            }};
  }

  void print(const std::string& title, Where where, bool there) {
    std::vector<std::vector<std::string>> table{
        {"s: median [quartiles]", "rsync", "workflow", "of rsync"}};
    const std::string small = std::to_string(sizes_.small_files) + " small files";
    for (const std::string tree : {"small", "large"}) {
      const Tool theirs = there ? rsync_there(where, tree) : rsync_back(where, tree);
      const Tool mine = there ? push(where, tree) : fetch(where, tree);
      const std::string fresh =
          tree == "small" ? small : "one file of " + std::to_string(sizes_.megabytes) + " MB";
      table.push_back(compare(fresh + ", fresh", theirs, mine, [&] {
        theirs.forget();
        mine.forget();
      }));
      if (tree != "small") continue;
      table.push_back(compare(small + ", nothing changed", theirs, mine, [] {}));
      table.push_back(compare(small + ", one changed", theirs, mine, [&] { trees_.change_one(); }));
    }
    print_table(title + ", " + std::to_string(sizes_.rounds) + " rounds", table);
    std::fflush(stdout);
  }

  std::vector<std::string> compare(const std::string& what, const Tool& theirs, const Tool& mine,
                                   const std::function<void()>& prepare) {
    std::vector<double> them;
    std::vector<double> us;
    for (int round = 0; round < sizes_.rounds; ++round) {
      prepare();
      ::sync();  // what was written before is nobody's cost
      them.push_back(theirs.seconds());
      ::sync();
      us.push_back(mine.seconds());
    }
    return {what, spread(them, 2), spread(us, 2), figure(median(us) / median(them), 2)};
  }

  Sizes sizes_;
  SshTarget target_;
  Trees trees_;
  int runs_ = 0;
};

int run(const std::vector<std::string>& words) {
  if (words.size() == 3 && words[0] == "download") return download(words[1], words[2]);
  const auto number = [&](std::size_t i, int usual) {
    return words.size() > i ? std::atoi(words[i].c_str()) : usual;
  };
  Bench bench({number(1, 3), number(3, 10'000), number(2, 1'000)});
  bench.run(words.empty() ? "all" : words[0]);
  return 0;
}

}  // namespace
}  // namespace workflow::bench

int main(int argc, char** argv) {
  try {
    return workflow::bench::run({argv + 1, argv + argc});
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "bench_sync: %s\n", fault.what());
    return 1;
  }
}
