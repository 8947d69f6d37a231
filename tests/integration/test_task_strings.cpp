#include <catch2/catch.hpp>

#include "tests/support/tasks.h"

using namespace workflow;
using namespace workflow::test;

namespace {

const std::vector<std::string>& hostile() {
  static const std::vector<std::string> words = {
      "it's \"quoted\"",
      "$(touch pwned) `touch pwned` ${HOME} $HOME",
      "two\nlines\n",
      "ends in ;",
      ";",
      "a;b|c&d>e<f",
      "100% %s %n %%",
      "%%",
      "back\\slash \\n \\",
      "gr\xc3\xbc\xc3\x9f \xe2\x9c\x93 \xf0\x9f\x90\x88",
      "invalid \xff\xfe\x80 utf-8",
      "--wait",
      "-n",
      "--",
      "",
      " lead and trail ",
      "tab\tand\rreturn",
      "[a,b]",
      "{}",
      "*?~!#",
      "'",
      "\x01\x1b[31m\x7f",
  };
  return words;
}

/// printf '%s\0' ends every word with a NUL, so that the log tells them apart.
std::string with_nul(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += word + '\0';
  return text;
}

std::string replay(const Workspace& space, const std::string& id) {
  CaptureSpec spec;
  spec.argv = {(space.task_dir(id) / "command.sh").string()};
  const Captured again = capture(spec);
  INFO(again.err);
  CHECK(again.ok());
  return again.out;
}

void same_words(const std::string& got, const std::vector<std::string>& wanted) {
  const auto words = split(got, '\0');
  REQUIRE(words.size() == wanted.size() + 1);
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(words[i] == wanted[i]);
}

}  // namespace

TEST_CASE("every word behind -- arrives as it was written, and so does command.sh's") {
  const Workspace space;
  std::vector<std::string> words{"task-run", "--wait", "--id", "argv", "--", "printf", "%s\\0"};
  words.insert(words.end(), hostile().begin(), hostile().end());
  CHECK(space.run(words).ok());
  same_words(log_of(space, "argv"), hostile());
  same_words(replay(space, "argv"), hostile());
  CHECK_FALSE(fs::exists(space.dir() / "pwned"));
}

TEST_CASE("a text for bash arrives as it was written") {
  const Workspace space;
  int n = 0;
  for (const auto& word : hostile()) {
    const std::string id = "cmd-" + std::to_string(++n);
    const std::string text = "printf '%s\\0' " + shell_quote(word);
    INFO(text);
    CHECK(space.run({"task-run", "--wait", "--id", id, "--cmd", text}).ok());
    CHECK(log_of(space, id) == with_nul({word}));
    CHECK(replay(space, id) == with_nul({word}));
  }
}

TEST_CASE("a text that looks like a flag or a list is still a text") {
  const Workspace space;
  for (const std::string& text :
       {std::string("-n || true"), std::string("--version"), std::string("[ 1,2 ]"),
        std::string("[ -d / ]"), std::string("{ echo a; }"), std::string("\"true\""),
        std::string("true;"), std::string("true \\")}) {
    INFO(text);
    const std::string id = "text-" + std::to_string(text.size());
    const Captured done = space.run({"task-run", "--force", "--id", id, "--cmd=" + text});
    INFO(done.err);
    CHECK(done.ok());
    CHECK(read_file(space.task_dir(id) / "command.sh") == "#!/usr/bin/env bash\n" + text + "\n");
  }
}

TEST_CASE("values of --env arrive as they were written") {
  const Workspace space;
  std::vector<std::string> words{"task-run", "--wait", "--id", "env"};
  std::string names;
  int n = 0;
  for (const auto& word : hostile()) {
    const std::string key = "V" + std::to_string(++n);
    words.insert(words.end(), {"--env", key + "=" + word});
    names += " \"$" + key + "\"";
  }
  words.insert(words.end(), {"--cmd", "printf '%s\\0'" + names});
  CHECK(space.run(words).ok());
  same_words(log_of(space, "env"), hostile());
}

TEST_CASE("a working directory may have any name a file system allows") {
  const Workspace space;
  int n = 0;
  for (const auto& word : hostile()) {
    if (word.empty()) continue;
    const fs::path dir = space.dir() / "dirs" / ("d" + word);
    fs::create_directories(dir);
    const std::string id = "dir-" + std::to_string(++n);
    INFO(dir.string());
    CHECK(space
              .run({"task-run", "--wait", "--id", id, "--workdir", dir.string(), "--cmd",
                    "printf '%s\\0' \"$(pwd; echo x)\""})
              .ok());
    CHECK(log_of(space, id) == dir.string() + "\nx" + '\0');
  }
}

TEST_CASE("a word of 100 KB arrives whole") {
  const Workspace space;
  std::string big;
  while (big.size() < 100'000) big += "0123456789 '\"$\\\n";
  CHECK(space.run({"task-run", "--wait", "--id", "word", "--", "printf", "%s", big}).ok());
  CHECK(log_of(space, "word") == big);
  CHECK(space.run({"task-run", "--wait", "--id", "text", "--cmd", "printf %s " + shell_quote(big)})
            .ok());
  CHECK(log_of(space, "text") == big);
}
