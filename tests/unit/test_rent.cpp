// Renting where the answers are clear: which offer, what is given back, what is told and kept.
#include "tests/support/rent_desk.h"

using namespace workflow;
using namespace workflow::pods;
using namespace workflow::test;
using Catch::Contains;

TEST_CASE("the cheapest offer is rented, in the ledger before it is asked for") {
  RentDesk desk;
  desk.zeta->market = {fake_offer("zeta", "z1", 1.5)};
  Held held_at_create = Held::never;
  desk.zeta->at_create = [&](const PodRequest& request) {
    held_at_create = desk.ledger.find(request.name).value().held;
    CHECK(request.public_key == "ssh-ed25519 AAAA ana");
  };
  desk.wish.public_key = "ssh-ed25519 AAAA ana";
  const PodRow pod = rent(desk.renting, desk.wish);
  CHECK(held_at_create == Held::intended);
  CHECK(pod.held == Held::ready);
  CHECK(pod.provider == "zeta");
  CHECK(pod.name.rfind("wf-", 0) == 0);
  CHECK(pod.ssh->host == "10.0.0.7");
  CHECK(pod.price_total_hr == 1.5);
  REQUIRE(desk.zeta->pods().size() == 1);
  CHECK(desk.zeta->pods().front().id == pod.pod_id);
  CHECK(desk.zeta->pods().front().name == pod.name);
  CHECK(desk.acme->calls("create") == 0);
  CHECK(desk.told() == "offer rented warning booting address ready attempt ");
  const PodRow kept = desk.ledger.bound("/p/workflow.env").value();
  CHECK(kept.name == pod.name);
  CHECK(kept.held == Held::ready);
  CHECK(kept.ready_at == pod.ready_at);
  REQUIRE(desk.ledger.attempts(pod.name).size() == 1);
  CHECK(desk.ledger.attempts(pod.name).front().trouble == "ok");
}

TEST_CASE("a name of the user's own begins the pod's name") {
  RentDesk desk;
  desk.wish.pod_name = "nightly";
  CHECK(rent(desk.renting, desk.wish).name.rfind("nightly-", 0) == 0);
}

TEST_CASE("an offer that is gone leads to the next one, and both are recorded") {
  RentDesk desk;
  desk.acme->fail("create", 1, {.trouble = Trouble::no_capacity});
  const PodRow pod = rent(desk.renting, desk.wish);
  CHECK(pod.price_total_hr == 3.0);
  CHECK(desk.rented() == 1);
  const auto rows = desk.ledger.all();
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].held == Held::never);
  CHECK_THAT(rows[1].last_error, Contains("acme fails at create 1"));
  REQUIRE(desk.ledger.attempts(rows[1].name).size() == 1);
  CHECK(desk.ledger.attempts(rows[1].name).front().trouble == "no_capacity");
  CHECK(desk.ledger.attempts(rows[1].name).front().offer.id == "a1");
}

TEST_CASE("an account that refuses closes its provider, not the others") {
  const Trouble trouble = GENERATE(Trouble::credentials, Trouble::account);
  RentDesk desk;
  desk.zeta->market = {fake_offer("zeta", "z1", 9.0)};
  desk.acme->fail_always("create", {.trouble = trouble});
  CHECK(rent(desk.renting, desk.wish).provider == "zeta");
  CHECK(desk.acme->calls("create") == 1);
}

TEST_CASE("when no offer works the error tells every attempt") {
  RentDesk desk;
  desk.acme->fail("create", 1, {.trouble = Trouble::no_capacity});
  desk.acme->fail("create", 2, {.trouble = Trouble::rejected});
  desk.zeta->fail("offers", 1, {.trouble = Trouble::credentials});
  const Error error = desk.rent_fails();
  CHECK(error.code() == Code::provider);
  CHECK_THAT(error.what(), Contains("nothing could be rented for 'type=A100'; 2 offers tried"));
  CHECK_THAT(error.what(),
             Contains("\n  acme  1 x NVIDIA A100 80GB PCIe  $2.00/h  no_capacity: acme fails"));
  CHECK_THAT(error.what(), Contains("\n  acme  1 x NVIDIA A100 80GB PCIe  $3.00/h  rejected"));
  CHECK_THAT(error.what(), Contains("\n  zeta: zeta fails at offers 1"));
  const Json details = parse_json(error.details(), "details");
  REQUIRE(member(details, "attempts").size() == 2);
  CHECK(text_at(details["attempts"][0], "trouble") == "no_capacity");
  CHECK(text_at(details["attempts"][0]["offer"], "id") == "a1");
  CHECK(text_at(details, "trouble") == "rejected");
  CHECK(desk.rented() == 0);
}

TEST_CASE("at most so many offers are tried") {
  RentDesk desk;
  desk.wish.most_offers = 1;
  desk.acme->fail("create", 1, {.trouble = Trouble::no_capacity});
  CHECK_THAT(desk.rent_fails().what(), Contains("1 offer tried"));
  CHECK(desk.acme->calls("create") == 1);
}

TEST_CASE("an offer asked for by its id is the only one") {
  RentDesk desk;
  desk.wish.offer_id = "a2";
  CHECK(rent(desk.renting, desk.wish).price_total_hr == 3.0);
  desk.wish.binding = "/q/workflow.env";
  desk.wish.offer_id = "a9";
  CHECK_THAT(desk.rent_fails().what(), Contains("of 2 offers none fits"));
}

TEST_CASE("where nothing fits, the silent providers are named") {
  RentDesk desk;
  desk.wish.query.type = "H100";
  desk.zeta->fail_always("offers", {.trouble = Trouble::credentials});
  const Error error = desk.rent_fails();
  CHECK(error.code() == Code::provider);
  CHECK_THAT(error.what(), Contains("of 2 offers none fits 'type=H100'"));
  CHECK_THAT(error.what(), Contains("zeta: zeta fails at offers"));
  CHECK(desk.ledger.all().empty());
}

TEST_CASE("a provider that fails now and then has not lost the pod") {
  RentDesk desk;
  desk.acme->up_after_ms = 120'000;
  for (int nth = 2; nth < 12; ++nth) {
    desk.acme->fail("describe", nth, {.trouble = Trouble::provider});
  }
  CHECK(rent(desk.renting, desk.wish).held == Held::ready);
  CHECK(desk.acme->calls("create") == 1);
}

TEST_CASE("a pod that is not shown yet is waited for") {
  RentDesk desk;
  desk.acme->seen_after_ms = 50'000;
  CHECK(rent(desk.renting, desk.wish).held == Held::ready);
  CHECK(desk.acme->calls("create") == 1);
}

TEST_CASE("a pod that is gone before it was up leads to the next offer") {
  RentDesk desk;
  desk.acme->up_after_ms = 120'000;
  std::string first;
  desk.renting.wait = [&](std::int64_t ms) {
    desk.pass(ms);
    if (first.empty() && desk.acme->calls("describe") > 3) {
      first = desk.acme->pods().front().id;
      fs::remove(desk.scratch / "acme" / first);
    }
  };
  const PodRow pod = rent(desk.renting, desk.wish);
  CHECK(pod.pod_id != first);
  CHECK(desk.ledger.find("acme", first)->held == Held::ended);
  CHECK_THAT(desk.ledger.find("acme", first)->name, Contains("wf-"));
  CHECK(desk.ledger.attempts(desk.ledger.find("acme", first)->name).front().trouble == "gone");
}

TEST_CASE("one deadline spans all of a pod's coming up, then it is given back") {
  RentDesk desk;
  desk.acme->up_after_ms = 500'000;
  desk.host = {.answers = false, .why_not = "connection refused"};
  desk.wish.most_offers = 1;
  const std::int64_t begun = desk.clock.at;
  const Error error = desk.rent_fails();
  CHECK_THAT(error.what(), Contains("not_up: it did not answer within 10 min: connection refused"));
  CHECK(desk.clock.at - begun >= 600'000);
  CHECK(desk.clock.at - begun < 620'000);
  CHECK(desk.rented() == 0);
  CHECK(desk.last().held == Held::ended);
  CHECK_THAT(desk.last().last_error, Contains("connection refused"));
  CHECK_FALSE(desk.last().ended_at.empty());
  CHECK_THAT(desk.told(), Contains("attempt returned"));
}

TEST_CASE("a pod without an address says why it has none") {
  RentDesk desk;
  desk.acme->up_after_ms = 5'000'000;
  desk.wish.most_offers = 1;
  CHECK_THAT(desk.rent_fails().what(), Contains("it has no address yet"));
}

TEST_CASE("a host that is not what was asked for is given back") {
  struct Case {
    HostLook host;
    std::string why;
  };
  const auto wrong = GENERATE(
      values<Case>({{{.answers = true, .cuda = CudaVersion{12, 4}, .gpu_count = 0},
                     "unfit: it has 0 GPUs where 1 were asked for"},
                    {{.answers = true, .cuda = CudaVersion{11, 8}, .gpu_count = 1},
                     "unfit: its driver's CUDA is 11.8, below min_cuda 12.0"},
                    {{.answers = false, .why_not = "another key was offered", .never_will = true},
                     "not_up: another key was offered"}}));
  RentDesk desk;
  desk.host = wrong.host;
  CHECK_THAT(desk.rent_fails().what(), Contains(wrong.why));
  CHECK(desk.acme->calls("create") == 2);
  CHECK(desk.rented() == 0);
}

TEST_CASE("what was not looked at speaks against no host, and a cpu needs no GPU") {
  RentDesk desk;
  desk.host = {.answers = true};
  CHECK(rent(desk.renting, desk.wish).held == Held::ready);
  desk.wish.binding = "/q/workflow.env";
  desk.wish.query.type = "cpu";
  Offer cpu = fake_offer("acme", "c1", 0.1);
  cpu.gpu_type.clear();
  cpu.gpu_count = 0;
  desk.acme->market = {cpu};
  desk.host = {.answers = true, .gpu_count = 0};
  CHECK(rent(desk.renting, desk.wish).held == Held::ready);
}

TEST_CASE("a pod that fails or stops while it comes up is given back") {
  const std::string status = GENERATE("failed", "stopped");
  RentDesk desk;
  desk.acme->up_after_ms = 60'000;
  desk.renting.wait = [&](std::int64_t ms) {
    desk.pass(ms);
    for (const auto& pod : desk.acme->pods()) desk.acme->change(pod.id, "status", status);
  };
  CHECK_THAT(desk.rent_fails().what(), Contains("failed: it is " + status));
  CHECK(desk.rented() == 0);
}

TEST_CASE("while a pod is not proven to have ended, no other is rented") {
  RentDesk desk;
  desk.host = {.answers = false, .why_not = "wrong", .never_will = true};
  desk.acme->lies = 1'000'000;
  const Error error = desk.rent_fails();
  CHECK(error.code() == Code::provider);
  CHECK_THAT(error.what(), Contains("has been asked to end 'wf-"));
  CHECK(desk.acme->calls("create") == 1);
  CHECK(desk.last().held == Held::ending);
}
