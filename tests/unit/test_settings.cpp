#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "client/settings.h"
#include "common/text.h"

namespace fs = std::filesystem;
using workflow::Code;
using workflow::Error;
using workflow::client::Kind;
using workflow::client::Settings;
using workflow::client::SettingsSources;

namespace {

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A temporary directory with a repository in it, gone at the end of the test.
struct Place {
  Place() : root(fs::temp_directory_path() / ("wf-config-" + workflow::random_hex(6))) {
    fs::create_directories(root / "repo/.git");
    fs::create_directories(root / "repo/a/b");
  }
  ~Place() { fs::remove_all(root); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  void write(const std::string& path, std::string_view text) const {
    std::ofstream(root / path, std::ios::binary) << text;
  }

  [[nodiscard]] SettingsSources sources() const {
    return {config_flag, flags,
            [variables = environment](std::string_view name) -> std::optional<std::string> {
              const auto found = variables.find(std::string(name));
              if (found == variables.end()) return std::nullopt;
              return found->second;
            },
            root / working_dir};
  }
  [[nodiscard]] Settings load() const { return Settings::load(sources()); }

  /// What load() refuses with; empty when it does not.
  [[nodiscard]] std::string refusal() const {
    try {
      (void)load();
    } catch (const Error& error) {
      CHECK(error.code() == Code::usage);
      return error.what();
    }
    return "";
  }

  fs::path root;
  std::string working_dir = "repo";
  std::optional<fs::path> config_flag;
  std::map<std::string, std::string> flags;
  std::map<std::string, std::string> environment;
};

}  // namespace

TEST_CASE("settings: flag, environment, file, built-in") {
  Place place;
  place.write("repo/workflow.env",
              "# mine\nSWEEP_LIMIT=3\nSWEEP_MATCH=file\nTASK_TIMEOUT_SECS=2h\n");
  place.environment = {{"SWEEP_LIMIT", "4"}, {"TASK_TIMEOUT_SECS", "15m"}};
  place.flags = {{"SWEEP_LIMIT", "5"}};
  const Settings settings = place.load();
  CHECK(settings.count("SWEEP_LIMIT") == 5);
  CHECK(settings.origin("SWEEP_LIMIT") == "flag");
  CHECK(settings.seconds("TASK_TIMEOUT_SECS") == 900);
  CHECK(settings.origin("TASK_TIMEOUT_SECS") == "environment");
  CHECK(settings.text("SWEEP_MATCH") == "file");
  CHECK(settings.origin("SWEEP_MATCH") == "workflow.env:3");
  CHECK(settings.seconds("KILL_GRACE_SECS") == 30);
  CHECK(settings.origin("KILL_GRACE_SECS") == "built-in");
  CHECK(settings.is_set("SWEEP_MATCH"));
  CHECK_FALSE(settings.is_set("KILL_GRACE_SECS"));
  CHECK(settings.warnings().empty());
}

TEST_CASE("settings: an empty value means the default, whoever writes it") {
  Place place;
  place.write("repo/workflow.env", "SWEEP_LIMIT=3\nSWEEP_CSV=\n");
  place.environment = {{"SWEEP_LIMIT", ""}};
  const Settings settings = place.load();
  CHECK_FALSE(settings.is_set("SWEEP_LIMIT"));
  CHECK(settings.count("SWEEP_LIMIT") == 0);
  CHECK(settings.origin("SWEEP_LIMIT") == "built-in");
  CHECK(settings.text("SWEEP_CSV") == "sweep.csv");
}

TEST_CASE("settings: the file is searched up to the git root and no further") {
  Place place;
  place.write("workflow.env", "SWEEP_CSV=outside.csv\n");
  place.working_dir = "repo/a/b";
  CHECK(place.load().file().empty());
  CHECK(place.load().path_here("SWEEP_CSV") == place.root / "repo/a/b/sweep.csv");

  place.write("repo/workflow.env", "SWEEP_CSV=../x/root.csv\nLOCAL_ARTIFACTS_DIR=/abs\n");
  const Settings from_root = place.load();
  CHECK(from_root.file() == place.root / "repo/workflow.env");
  CHECK(from_root.base_dir() == place.root / "repo");
  CHECK(from_root.origin("SWEEP_CSV") == "../../workflow.env:1");
  CHECK(from_root.path_here("SWEEP_CSV") == place.root / "x/root.csv");
  CHECK(from_root.path_here("LOCAL_ARTIFACTS_DIR") == "/abs");

  place.write("repo/a/workflow.env", "SWEEP_CSV=near.csv\n");
  CHECK(place.load().path_here("SWEEP_CSV") == place.root / "repo/a/near.csv");

  place.environment = {{"WORKFLOW_CONFIG", "../../workflow.env"}, {"HOME", "/home/ana"}};
  CHECK(place.load().file() == place.root / "repo/workflow.env");
  place.config_flag = place.root / "workflow.env";
  CHECK(place.load().file() == place.root / "workflow.env");
  place.flags = {{"SWEEP_CSV", "~/s.csv"}};
  CHECK(place.load().path_here("SWEEP_CSV") == "/home/ana/s.csv");
}

TEST_CASE("settings: a named file that is missing or a directory is refused") {
  Place place;
  place.config_flag = "no.env";
  CHECK(place.refusal() == "no configuration 'no.env' (named by --config)");
  place.config_flag = "a";
  CHECK(place.refusal() == "'a' is a directory, not a configuration file");
  place.config_flag.reset();
  place.environment = {{"WORKFLOW_CONFIG", "gone.env"}};
  CHECK(place.refusal() == "no configuration 'gone.env' (named by WORKFLOW_CONFIG)");
}

TEST_CASE("settings: another user's file in a parent is passed over") {
  if (geteuid() != 0) {
    WARN("needs root to give a file away");
    return;
  }
  Place place;
  place.write("repo/workflow.env", "SWEEP_CSV=theirs.csv\n");
  REQUIRE(chown((place.root / "repo/workflow.env").c_str(), 65534, 65534) == 0);
  CHECK(place.load().text("SWEEP_CSV") == "theirs.csv");
  place.working_dir = "repo/a";
  const Settings settings = place.load();
  CHECK(settings.file().empty());
  REQUIRE(settings.warnings().size() == 1);
  CHECK(settings.warnings()[0] ==
        "../workflow.env: belongs to another user, not read; --config ../workflow.env reads it");
}

TEST_CASE("settings: every value that does not fit its kind is told at once") {
  Place place;
  place.write("repo/workflow.env",
              "SWEEP_LIMIT=ten\nexport SWEEP_FORCE=\"maybe\"\nWF_TRANSPORT=telnet\n"
              "SWEEP_TMUX_SESSION=a.b\nSWEEP_GPUS_PER_RUN=1/0\nEXPECT_GIT_SHA=main\n"
              "WF_SECRETS=HF_TOKEN,hf_x=S3CRET\nWF_PROVIDER=../x\nSWEEP_MAX_RETRIES=-1\n");
  place.environment = {{"KILL_GRACE_SECS", "5 min"}};
  place.flags = {{"RUN_OUT_MODE", "fast"}};
  CHECK(place.refusal() ==
        "workflow.env:3:14: WF_TRANSPORT: 'telnet' is not auto, libssh2 or openssh\n"
        "workflow.env:7:12: WF_SECRETS: word 2 is not the name of a variable; list names, not "
        "values: WANDB_API_KEY,HF_TOKEN\n"
        "workflow.env:8:13: WF_PROVIDER: '../x' is not a name of letters, digits, '.', '_', '-'\n"
        "workflow.env:4:20: SWEEP_TMUX_SESSION: 'a.b' holds '.' or ':', which tmux would turn into "
        "'_'\n"
        "environment: KILL_GRACE_SECS: '5 min' is not a duration such as 90, 90s, 15m, 2h or 1d\n"
        "workflow.env:6:16: EXPECT_GIT_SHA: 'main' is not a git commit (7 hex digits or more)\n"
        "workflow.env:1:13: SWEEP_LIMIT: 'ten' is not a whole number from 1\n"
        "workflow.env:2:20: SWEEP_FORCE: 'maybe' is neither 1 (true, yes, on) nor 0 (false, no, "
        "off)\n"
        "workflow.env:9:19: SWEEP_MAX_RETRIES: '-1' is not a whole number\n"
        "workflow.env:5:20: SWEEP_GPUS_PER_RUN: '1/0' is not a number of GPUs: N, 1/2 or all\n"
        "flag: RUN_OUT_MODE: 'fast' is not durable or local_sync\n"
        "11 faults, nothing was done");
}

TEST_CASE("settings: flags and names in their spellings") {
  Place place;
  for (const char* word : {"1", "TRUE", "Yes", "y", "on"}) {
    place.flags = {{"SWEEP_FORCE", word}};
    CHECK(place.load().flag("SWEEP_FORCE"));
  }
  for (const char* word : {"0", "False", "NO", "n", "off", ""}) {
    place.flags = {{"SWEEP_FORCE", word}};
    CHECK_FALSE(place.load().flag("SWEEP_FORCE"));
  }
  place.flags = {{"WF_SECRETS", "A, B_2  ,c"}};
  CHECK(place.load().names("WF_SECRETS") == std::vector<std::string>{"A", "B_2", "c"});
}

TEST_CASE("settings: unknown keys of ours warn, other keys are the user's variables") {
  Place place;
  place.write("repo/workflow.env",
              "MYROOT=/data\nDATA_DIR=${MYROOT}/fw\nSWEEP_LIMTI=3\nWF_COMPLETELY_ELSE=1\n"
              "DATA_DIR=${DATA_DIR}2\n");
  const Settings settings = place.load();
  CHECK(settings.text("DATA_DIR") == "/data/fw2");
  CHECK(settings.warnings() ==
        std::vector<std::string>{
            "workflow.env:5:1: 'DATA_DIR' is set twice; this line wins over line 2",
            "workflow.env:3: unknown key 'SWEEP_LIMTI'; did you mean 'SWEEP_LIMIT'?",
            "workflow.env:4: unknown key 'WF_COMPLETELY_ELSE'"});
}

TEST_CASE("settings: asking for what is not in the table is a bug") {
  Place place;
  const Settings settings = place.load();
  const auto code = [](auto&& ask) {
    try {
      (void)ask();
    } catch (const Error& error) {
      return error.code();
    }
    return Code::ok;
  };
  CHECK(code([&] { return settings.text("SWEEP_LIMTI"); }) == Code::bug);
  CHECK(code([&] { return settings.flag("SWEEP_LIMIT"); }) == Code::bug);
  place.flags = {{"NO_SUCH", "1"}};
  CHECK(code([&] { return place.load().file(); }) == Code::bug);
}

TEST_CASE("settings: defaults that hang on others, on a target and on this machine") {
  Place place;
  Settings settings = place.load();
  using List = std::vector<std::string>;
  CHECK(settings.text("WF_STATE_FILE") == "${OPS_REMOTE_OUTPUTS_DIR}/_control/workflow_state.json");
  CHECK(settings.text("RUN_OUT_LOCAL_ROOT") == "~/workflow/repo/examples/nanogpt/out");
  CHECK(settings.candidates("OPS_REMOTE_OUTPUTS_DIR") ==
        List{"/mnt/pod_artifacts/outputs", "~/workflow/outputs"});
  CHECK(settings.candidates("OPS_REMOTE_REPO") == List{"~/workflow/repo"});
  const std::string local = (place.root / "repo/.workflow").string();
  CHECK(settings.candidates("OPS_REMOTE_OUTPUTS_DIR", true) == List{local + "/outputs"});
  CHECK(settings.candidates("REMOTE_ENV_PATH", true) == List{local + "/project.env"});
  CHECK(settings.text_for_local("OPS_REMOTE_REPO") == local + "/repo");
  CHECK(settings.text_for_local("WF_STATE_FILE") ==
        local + "/outputs/_control/workflow_state.json");
  CHECK(settings.text_for_local("TRAIN_SCRIPT") == "train.py");

  place.flags = {{"OPS_REMOTE_OUTPUTS_DIR", "~/out"}};
  settings = place.load();
  CHECK(settings.text("WF_STATE_FILE") == "~/out/_control/workflow_state.json");
  CHECK(settings.candidates("OPS_REMOTE_OUTPUTS_DIR") == List{"~/out"});
  CHECK(settings.text_for_local("OPS_REMOTE_OUTPUTS_DIR") == "~/out");
}

TEST_CASE("settings: the target and its forms") {
  struct Row {
    const char* key;
    const char* value;
    const char* target;
  };
  const Row rows[] = {
      {"WF_TARGET", "ssh:gpu7", "ssh:gpu7"},
      {"LIUM_TARGET", "3", "lium:3"},
      {"LIUM_TARGET", "lium:calm-orbit", "lium:calm-orbit"},
      {"OPS_DEFAULT_HOST", "gpu7", "ssh:gpu7"},
      {"OPS_DEFAULT_HOST", "ana@gpu7", "ssh:ana@gpu7"},
      {"OPS_DEFAULT_HOST", "ana@gpu7:2222", "ssh://ana@gpu7:2222"},
      {"OPS_DEFAULT_HOST", "gpu7:22", "ssh://gpu7:22"},
      {"OPS_DEFAULT_HOST", "ssh://ana@gpu7:2222", "ssh://ana@gpu7:2222"},
      {"OPS_DEFAULT_HOST", "lium:3", "lium:3"},
      {"OPS_DEFAULT_HOST", "local", "local"},
  };
  Place place;
  CHECK(place.load().target().empty());
  for (const auto& row : rows) {
    INFO(row.key << "=" << row.value);
    place.flags = {{row.key, row.value}};
    CHECK(place.load().target() == row.target);
  }
  place.flags = {{"OPS_DEFAULT_HOST", "a"}, {"LIUM_TARGET", "b"}, {"WF_TARGET", ""}};
  CHECK(place.load().target() == "lium:b");
}

TEST_CASE("settings: every default fits its own kind") {
  for (const auto& row : workflow::client::setting_rows()) {
    INFO(row.key);
    CHECK_FALSE(row.meaning.empty());
    CHECK((row.kind == Kind::choice) == !row.choices.empty());
    if (!row.default_value.empty()) CHECK_FALSE(value_fault(row, row.default_value).has_value());
  }
}

TEST_CASE("settings: workflow.env.example is the table's") {
  const fs::path path = fs::path(WORKFLOW_SOURCE_DIR) / "workflow.env.example";
  const std::string expected = workflow::client::example_file();
  if (std::getenv("WORKFLOW_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << expected;
  }
  CHECK(bytes_of(path) == expected);
}

TEST_CASE("settings: the example with every line in force says what the defaults say") {
  std::string all;
  for (const auto& line : workflow::split(workflow::client::example_file(), '\n')) {
    CHECK(line.size() <= 100);
    all += (line.size() > 1 && line[0] == '#' && line[1] >= 'A' ? line.substr(1) : line) + "\n";
  }
  Place place;
  const Settings plain = place.load();
  place.write("repo/workflow.env", all);
  const Settings full = place.load();
  CHECK(full.warnings().empty());
  for (const auto& row : workflow::client::setting_rows()) {
    INFO(row.key);
    CHECK(full.is_set(row.key) == !row.default_value.empty());
    if (row.key != "WF_STATE_FILE") CHECK(full.text(row.key) == plain.text(row.key));
  }
}
