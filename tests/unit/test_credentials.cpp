#include <sys/stat.h>
#include <unistd.h>
#include <catch2/catch.hpp>

#include <cstdlib>

#include "remote/pods/credentials.h"
#include "tests/support/scratch.h"

// Where keys come from, and who may read them.
namespace workflow::pods {
namespace {

using test::Scratch;

/// A variable of the environment for one test.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* was = std::getenv(name)) old_ = was;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { old_ ? ::setenv(name_, old_->c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> old_;
};

/// A user with a home, a PATH and nothing set.
struct User {
  Scratch scratch;
  Variable config{"XDG_CONFIG_HOME", (scratch / "config").string()};
  Variable home{"HOME", scratch.path().string()};
  Variable path{"PATH", (scratch / "bin").string()};
  std::string set_key, set_value;

  User() { fs::create_directories(scratch / "bin"); }
  [[nodiscard]] ProviderContext context() const {
    return {.value = [this](const std::string& key) {
      return key == set_key ? set_value : std::string();
    }};
  }
  void keep(const std::string& text, mode_t mode = 0600) const {
    fs::create_directories(credentials_file().parent_path());
    real_files().write(credentials_file(), text, {.mode = mode});
    ::chmod(credentials_file().c_str(), mode);
  }
  void keep_lium(const std::string& text) const {
    fs::create_directories(scratch / ".lium");
    real_files().write(scratch / ".lium/config.ini", text);
  }
  void program(const std::string& name, mode_t mode = 0755) const {
    real_files().write(scratch / "bin" / name, "#!/bin/sh\n", {.mode = mode});
    ::chmod((scratch / "bin" / name).c_str(), mode);
  }
};

Error failure_of(const User& user, const std::string& key) {
  try {
    (void)credential(user.context(), key);
  } catch (const Error& error) {
    CHECK_THAT(error.what(), !Catch::Contains("sesame"));
    CHECK_THAT(error.hint(), !Catch::Contains("sesame"));
    return error;
  }
  FAIL("a key was given");
  throw;
}

TEST_CASE("the environment wins over the file, and a key that nobody has set is none") {
  User user;
  CHECK(credential(user.context(), "RUNPOD_API_KEY") == std::nullopt);
  user.keep(
      "# keys\n\nexport RUNPOD_API_KEY = \"of-the-file\"\nVAST_API_KEY='v'\nLAMBDA_API_KEY=\n");
  CHECK(credential(user.context(), "RUNPOD_API_KEY") == "of-the-file");
  CHECK(credential(user.context(), "VAST_API_KEY") == "v");
  CHECK(credential(user.context(), "LAMBDA_API_KEY") == std::nullopt);
  user.set_key = "RUNPOD_API_KEY";
  user.set_value = "of-the-environment\n";
  CHECK(credential(user.context(), "RUNPOD_API_KEY") == "of-the-environment");
}

TEST_CASE("a file of keys that others may read is refused by name") {
  for (const mode_t mode : {0640, 0604, 0644, 0620}) {
    User user;
    user.keep("RUNPOD_API_KEY=sesame\n", mode);
    const Error error = failure_of(user, "RUNPOD_API_KEY");
    CHECK(error.code() == Code::precondition);
    CHECK_THAT(error.what(), Catch::Contains(credentials_file().string()));
    CHECK_THAT(error.hint(), Catch::StartsWith("chmod 600 "));
  }
}

TEST_CASE("a file of keys that belongs to another user is refused") {
  if (::geteuid() != 0) {
    WARN("skipped: only root can make a file of another user's");
    return;
  }
  User user;
  user.keep("RUNPOD_API_KEY=sesame\n");
  REQUIRE(::chown(credentials_file().c_str(), 12345, 12345) == 0);
  CHECK_THAT(failure_of(user, "RUNPOD_API_KEY").what(), Catch::Contains("another user"));
}

TEST_CASE("a line that is no KEY=VALUE is named by its number, not by its text") {
  User user;
  user.keep("VAST_API_KEY=x\nsesame\n");
  const Error error = failure_of(user, "RUNPOD_API_KEY");
  CHECK_THAT(error.what(), Catch::Contains("line 2 of"));
}

TEST_CASE("a key with a line break or a blank in it is no key") {
  User user;
  user.set_key = "RUNPOD_API_KEY";
  for (const std::string value : {"sesame\r\nX-Other: 1", "open sesame", "sesame\x7f"}) {
    user.set_value = value;
    CHECK(failure_of(user, "RUNPOD_API_KEY").code() == Code::precondition);
  }
}

TEST_CASE("lium's own file is the last resort, and only for lium") {
  User user;
  user.keep_lium("[ssh]\napi_key = no\n[api]\napi_key = yes\n");
  CHECK(credential(user.context(), "LIUM_API_KEY") == "yes");
  CHECK(credential(user.context(), "RUNPOD_API_KEY") == std::nullopt);
  user.keep("LIUM_API_KEY=ours\n");
  CHECK(credential(user.context(), "LIUM_API_KEY") == "ours");
}

TEST_CASE("providers with credentials: keys, lium with its program, programs of our protocol") {
  User user;
  CHECK(providers_with_credentials(user.context()).empty());
  user.keep("RUNPOD_API_KEY=r\nVAST_API_KEY=v\nLAMBDA_API_KEY=l\nLIUM_API_KEY=i\n");
  CHECK(providers_with_credentials(user.context()) ==
        std::vector<std::string>{"runpod", "vast", "lambda"});
  user.program("lium");
  user.program("workflow-provider-zeta");
  user.program("workflow-provider-acme");
  user.program("workflow-provider-not-to-run", 0644);
  user.program("workflow-provider-runpod");
  user.program("workflow-provider-loopback");
  CHECK(providers_with_credentials(user.context()) ==
        std::vector<std::string>{"runpod", "vast", "lambda", "lium", "acme", "zeta"});
}

}  // namespace
}  // namespace workflow::pods
