// What is to be rented: the query's text, and which offers fit it in which order.
#include <catch2/catch.hpp>
#include <cmath>

#include "remote/pods/offer.h"

namespace workflow::pods {
namespace {

/// `COLUMN MESSAGE` of each fault.
std::vector<std::string> faults(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& fault : query_faults(text, "--provision")) {
    CHECK(fault.file == "--provision");
    out.push_back(std::to_string(fault.column) + " " + fault.message);
  }
  return out;
}

std::string what(std::string_view text) {
  try {
    (void)parse_query(text, "--provision");
  } catch (const Error& error) {
    CHECK(error.code() == Code::usage);
    return error.what();
  }
  return {};
}

Offer offer(const std::string& provider, const std::string& id, double price) {
  Offer made;
  made.provider = provider;
  made.id = id;
  made.gpu_type = "NVIDIA A100-SXM4-80GB";
  made.gpu_count = 1;
  made.price_total_hr = price;
  return made;
}

std::vector<std::string> ids(std::vector<Offer> offers, const GpuQuery& query) {
  std::vector<std::string> out;
  for (const auto& one : chosen(std::move(offers), query)) out.push_back(one.id);
  return out;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a query sets what it names and leaves the rest at its default") {
  const GpuQuery plain = parse_query("", "--provision");
  CHECK(plain.type == "A100");
  CHECK(plain.count == 1);
  CHECK(plain.cloud_type == "secure");
  CHECK(plain.min_cuda == CudaVersion{12, 0});
  CHECK_FALSE(plain.max_price.has_value());

  const GpuQuery all = parse_query(
      " type=RTX 4090 , count=2,max_price=2.50,min_vram_gb=80,cloud_type=any,min_cuda=12.10,"
      "container_disk_gb=50,volume_disk_gb=7,providers=runpod, vast,*,spot=yes",
      "--provision");
  CHECK(all.type == "RTX 4090");
  CHECK(all.count == 2);
  CHECK(all.max_price == 2.5);
  CHECK(all.min_vram_gb == 80);
  CHECK(all.cloud_type == "any");
  CHECK(all.min_cuda == CudaVersion{12, 10});
  CHECK(all.container_disk_gb == 50);
  CHECK(all.volume_disk_gb == 7);
  CHECK(all.providers == Texts{"runpod", "vast", "*"});
  CHECK(all.spot);
  CHECK_FALSE(all.is_cpu());
  CHECK(parse_query("type=CPU", "x").is_cpu());
}

TEST_CASE("a query's text means the same as the query") {
  for (const char* text :
       {"", "type=cpu",
        "type=H100,count=8,max_price=0.1,min_vram_gb=40,cloud_type=community,"
        "min_cuda=12.4,container_disk_gb=0,volume_disk_gb=1,providers=a,b,*,spot=1",
        "max_price=3", "max_price=2.19"}) {
    CAPTURE(text);
    CHECK(query_text(parse_query(text, "x")) == text);
  }
  CHECK(query_text(parse_query("count=1,type=A100,spot=0,min_cuda=12", "x")).empty());
}

TEST_CASE("every fault of a query is told at once, with its column and the nearest key") {
  CHECK(faults("typ=H100,count=0,cout=1") == Texts{"1 unknown key 'typ'; did you mean 'type'?",
                                                   "16 count '0' is not a whole number from 1",
                                                   "18 unknown key 'cout'; did you mean 'count'?"});
  CHECK(what("typ=H100,count=x") ==
        "--provision:1: unknown key 'typ'; did you mean 'type'?\n"
        "--provision:16: count 'x' is not a whole number from 1\n"
        "2 faults in what to rent, nothing was done");
  CHECK(faults("colour=red").front().starts_with("1 unknown key 'colour'; there are type, count,"));

  const std::pair<const char*, const char*> wrong[] = {
      {"type=", "6 type '' is not a GPU type such as H100, nor cpu"},
      {"type=H100,count=2,type=A100", "19 'type' is there twice"},
      {"count=1.5", "7 count '1.5' is not a whole number from 1"},
      {"count=-1", "7 count '-1' is not a whole number from 1"},
      {"max_price=$3", "11 max_price '$3' is not a price in USD such as 2.5"},
      {"max_price=", "11 max_price '' is not a price in USD such as 2.5"},
      {"max_price=1e3", "11 max_price '1e3' is not a price in USD such as 2.5"},
      {"max_price=nan", "11 max_price 'nan' is not a price in USD such as 2.5"},
      {"max_price=1.2.3", "11 max_price '1.2.3' is not a price in USD such as 2.5"},
      {"min_vram_gb=80G", "13 min_vram_gb '80G' is not a whole number from 1"},
      {"cloud_type=Secure", "12 cloud_type 'Secure' is not secure, community or any"},
      {"min_cuda=cuda12", "10 min_cuda 'cuda12' is not a CUDA version such as 12.4"},
      {"container_disk_gb=-1", "19 container_disk_gb '-1' is not a whole number from 0"},
      {"volume_disk_gb=99999999999",
       "16 volume_disk_gb '99999999999' is not a whole number from 0"},
      {"providers=a/b", "11 providers 'a/b' is neither the name of a provider nor '*'"},
      {"providers=a,b,a", "15 providers 'a' is there twice"},
      {"spot=maybe", "6 spot 'maybe' is neither 1 (true, yes) nor 0 (false, no)"},
      {"type=H100,", "11 a word is missing; KEY=VALUE[,KEY=VALUE]"},
      {"type=H100,,count=1", "11 a word is missing; KEY=VALUE[,KEY=VALUE]"},
      {"H100", "1 'H100' is not KEY=VALUE"},
      {"type=H100,x2", "11 'x2' is not KEY=VALUE"},
      {"=3", "1 unknown key ''; there are"},
  };
  for (const auto& [text, fault] : wrong) {
    CAPTURE(text);
    const auto found = faults(text);
    REQUIRE(found.size() == 1);
    CHECK_THAT(found.front(), Catch::StartsWith(fault));
    CHECK_THAT(what(text), Catch::Contains("1 fault in what to rent, nothing was done"));
  }
}

TEST_CASE("CUDA versions are numbers") {
  CHECK(*parse_cuda("12.10") > *parse_cuda("12.4"));
  CHECK(*parse_cuda("12") == *parse_cuda("12.0"));
  CHECK(*parse_cuda("12.4.1") == *parse_cuda("12.4"));
  CHECK(*parse_cuda("13.0") > *parse_cuda("12.99"));
  CHECK(cuda_text(*parse_cuda("12")) == "12.0");
  for (const char* text : {"", "12.", ".4", "12.4.1.0", "v12", "12.x", "-1", "12,4", "1234567"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_cuda(text).has_value());
  }
}

TEST_CASE("an offer names both prices") {
  Offer eight = offer("vast", "1", 20);
  eight.gpu_count = 8;
  CHECK(eight.price_per_gpu_hr() == 2.5);
  const Json json = offer_json(eight);
  CHECK(json["price_total_hr"] == 20.0);
  CHECK(json["price_per_gpu_hr"] == 2.5);
  CHECK(json["cuda"].is_null());
  CHECK(json["vram_gb"].is_null());
  eight.gpu_count = 0;
  CHECK(eight.price_per_gpu_hr() == 20);
}

TEST_CASE("an offer that does not fit says why") {
  const GpuQuery query = parse_query("max_price=2,min_vram_gb=80,min_cuda=12.4", "x");
  const auto changed = [](auto change) {
    Offer one = offer("vast", "1", 1.5);
    change(one);
    return one;
  };
  CHECK(unfit(offer("vast", "1", 1.5), query).empty());  // unknown VRAM and CUDA are no fault
  CHECK(unfit(changed([](Offer& o) { o.gpu_count = 2; }), query) == "has 2 GPUs");
  CHECK(unfit(changed([](Offer& o) { o.gpu_count = 0; }), query) == "has no GPU");
  CHECK(unfit(changed([](Offer& o) { o.gpu_type = "H100"; }), query) == "is no A100");
  CHECK(unfit(changed([](Offer& o) { o.vram_gb = 40; }), query) == "has 40 GB of VRAM");
  CHECK(unfit(changed([](Offer& o) { o.cuda = CudaVersion{12, 2}; }), query) == "has CUDA 12.2");
  CHECK(unfit(changed([](Offer& o) { o.cuda = CudaVersion{12, 10}; }), query).empty());
  CHECK(unfit(offer("vast", "1", 2.01), query) == "costs $2.01 per GPU and hour");
  CHECK(unfit(offer("vast", "1", 2), query).empty());
  CHECK(unfit(offer("vast", "1", std::nan("")), query) == "has no price");
  CHECK(unfit(offer("vast", "1", -1), query) == "has no price");
  CHECK(unfit(changed([](Offer& o) { o.cloud_type = "community"; }), query) ==
        "is of the community cloud");
  CHECK(unfit(changed([](Offer& o) { o.spot = true; }), query) == "may be taken back at any time");
  CHECK(unfit(changed([](Offer& o) { o.disk_gb = 99; }), query) == "has 99 GB of disk");
  CHECK(unfit(changed([](Offer& o) { o.disk_gb = 100; }), query).empty());
}

TEST_CASE("the price limit is of each GPU, and of the machine where it has none") {
  Offer eight = offer("vast", "1", 16);
  eight.gpu_count = 8;
  CHECK(unfit(eight, parse_query("count=8,max_price=2", "x")).empty());
  CHECK_FALSE(unfit(eight, parse_query("count=8,max_price=1.99", "x")).empty());
  Offer cpu = offer("vast", "1", 0.3);
  cpu.gpu_type.clear();
  cpu.gpu_count = 0;
  CHECK(unfit(cpu, parse_query("type=cpu,max_price=0.3", "x")).empty());
  CHECK(unfit(cpu, parse_query("type=cpu,max_price=0.2", "x")) == "costs $0.30/h");
  CHECK(unfit(eight, parse_query("type=cpu", "x")) == "has GPUs");
}

TEST_CASE("a type is contained in any case, its numbers whole") {
  const auto fits = [](const char* type, const char* wanted) {
    Offer one = offer("vast", "1", 1);
    one.gpu_type = type;
    GpuQuery query;
    query.type = wanted;
    return unfit(one, query).empty();
  };
  CHECK(fits("NVIDIA A100-SXM4-80GB", "a100"));
  CHECK(fits("NVIDIA A100-SXM4-80GB", "A100 sxm4"));
  CHECK(fits("RTX_4090", "rtx 4090"));
  CHECK(fits("NVIDIA GeForce RTX 4090", "4090"));
  CHECK(fits("NVIDIA RTX A1000, A100", "A100"));
  CHECK_FALSE(fits("NVIDIA RTX A1000", "A100"));
  CHECK_FALSE(fits("NVIDIA L40S", "L4"));
  CHECK_FALSE(fits("NVIDIA GH200", "H20"));
  CHECK_FALSE(fits("Tesla V100", "A100"));
}

TEST_CASE("offers are sorted by preference, price, reliability and id, and stay in order") {
  std::vector<Offer> offers{offer("vast", "b", 2), offer("lium", "c", 1), offer("vast", "a", 2),
                            offer("runpod", "d", 3)};
  CHECK(ids(offers, {}) == Texts{"c", "a", "b", "d"});
  CHECK(ids(offers, parse_query("providers=runpod,vast", "x")) == Texts{"d", "a", "b"});
  CHECK(ids(offers, parse_query("providers=runpod,*,lium", "x")) == Texts{"d", "a", "b", "c"});
  offers[0].reliability = 0.99;
  CHECK(ids(offers, parse_query("providers=vast", "x")) == Texts{"b", "a"});

  std::vector<Offer> same(20, offer("vast", "x", 1));
  for (std::size_t i = 0; i < same.size(); ++i) same[i].region = std::to_string(i);
  const auto sorted = chosen(same, {});
  for (std::size_t i = 0; i < sorted.size(); ++i) CHECK(sorted[i].region == std::to_string(i));
}

}  // namespace workflow::pods
