#include <catch2/catch.hpp>

#include "remote/pods/factories.h"
#include "tests/support/provider_server.h"
#include "tests/support/scratch.h"

// The adapters over HTTP against what providers do, in their own wire formats.
namespace workflow::pods {
namespace {

using test::ProviderServer;
using test::Scratch;

PodRequest request_of(const std::string& name) {
  return {.name = name, .public_key = "ssh-ed25519 AAAAC3Nz ana@laptop", .query = {}};
}

template <class Call>
ProviderError failure_of(Call call) {
  try {
    call();
  } catch (const ProviderError& error) {
    return error;
  }
  FAIL("it did not fail");
  throw;
}

TEST_CASE("runpod: offers, a pod, its address and its end") {
  const Scratch scratch;
  ProviderServer server(scratch.path() / "server");
  server.ssh("127.0.0.1", 2222);
  const auto runpod = runpod_provider(server.context());
  const GpuQuery query{.type = "A100", .count = 2};

  const auto offers = runpod->offers(query);
  REQUIRE(offers.size() == 3);
  CHECK(offers[0].price_total_hr == Approx(3.28));
  const std::string id = runpod->create(offers[0], request_of("wf-ana-1"));
  const auto pod = runpod->describe(id);
  REQUIRE(pod);
  CHECK(pod->name == "wf-ana-1");
  CHECK(pod->ssh == SshAddress{"root", "127.0.0.1", 2222});
  CHECK(*pod->price_total_hr == Approx(3.28));
  CHECK(runpod->list().size() == 1);
  runpod->terminate(id);
  runpod->terminate(id);
  CHECK_FALSE(runpod->describe(id));
  CHECK(runpod->list().empty());
}

}  // namespace
}  // namespace workflow::pods
