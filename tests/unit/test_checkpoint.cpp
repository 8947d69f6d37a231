#include <fcntl.h>
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include "sweep/checkpoint.h"
#include "tests/support/scratch.h"

using namespace workflow;
using namespace workflow::sweep;
using namespace workflow::test;

namespace {

const std::string zip = "PK\x03\x04 data PK\x05\x06 and its end";

void put(const fs::path& file, const std::string& bytes, std::int64_t second) {
  fs::create_directories(file.parent_path());
  real_files().write(file, bytes);
  const timespec times[2] = {{second, 0}, {second, 0}};
  REQUIRE(::utimensat(AT_FDCWD, file.c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("the newest checkpoint, whatever its name") {
  const Scratch out;
  CHECK_FALSE(newest_checkpoint(out.path()));
  CHECK_FALSE(newest_checkpoint(out / "nowhere"));
  put(out / "log.txt", "x", 900);
  CHECK(text_at(resume_facts(out.path()), "resumable_reason") ==
        "out/ holds no checkpoint of a known name (*.pt *.pth *.ckpt *.safetensors checkpoint*/)");
  put(out / "ckpt.pt", zip, 100);
  put(out / "deep/er/best.ckpt", "x", 200);
  CHECK(newest_checkpoint(out.path())->path == "deep/er/best.ckpt");
  put(out / "checkpoint-500/model.bin", "weights", 300);
  const auto newest = newest_checkpoint(out.path());
  REQUIRE(newest);
  CHECK(newest->path == "checkpoint-500");
  CHECK(newest->bytes == 7);
}

TEST_CASE("a checkpoint that is not whole is not the one to go on from") {
  const Scratch out;
  put(out / "old.pt", zip, 100);
  put(out / "new.pt", zip.substr(0, 9), 200);  // torch was killed while it wrote
  put(out / "empty.ckpt", "", 300);
  put(out / "cut.safetensors", std::string("\xff\0\0\0\0\0\0\0{}", 10), 400);
  CHECK(newest_checkpoint(out.path())->path == "old.pt");
  const Json facts = resume_facts(out.path());
  CHECK(flag_at(facts, "resumable"));
  CHECK(text_at(facts, "resumable_reason") == "'cut.safetensors' is not whole; an earlier one is");
  put(out / "cut.safetensors", std::string("\x02\0\0\0\0\0\0\0{}", 10), 400);
  CHECK(newest_checkpoint(out.path())->path == "cut.safetensors");
  CHECK(text_at(member(resume_facts(out.path()), "checkpoint"), "saved_at") ==
        "1970-01-01T00:06:40.000Z");
}

TEST_CASE("where only torn checkpoints are there is none to go on from") {
  const Scratch out;
  put(out / "new.pt", zip.substr(0, 9), 200);
  const Json facts = resume_facts(out.path());
  CHECK_FALSE(flag_at(facts, "resumable", true));
  CHECK(member(facts, "checkpoint").is_null());
  CHECK(text_at(facts, "resumable_reason") == "'new.pt' is not whole");
}

TEST_CASE("a directory that may hang is not looked at") {
  const Json facts = resume_facts(tasks::RunOut{.train = "/nowhere", .durable = "/nowhere"}, true);
  CHECK(member(facts, "resumable").is_null());
  CHECK(text_at(facts, "resumable_reason").find("may hang") != std::string::npos);
}
