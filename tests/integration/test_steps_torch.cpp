// The image's torch and what an install makes of it: real virtual environments and real pip, with a
// fake torch.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/step_space.h"

namespace workflow::test {
namespace {

const char* const make_wheel = R"(
import sys, zipfile
name, version, requires, where = sys.argv[1:5]
info = f'{name}-{version}.dist-info/'
with zipfile.ZipFile(f'{where}/{name}-{version}-py3-none-any.whl', 'w') as wheel:
    wheel.writestr(f'{name}/__init__.py', open(sys.argv[5]).read() if len(sys.argv) > 5 else '')
    wheel.writestr(info + 'METADATA', f'Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n'
                   + (f'Requires-Dist: {requires}\n' if requires else ''))
    wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\n'
                   'Tag: py3-none-any\n')
    wheel.writestr(info + 'RECORD', '')
)";

std::string fake_torch(const std::string& version, bool cuda) {
  return "__version__ = '" + version + "'\nprint('torch says something')\n" +
         "class cuda:\n    is_available = staticmethod(lambda: " + (cuda ? "True" : "False") +
         ")\n    device_count = staticmethod(lambda: 2)\n";
}

/// An image whose python is of a virtual environment of its own, with wheels to install.
struct Image {
  StepSpace at;

  Image() {
    real_python({"python3", "-m", "venv", "--without-pip", dir().string()});
    at.space.set("REMOTE_PYTHON_BIN=" + python());
    at.space.set("REQUIRE_GPU_TORCH=1");
    at.commit("a.py", "a\n");
    at.space.write("new_torch.py", fake_torch("9.9", true));
    fs::create_directories(at.space.dir() / "wheels");
    wheel({"torch", "9.9", "", wheels(), (at.space.dir() / "new_torch.py").string()});
    wheel({"needsit", "1.0", "torch", wheels()});
    at.ready();
  }

  static void real_python(const std::vector<std::string>& argv) {
    CaptureSpec spec;
    spec.argv = argv;
    const Captured done = capture(spec);
    if (!done.ok()) throw std::runtime_error(done.err);
  }
  static void wheel(std::vector<std::string> words) {
    words.insert(words.begin(), {"python3", "-c", make_wheel});
    real_python(words);
  }
  void torch(const std::string& version, bool cuda) const {
    const fs::path packages = site_packages();
    fs::create_directories(packages / "torch");
    real_files().write(packages / "torch/__init__.py", fake_torch(version, cuda));
    const fs::path info = packages / ("torch-" + version + ".dist-info");
    fs::create_directories(info);
    real_files().write(info / "METADATA",
                       "Metadata-Version: 2.1\nName: torch\nVersion: " + version + "\n");
  }
  void install(const std::string& words) {
    at.space.set("CHECKOUT_INSTALL_CMD=" + words + " --quiet --no-index --find-links '" + wheels() +
                 "'");
  }
  [[nodiscard]] fs::path dir() const { return at.space.dir() / "the image"; }
  [[nodiscard]] std::string python() const { return (dir() / "bin/python").string(); }
  [[nodiscard]] std::string wheels() const { return (at.space.dir() / "wheels").string(); }
  [[nodiscard]] fs::path site_packages() const {
    for (const auto& name : real_files().list(dir() / "lib")) {
      if (name.starts_with("python3")) return dir() / "lib" / name / "site-packages";
    }
    throw std::runtime_error("no site-packages");
  }
};

}  // namespace

TEST_CASE("without a torch that sees CUDA nothing slow is begun") {
  Image image;
  image.at.space.set("CHECKOUT_INSTALL_CMD=touch installed");
  SECTION("none at all") {
    const Captured answer = image.at.space.run({"checkout"});
    CHECK(answer.status.code == 7);
    CHECK(contains(answer.err, "there is no torch"));
    CHECK(contains(answer.err, "REMOTE_PYTHON_BIN"));
  }
  SECTION("one without CUDA, of a version that is no number") {
    image.torch("2.4.0a0+gitabc", false);
    const Captured answer = image.at.space.run({"checkout"});
    CHECK(answer.status.code == 7);
    CHECK(contains(answer.err, "torch 2.4.0a0+gitabc sees no CUDA"));
  }
  SECTION("one that cannot be imported") {
    image.torch("2.4.0", true);
    real_files().write(image.site_packages() / "torch/__init__.py",
                       "raise ImportError('libcudart')");
    CHECK(contains(image.at.space.run({"checkout"}).err, "ImportError: libcudart"));
  }
  CHECK_FALSE(fs::exists(image.at.copy()));
  CHECK(text_at(image.at.space.state(), "state") == "BOOTSTRAPPED");
}

TEST_CASE("an install cannot replace the image's torch, and is found out when it does") {
  Image image;
  image.torch("2.4.0a0+gitabc", true);
  image.install("python -m pip install needsit");
  const Captured kept = image.at.space.run({"checkout", "-v"});
  INFO(kept.err);
  REQUIRE(kept.status.code == 0);
  CHECK(contains(kept.err, "torch 2.4.0a0+gitabc in " + image.site_packages().string() +
                               "/torch/__init__.py, 2 GPUs"));
  image.install("python -m pip install torch==9.9");
  const Captured refused = image.at.space.run({"checkout"});
  CHECK(refused.status.code == 1);
  CHECK(contains(refused.err, "CHECKOUT_INSTALL_CMD failed: ERROR: "));
  image.install("env -u PIP_CONSTRAINT python -m pip install torch==9.9");
  const Captured shadowed = image.at.space.run({"checkout"});
  CHECK(shadowed.status.code == 7);
  CHECK(contains(shadowed.err, "torch 9.9 into"));
  CHECK(contains(shadowed.err, "in front of the image's torch 2.4.0a0+gitabc"));
  CHECK(contains(shadowed.err, "VENV_RECREATE=1"));
  image.at.space.set("REQUIRE_GPU_TORCH=0");
  const Captured warned = image.at.space.run({"checkout"});
  CHECK(warned.status.code == 0);
  CHECK(contains(warned.err, "in front of the image's torch"));
}

TEST_CASE("a virtual environment of another python, or half made, is made anew") {
  Image image;
  const Workspace& space = image.at.space;
  // Environments without pip are made in a moment.
  const auto python = [&](const std::string& name, const std::string& version) {
    space.write(name, "#!/bin/sh\ncase \"$*\" in\n*platform*) echo " + version +
                          " ;;\n*'-m venv'*) exec '" + image.python() +
                          "' \"$@\" --without-pip ;;\n*) exec '" + image.python() +
                          "' \"$@\" ;;\nesac\n");
    fs::permissions(space.dir() / name, fs::perms(0755));
    return (space.dir() / name).string();
  };
  const std::string own = "\"$('" + image.python() +
                          "' -c 'import sys, platform; "
                          "print(platform.python_version(), sys.base_prefix)')\"";
  image.at.space.set("REQUIRE_GPU_TORCH=0");
  image.at.space.set("REMOTE_PYTHON_BIN=" + python("same", own));
  REQUIRE(space.run({"checkout"}).status.code == 0);
  const fs::path venv = image.at.copy() / ".venv";
  const auto made_anew = [&] {
    real_files().write(venv / "mine", "", {.durable = false});
    const Captured answer = space.run({"checkout"});
    INFO(answer.err);
    CHECK(answer.status.code == 0);
    return !fs::exists(venv / "mine");
  };
  CHECK_FALSE(made_anew());
  real_files().write(venv / "workflow-unfinished", "");
  CHECK(made_anew());
  fs::remove(venv / "bin/python");
  CHECK(made_anew());
  image.at.space.set("REMOTE_PYTHON_BIN=" + python("other", "3.99.0 /opt/other"));
  CHECK(made_anew());
}

}  // namespace workflow::test
