#include <catch2/catch.hpp>

#include "tests/support/workspace.h"

using workflow::test::Workspace;

TEST_CASE("a task runs to its end on this machine") {
  const Workspace space;
  const auto data = space.data({"task-run", "--wait", "--id", "hello", "--", "echo", "hi"});
  CHECK(workflow::text_at(data, "state") == "success");
  CHECK(space.read(".workflow/outputs/_tasks/hello/stdout.log") == "hi\n");
}
