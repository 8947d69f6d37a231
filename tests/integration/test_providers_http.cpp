#include <catch2/catch.hpp>

#include "common/text.h"
#include "remote/pods/factories.h"
#include "tests/support/provider_failure.h"
#include "tests/support/scratch.h"

// The adapters over HTTP when all goes well: what they ask, and what they read from the answers.
namespace workflow::pods {
namespace {

using test::adapter;
using test::failure_of;
using test::pod_request;
using test::ProviderServer;
using test::Scratch;

struct Fixture {
  Scratch scratch;
  ProviderServer server{scratch.path() / "server"};

  [[nodiscard]] Json last_ask() const { return server.pods().back().at("ask"); }
};

const Offer& named(const std::vector<Offer>& offers, const std::string& id) {
  for (const auto& offer : offers) {
    if (offer.id == id) return offer;
  }
  FAIL("no offer " << id);
  throw;
}

TEST_CASE("every provider: a pod is rented, found, reached and ended") {
  Fixture f;
  f.server.ssh("127.0.0.9", 2222);
  for (const std::string provider : {"runpod", "vast", "lambda"}) {
    CAPTURE(provider);
    const auto one = adapter(f.server, provider);
    CHECK(one->name() == provider);
    const auto offers = one->offers(test::any_a100());
    REQUIRE_FALSE(offers.empty());
    CHECK(offers.front().provider == provider);
    const std::string id = one->create(offers.front(), pod_request("wf-ana-1"));
    const auto pod = one->describe(id);
    REQUIRE(pod);
    CHECK(pod->id == id);
    CHECK(pod->provider == provider);
    CHECK(pod->name == "wf-ana-1");
    CHECK(pod->status == PodStatus::running);
    CHECK(pod->price_total_hr == Approx(offers.front().price_total_hr));
    CHECK(pod->gpu_count == 1);
    REQUIRE(pod->ssh);
    CHECK(pod->ssh->host == "127.0.0.9");
    CHECK(pod->ssh->user == (provider == "lambda" ? "ubuntu" : "root"));
    CHECK(pod->ssh->port == (provider == "lambda" ? 22 : 2222));
    const auto listed = one->list();
    REQUIRE(listed.size() == 1);
    CHECK(listed.front().id == id);
    one->terminate(id);
    one->terminate(id);
    CHECK_FALSE(one->describe(id));
    CHECK(one->list().empty());
    CHECK(f.server.count(provider, "create") == 1);
  }
}

TEST_CASE("every provider: a pod that starts has no address yet, and then has one") {
  Fixture f;
  f.server.set("boot_looks", 1);
  f.server.set("ssh_looks", 1);
  for (const std::string provider : {"runpod", "vast", "lambda"}) {
    CAPTURE(provider);
    const auto one = adapter(f.server, provider);
    const std::string id =
        one->create(one->offers(test::any_a100()).front(), pod_request("wf-ana-1"));
    const auto first = one->describe(id);
    CHECK(first->status == PodStatus::starting);
    CHECK_FALSE(first->ssh);
    const auto second = one->describe(id);
    CHECK(second->status == PodStatus::running);
    CHECK_FALSE(second->ssh);
    CHECK(one->describe(id)->ssh);
  }
}

TEST_CASE("runpod: prices are of the machine, of its own cloud, and never the bid") {
  Fixture f;
  const auto runpod = adapter(f.server, "runpod");
  GpuQuery query;
  query.count = 2;
  query.cloud_type = "any";
  const auto offers = runpod->offers(query);
  CHECK(named(offers, "NVIDIA A100 80GB PCIe:secure").price_total_hr == Approx(3.28));
  CHECK(named(offers, "NVIDIA A100 80GB PCIe:secure").price_per_gpu_hr() == Approx(1.64));
  CHECK(named(offers, "NVIDIA A100 80GB PCIe:secure").vram_gb == 80);
  CHECK(named(offers, "NVIDIA A100 80GB PCIe:community").price_total_hr == Approx(2.38));
  for (const auto& offer : offers) CHECK_FALSE(offer.spot);
  CHECK(offers.size() == 5);

  query.cloud_type = "community";
  for (const auto& offer : runpod->offers(query)) CHECK(offer.cloud_type == "community");
  query.type = "cpu";
  CHECK(runpod->offers(query).empty());
}

TEST_CASE("runpod: a spot pod is rented by its own call, with the bid of one GPU") {
  Fixture f;
  const auto runpod = adapter(f.server, "runpod");
  GpuQuery query;
  query.count = 2;
  query.spot = true;
  const auto offers = runpod->offers(query);
  const Offer& offer = named(offers, "NVIDIA A100 80GB PCIe:secure:spot");
  CHECK(offer.price_total_hr == Approx(1.64));
  const std::string id = runpod->create(offer, pod_request("wf-ana-1"));
  CHECK(f.last_ask().at("bidPerGpu").get<double>() == Approx(0.82));
  CHECK(*runpod->describe(id)->price_total_hr == Approx(1.64));
}

TEST_CASE("runpod: what a pod is asked for") {
  Fixture f;
  const auto runpod = adapter(f.server, "runpod");
  PodRequest request = pod_request("wf-ana-1");
  request.query.volume_disk_gb = 50;
  request.query.min_cuda = {12, 10};
  request.ports = {"8000/http"};
  request.ends_at = "2026-11-23T23:00:00.000Z";
  (void)runpod->create(runpod->offers(GpuQuery{}).front(), request);
  const Json ask = f.last_ask();
  CHECK(ask.at("ports") == "22/tcp,8000/http");
  CHECK(ask.at("env") == Json::array({Json{{"key", "PUBLIC_KEY"}, {"value", test::ana_key}}}));
  CHECK(ask.at("volumeInGb") == 50);
  CHECK(ask.at("volumeMountPath") == "/workspace");
  CHECK(ask.at("minCudaVersion") == "12.10");
  CHECK(ask.at("cloudType") == "SECURE");
  CHECK(ask.at("terminateAfter") == request.ends_at);
  CHECK(ask.at("supportPublicIp") == true);
}

TEST_CASE("runpod: a pod behind the proxy alone says why it has no address") {
  Fixture f;
  f.server.set("proxy_only", true);
  const auto runpod = adapter(f.server, "runpod");
  const std::string id =
      runpod->create(runpod->offers(GpuQuery{}).front(), pod_request("wf-ana-1"));
  const auto pod = runpod->describe(id);
  CHECK_FALSE(pod->ssh);
  CHECK_THAT(pod->no_ssh_reason, Catch::Contains("carries no files"));
}

TEST_CASE("vast: offers fit the filter, prices are of the machine, memory is that of a GPU") {
  Fixture f;
  const auto vast = adapter(f.server, "vast");
  GpuQuery query;
  query.count = 2;
  const auto secure = vast->offers(query);
  REQUIRE(secure.size() == 1);
  CHECK(secure[0].id == "7002");
  CHECK(secure[0].price_total_hr == Approx(2.40));
  CHECK(secure[0].vram_gb == 80);
  CHECK(secure[0].cuda == CudaVersion{12, 4});
  CHECK(secure[0].cloud_type == "secure");
  query.cloud_type = "any";
  query.max_price = 0.8;
  const auto cheap = vast->offers(query);
  REQUIRE(cheap.size() == 1);
  CHECK(cheap[0].id == "7004");
  CHECK(cheap[0].vram_gb == 40);
  query.min_cuda = {12, 8};
  CHECK(vast->offers(query).empty());
}

TEST_CASE("vast: an instance carries our name and our key; spot says its bid") {
  Fixture f;
  const auto vast = adapter(f.server, "vast");
  GpuQuery query;
  query.spot = true;
  PodRequest request = pod_request("wf-ana-1");
  request.ports = {"8000/http"};
  (void)vast->create(named(vast->offers(query), "7001"), request);
  CHECK(f.last_ask().at("label") == "wf-ana-1");
  CHECK(f.last_ask().at("price") == 0.55);
  CHECK(f.last_ask().at("env").contains("-p 8000:8000"));
  CHECK(f.server.pods().back().at("keys") == Json::array({test::ana_key}));
}

TEST_CASE("vast: without a port of its own an instance is reached through the proxy") {
  Fixture f;
  f.server.set("proxy_only", true);
  const auto vast = adapter(f.server, "vast");
  const std::string id = vast->create(vast->offers(GpuQuery{}).front(), pod_request("wf-ana-1"));
  CHECK(vast->describe(id)->ssh == SshAddress{"root", "ssh4.vast.ai", 31216});
}

TEST_CASE("lambda: an offer for each region, machines without a GPU too") {
  Fixture f;
  const auto lambda = adapter(f.server, "lambda");
  const auto offers = lambda->offers(GpuQuery{});
  CHECK(offers.size() == 4);
  const Offer& two = named(offers, "gpu_2x_h100_sxm5@us-south-3");
  CHECK(two.price_total_hr == Approx(6.38));
  CHECK(two.price_per_gpu_hr() == Approx(3.19));
  CHECK(two.vram_gb == 80);
  CHECK(two.gpu_count == 2);
  const Offer& none = named(offers, "cpu_4x_general@us-east-1");
  CHECK(none.gpu_type.empty());
  CHECK(none.gpu_count == 0);
}

TEST_CASE("lambda: our own key is found under any name, or brought; another's is never taken") {
  Fixture f;
  f.server.add_key("bob", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIbob bob@desk");
  const auto lambda = adapter(f.server, "lambda");
  const auto offers = lambda->offers(GpuQuery{});
  (void)lambda->create(offers.front(), pod_request("wf-ana-1"));
  CHECK(f.server.pods().back().at("keys") == Json::array({test::ana_key}));
  CHECK(f.server.count("lambda", "add_key") == 1);
  (void)lambda->create(offers.front(), pod_request("wf-ana-2"));
  CHECK(f.server.count("lambda", "add_key") == 1);

  // The same key with another comment is the same key.
  PodRequest elsewhere = pod_request("wf-bob-1");
  elsewhere.public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIbob bob@laptop";
  (void)lambda->create(offers.front(), elsewhere);
  CHECK(f.last_ask().at("ssh_key_names") == Json::array({"bob"}));
  CHECK(f.server.count("lambda", "add_key") == 1);
}

TEST_CASE("what a provider cannot do is refused before anything is asked") {
  Fixture f;
  const auto lambda = adapter(f.server, "lambda");
  PodRequest request = pod_request("wf-ana-1");
  request.image = "pytorch/pytorch";
  const auto no_image =
      failure_of([&] { (void)lambda->create(lambda->offers(GpuQuery{}).front(), request); });
  CHECK(no_image.trouble() == Trouble::rejected);
  CHECK_FALSE(no_image.maybe_done());

  const auto vast = adapter(f.server, "vast");
  request.volume = "vol-1";
  const auto offers = vast->offers(GpuQuery{});
  CHECK(failure_of([&] { (void)vast->create(offers.front(), request); }).trouble() ==
        Trouble::rejected);
  Offer odd = offers.front();
  odd.id = "../instances";
  CHECK(failure_of([&] { (void)vast->create(odd, pod_request("wf")); }).trouble() ==
        Trouble::rejected);
  CHECK(f.server.count("vast", "create") + f.server.count("lambda", "create") == 0);

  // An id that cannot be one is asked of nobody.
  for (const auto& provider : {"vast", "lambda"}) {
    const auto one = adapter(f.server, provider);
    CHECK_FALSE(one->describe("../ssh-keys"));
    one->terminate("../ssh-keys");
    CHECK(f.server.count(provider, "terminate") == 0);
  }
}

}  // namespace
}  // namespace workflow::pods
