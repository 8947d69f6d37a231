// The list that a pushed tree is known by.
#include <catch2/catch.hpp>

#include "common/error.h"
#include "common/tree_list.h"
#include "tests/support/scratch.h"

namespace workflow::test {

TEST_CASE("a list survives the way there, odd names too") {
  const TreeList list{{.path = "a\xff\n", .program = true, .size = 3, .sha256 = "ab"},
                      {.path = "dir/b", .link = true, .target = "../x\xff"},
                      {.path = "dir/c", .size = 0, .sha256 = "cd"}};
  const std::string text = tree_text(list);
  CHECK((tree_from(text) == list));
  CHECK(tree_text(tree_from(text)) == text);
  CHECK(find_file(list, "dir/b") == &list[1]);
  CHECK(find_file(list, "dir") == nullptr);
  CHECK(tree_from("").empty());
}

TEST_CASE("a plain line has the bytes that JSON gives it") {
  const TreeList list{{.path = "a b/c.py", .size = 30, .sha256 = "ab"},
                      {.path = "p", .program = true, .size = 0, .sha256 = "cd"},
                      {.path = "quote\"", .size = 1, .sha256 = "ef"}};
  CHECK(tree_text(list) ==
        "{\"path\":\"a b/c.py\",\"sha256\":\"ab\",\"size\":30}\n"
        "{\"path\":\"p\",\"sha256\":\"cd\",\"size\":0,\"program\":true}\n"
        "{\"path\":\"quote\\\"\",\"sha256\":\"ef\",\"size\":1}\n");
  CHECK((tree_from(tree_text(list)) == list));
  // In another order and with spaces it is the same.
  const TreeList one{list[0]};
  CHECK((tree_from("{\"size\": 30, \"sha256\": \"ab\", \"path\": \"a b/c.py\"}") == one));
}

TEST_CASE("a list that leads out of its root, or is none, is refused") {
  for (const char* path : {"../a", "/a", "a//b", "a/./b", ".git/config", "x/.venv/y",
                           ".workflow/pushed.jsonl", "", "a/.."}) {
    CAPTURE(path);
    const std::string line = "{\"path\":\"" + std::string(path) + "\",\"sha256\":\"ab\"}\n";
    CHECK_THROWS_AS(tree_from(line), Error);
  }
  const std::string line = "{\"path\":\"a\",\"sha256\":\"ab\"}\n";
  CHECK_THROWS_AS(tree_from(line + line), Error);
  CHECK_THROWS_AS(tree_from("nonsense\n"), Error);
}

TEST_CASE("what is on the disk is listed by its content") {
  const Scratch at;
  fs::create_directories(at / "dir");
  real_files().write(at / "dir/a", "abc", {.mode = 0755, .durable = false});
  fs::create_symlink("a", at / "dir/link");
  fs::create_symlink("dir", at / "other");
  const auto file = look_at_file(at.path(), "dir/a");
  REQUIRE(file);
  CHECK(file->program);
  CHECK(file->size == 3);
  CHECK(file->sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(look_at_file(at.path(), "dir/link")->target == "a");
  CHECK_FALSE(look_at_file(at.path(), "dir/none"));
  CHECK_FALSE(look_at_file(at.path(), "dir/a/below"));
  CHECK(look_at_file(at.path(), "dir")->sha256.empty());
  CHECK(look_at_file(at.path(), "other/a")->sha256.empty());  // not through a link
}

}  // namespace workflow::test
