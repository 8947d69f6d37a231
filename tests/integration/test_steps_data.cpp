// Training data: looked for before anything slow, brought when it is missing.
#include <sys/mount.h>

#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/step_space.h"

namespace workflow::test {
namespace {

struct Data {
  StepSpace at;

  Data() {
    at.commit("a.py", "a\n");
    at.ready();
    at.space.set("DATA_DIR=" + dir().string());
    at.space.set("DATA_REQUIRED_GLOB=*_train_*.bin *_val_*.bin");
  }
  [[nodiscard]] fs::path dir() const { return at.space.dir() / "the data"; }
  void put(const std::string& name, const std::string& bytes) const {
    at.space.write(fs::path("the data") / name, bytes);
  }
};

/// A directory that the kernel reaches through FUSE, for as long as the object lives.
class FuseMount {
 public:
  FuseMount(const fs::path& real, const fs::path& at) : at_(at) {
    fs::create_directories(real);
    fs::create_directories(at);
    CaptureSpec spec;
    spec.argv = {"bindfs", "--no-allow-other", real.string(), at.string()};
    mounted_ = capture(spec).ok();
  }
  ~FuseMount() {
    if (mounted_) ::umount2(at_.c_str(), MNT_DETACH);
  }
  FuseMount(const FuseMount&) = delete;
  FuseMount& operator=(const FuseMount&) = delete;
  [[nodiscard]] bool mounted() const { return mounted_; }

 private:
  fs::path at_;
  bool mounted_ = false;
};

}  // namespace

TEST_CASE("missing data that nothing brings is told before anything is changed") {
  Data data;
  data.put("x_train_1.bin", "1");
  data.put("x_val_1.bin", "");  // what a cut download leaves
  const Captured answer = data.at.space.run({"checkout"});
  CHECK(answer.status.code == 7);
  CHECK(contains(answer.err, "no '*_val_*.bin' in '" + data.dir().string() + "'"));
  CHECK(contains(answer.err, "DATA_DOWNLOAD_CMD"));
  CHECK_FALSE(fs::exists(data.at.copy()));
  data.put("x_val_1.bin", "1");
  CHECK(data.at.space.run({"checkout"}).status.code == 0);
  data.at.space.set("DATA_DIR=");
  CHECK(data.at.space.run({"checkout"}).status.code == 2);
}

TEST_CASE("a download runs in the data's directory, with the environment, and goes on when cut") {
  Data data;
  data.at.space.set(
      "DATA_DOWNLOAD_CMD=test -x \"$VENV_PYTHON\" && test -e \"$OPS_REMOTE_REPO/a.py\" && "
      "echo 1 >>\"$DATA_DIR/x_train_1.bin\" && [ -e go ] && echo 1 >x_val_1.bin");
  const Captured cut = data.at.space.run({"checkout"});
  CHECK(cut.status.code == 1);
  CHECK(contains(cut.err, "DATA_DOWNLOAD_CMD failed"));
  CHECK(contains(cut.err, "is kept in"));
  data.put("go", "");
  CHECK(data.at.space.run({"checkout"}).status.code == 0);
  CHECK(read_file(data.dir() / "x_train_1.bin") == "1\n1\n");
  data.at.space.set("DATA_DOWNLOAD_CMD=exit 9");  // all is there: it is not run
  CHECK(data.at.space.run({"checkout"}).status.code == 0);
}

TEST_CASE("a download that ends well and brings nothing is a failure") {
  Data data;
  data.at.space.set("DATA_DOWNLOAD_CMD=true");
  const Captured answer = data.at.space.run({"checkout"});
  CHECK(answer.status.code == 7);
  CHECK(contains(answer.err, "DATA_DOWNLOAD_CMD ended well, but there is no '*_train_*.bin'"));
}

TEST_CASE("where the data lies on FUSE a download grows on the local disk first") {
  Data data;
  const FuseMount fuse(data.at.space.dir() / "behind", data.dir());
  if (!fuse.mounted()) {
    FAIL("no FUSE here: needs bindfs and /dev/fuse");
    return;
  }
  data.at.space.set(
      "DATA_DOWNLOAD_CMD=pwd; echo 1 >>x_train_1.bin; mkdir -p more; echo 2 >more/y; "
      "echo half >z.part; [ -e ../go ] && echo 3 >x_val_1.bin");
  const Captured cut = data.at.space.run({"checkout"});
  CHECK(cut.status.code == 1);
  CHECK(real_files().list(data.dir()).empty());
  const std::string stage_hint = "is kept in '" + data.at.copy().parent_path().string();
  CHECK(contains(cut.err, stage_hint));
  data.at.space.write(".workflow/go", "");
  const Captured answer = data.at.space.run({"checkout"});
  INFO(answer.err);
  CHECK(answer.status.code == 0);
  CHECK(read_file(data.dir() / "x_train_1.bin") == "1\n1\n");  // it went on where it was cut
  CHECK(read_file(data.dir() / "more/y") == "2\n");
  CHECK(real_files().list(data.dir()).size() == 3);
  for (const auto& name : real_files().list(data.at.copy().parent_path())) {
    CHECK_FALSE(name.starts_with(".workflow-data-"));
  }
}

TEST_CASE("DOWNLOAD_FINEWEB=1 fetches a pair of shards, and goes on where it was cut") {
  Data data;
  Workspace& space = data.at.space;
  space.set("DATA_REQUIRED_GLOB=");
  space.set("DOWNLOAD_FINEWEB=1");
  const fs::path mirror = "mirror/datasets/kjj0/fineweb10B-gpt2/resolve/main";
  space.set("HF_ENDPOINT=file://" + (space.dir() / "mirror").string());
  space.write(mirror / "fineweb_val_000000.bin", "validation");
  const Captured cut = space.run({"checkout"});
  CHECK(cut.status.code == 1);
  CHECK(contains(cut.err, "DOWNLOAD_FINEWEB failed"));
  space.write(mirror / "fineweb_train_000001.bin", "training");
  data.put("fineweb_train_000001.bin.part", "trai");
  const Captured answer = space.run({"checkout"});
  INFO(answer.err);
  CHECK(answer.status.code == 0);
  CHECK(read_file(data.dir() / "fineweb_val_000000.bin") == "validation");
  CHECK(read_file(data.dir() / "fineweb_train_000001.bin") == "training");
  CHECK(real_files().list(data.dir()).size() == 2);
}

}  // namespace workflow::test
