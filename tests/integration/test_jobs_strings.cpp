// Hostile strings in whatever a job is made of arrive as bytes; secrets arrive nowhere but in it.
#include <dirent.h>

#include "common/text.h"
#include "tests/support/jobs.h"

namespace workflow::test {
namespace {

const std::vector<std::string>& hostile() {
  static const std::vector<std::string> words = {"it's \"quoted\"",
                                                 "$(touch pwned) `touch pwned` ${HOME}",
                                                 "two\nlines\n",
                                                 "ends in ;",
                                                 ";",
                                                 "a;b|c&d>e<f",
                                                 "100% %s %n %%",
                                                 "back\\slash \\n \\",
                                                 "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x88",
                                                 "invalid \xff\xfe\x80 utf-8",
                                                 "EXIT_CODE: 0",
                                                 "--command",
                                                 "--",
                                                 "",
                                                 " lead and trail ",
                                                 "tab\tand\r",
                                                 "*?~!#",
                                                 "'",
                                                 "\x01\x1b[31m\x7f",
                                                 "~",
                                                 "#{pane_id}"};
  return words;
}

/// Every file below a directory that holds the text.
std::vector<std::string> files_with(const fs::path& dir, const std::string& text) {
  std::vector<std::string> found;
  for (const auto& entry :
       fs::recursive_directory_iterator(dir, fs::directory_options::skip_permission_denied)) {
    if (!entry.is_regular_file()) continue;
    if (contains(read_file(entry.path()), text)) found.push_back(entry.path().string());
  }
  return found;
}

/// Every process whose command line holds the text.
std::vector<std::string> argvs_with(const std::string& text) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto line = real_files().read(entry.path() / "cmdline").value_or("");
    if (contains(line, text)) found.push_back(entry.path().string());
  }
  return found;
}

}  // namespace

TEST_CASE("a job's words and its text for bash arrive as they were written") {
  const Jobs jobs;
  std::vector<std::string> words{"--id", "argv", "--no-push", "--", "printf", "%s\\0"};
  words.insert(words.end(), hostile().begin(), hostile().end());
  std::string wanted;
  for (const auto& word : hostile()) wanted += word + '\0';
  const Captured argv = jobs.run(words);
  CHECK(argv.out == wanted);
  std::string text = "printf '%s\\0'";
  for (const auto& word : hostile()) text += " " + shell_quote(word);
  CHECK(jobs.run({"--no-push", "--command", text}).out == wanted);
  CHECK_FALSE(fs::exists(jobs.workspace() / "pwned"));
}

TEST_CASE("a job's variables and bootstrap texts arrive as they were written") {
  const Jobs jobs;
  std::vector<std::string> words{"--no-push", "--id", "env"};
  std::string wanted;
  int n = 0;
  std::string show = "printf '%s\\0'";
  for (const auto& word : hostile()) {
    const std::string name = "V" + std::to_string(++n);
    words.insert(words.end(), {"--env", name + "=" + word});
    show += " \"$" + name + "\"";
    wanted += word + '\0';
  }
  words.insert(words.end(), {"--bootstrap", "show=" + show, "--command", show});
  CHECK(jobs.run(words).out == wanted);
  CHECK(read_file(jobs.space.task_dir("env") / "bootstrap-1-show.log") == wanted);
}

TEST_CASE("directories of a job may be called anything, and so may what is fetched") {
  const Jobs jobs;
  int n = 0;
  for (const auto& word : hostile()) {
    if (word.empty() || word == "~" || word.find(':') != std::string::npos) continue;
    const std::string id = "dir-" + std::to_string(++n);
    INFO(word);
    const std::string got = "got-" + std::to_string(n);
    const Captured done =
        jobs.run({"--id", id, "--no-push", "--workspace", "~/ws " + word, "--working-dir", ".",
                  "--download", "r/" + word + ":" + got, "--env", "NAME=" + word, "--command",
                  "mkdir -p r && printf %s \"$PWD\" > \"r/$NAME\" && printf '%s\\0' \"$PWD\""});
    INFO(done.err);
    CHECK(done.out == (jobs.space.home() / ("ws " + word)).string() + '\0');
    CHECK(done.ok());
    CHECK(read_file(jobs.space.dir() / got) == (jobs.space.home() / ("ws " + word)).string());
  }
}

TEST_CASE("a secret is in the job's environment, and in no argv, file, log or answer") {
  Jobs jobs;
  const std::string canary = "canary" + random_hex(12);
  jobs.space.set("API_TOKEN=" + canary);
  const std::string check = "[ \"$API_TOKEN\" ] && echo ${#API_TOKEN} $$ && ";
  const pid_t client =
      jobs.space.start({"--json", "job-run", "--id", "secret", "--secret", "API_TOKEN",
                        "--bootstrap", "deps=" + check + "true", "--command",
                        check + "touch up; until [ -e go ]; do sleep 0.05; done"},
                       "out");
  CHECK(appears(jobs.workspace() / "up"));
  // Alive and in the middle: the whole of this user's corner, and every command line there is.
  const auto mine = "/proc/" + std::to_string(::getpid());
  for (const auto& found : argvs_with(canary)) CHECK(found == mine);
  CHECK(files_with(jobs.space.dir(), canary).empty());
  jobs.space.write("home/.workflow/workspace/go", "");
  CHECK(end_of(client)->code == 0);
  CHECK(contains(jobs.space.read("out"), std::to_string(canary.size()) + " "));
  CHECK(files_with(jobs.space.dir(), canary).empty());
  // Nor is it in the reason of a step that fails with it on its lips.
  const Captured failed = jobs.run({"--id", "lips", "--secret", "API_TOKEN", "--bootstrap",
                                    "x=echo \"<$API_TOKEN>\"; exit 1", "--command", "true"});
  CHECK_FALSE(contains(failed.err, canary));
  CHECK_FALSE(contains(read_file(jobs.space.task_dir("lips") / "status.json"), canary));
  CHECK_FALSE(contains(read_file(jobs.space.task_dir("lips") / "job.json"), canary));
  // What it prints itself is masked where we print it.
  const Captured shown = jobs.run({"--secret", "API_TOKEN", "--command", "echo \"<$API_TOKEN>\""});
  CHECK_FALSE(contains(shown.out, canary));
  CHECK(contains(shown.out, "<"));
  const Captured none = jobs.run({"--secret", "NOT_THERE", "--command", "true"});
  CHECK(none.status.code == 2);
  CHECK(contains(none.err, "NOT_THERE"));
}

TEST_CASE("stdout is the job's bytes and nothing else; its exit code and signal are its own") {
  const Jobs jobs;
  const std::string bytes = "\xff\xfe binary \r progress \x1b[2K no newline at the end";
  const Captured raw = jobs.run(
      {"--no-push", "--bootstrap", "loud=echo loud; echo loud >&2", "--", "printf", "%s", bytes});
  CHECK(raw.out == bytes);
  const std::vector<std::pair<std::string, int>> ends{{"exit 0", 0},       {"exit 1", 1},
                                                      {"exit 77", 77},     {"exit 255", 255},
                                                      {"kill -9 $$", 137}, {"kill -TERM $$", 143}};
  for (const auto& [text, code] : ends) {
    INFO(text);
    const Captured own = jobs.run({"--no-push", "--exit-code=remote", "--command", text});
    CHECK(own.status.code == code);
    const Captured ours = jobs.run({"--no-push", "--command", text});
    CHECK(ours.status.code == (code == 0 ? 0 : 1));
  }
  CHECK(jobs.run({"--no-push", "--exit-code=remote", "--timeout", "1", "--command", "sleep 60"})
            .status.code == 124);
  CHECK(jobs.run({"--no-push", "--exit-code=remote", "--", "no-such-program"}).status.code == 127);
}

}  // namespace workflow::test
