// What a command costs in connections, counted by the sshd that accepted them.
#include <catch2/catch.hpp>

#include "common/text.h"
#include "tests/support/cut_space.h"
#include "tests/support/tasks.h"

namespace workflow::test {
namespace {

std::size_t cost(const CutSpace& far, const std::vector<std::string>& words) {
  const std::size_t before = far.sshd.logins();
  const Json document = far.space.json(words);
  INFO(join(words, " ") << ": " << dump_json(document));
  CHECK(flag_at(document, "ok"));
  return far.sshd.logins() - before;
}

}  // namespace

TEST_CASE("every command costs one connection, also the first") {
  const std::string way = GENERATE("libssh2", "openssh");
  CAPTURE(way);
  CutSpace far("WF_TRANSPORT=" + way + "\nTRAIN_COMMAND_TEMPLATE='echo done'\n");
  const Workspace& space = far.space;
  space.make_repo({{"train.py", "print(1)\n"}});
  space.write("sweep.csv", "run_id\na\nb\n");
  CHECK(cost(far, {"fsm-status"}) == 1);
  // Behind a master connection of the system's ssh, every further command costs none.
  const std::size_t each = way == "openssh" ? 0 : 1;
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"fsm-status"},
                                             {"pod-status"},
                                             {"bootstrap"},
                                             {"checkout"},
                                             {"task-run", "--id", "t1", "--", "echo", "one"},
                                             {"task-wait", "t1"},
                                             {"task-status", "t1"},
                                             {"task-list"},
                                             {"task-logs", "t1"},
                                             {"sweep-start"},
                                             {"sweep-status"},
                                             {"sweep-watch"},
                                             {"why", "a"},
                                             {"fsm-log"}}) {
    CAPTURE(words[0]);
    CHECK(cost(far, words) == each);
  }
}

TEST_CASE(
    "many commands at once share the connection of the system's ssh, and none logs in beside it") {
  CutSpace far("WF_TRANSPORT=openssh\n");
  REQUIRE(far.space.run({"fsm-status"}).ok());
  std::vector<pid_t> commands;
  for (int n = 0; n < 12; ++n) {
    commands.push_back(far.space.start({"exec", "--cmd", "read -t 1 <> <(:); echo $?"}, "said"));
  }
  for (const pid_t pid : commands) {
    const auto end = end_of(pid);
    REQUIRE(end);
    CHECK(end->ok());
  }
  CHECK(far.sshd.logins() == 1);
}

}  // namespace workflow::test
