#include <catch2/catch.hpp>

#include "common/json.h"
#include "common/mask.h"

using workflow::Json;
using workflow::Mask;

TEST_CASE("a secret is masked wherever the stream is cut") {
  const std::string text = "before hunter22-key after hunter2 hunter22-ke";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Mask mask({"hunter22-key", "abcd"});
    std::string out = mask.feed(text.substr(0, cut));
    out += mask.feed(text.substr(cut));
    out += mask.rest();
    CHECK(out == "before *** after hunter2 hunter22-ke");
  }
}

TEST_CASE("one byte at a time") {
  Mask mask({"secret-value"});
  std::string out;
  for (const char c : std::string("xsecret-secret-valuey")) out += mask.feed(std::string(1, c));
  CHECK(out + mask.rest() == "xsecret-***y");
}

TEST_CASE("a longer value goes before a shorter one that it holds") {
  Mask mask({"token", "token-and-more"});
  CHECK(mask.feed("a token-and-more b") == "a *** b");
}

TEST_CASE("a longer value that begins with a shorter one is masked whole, wherever it is cut") {
  const std::string text = "token token-and token-and-more tok";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Mask mask({"token", "token-and-more"});
    std::string out = mask.feed(text.substr(0, cut));
    out += mask.feed(text.substr(cut));
    CHECK(out + mask.rest() == "*** ***-and *** tok");
  }
  Mask mask({"token", "token-and-more"});
  CHECK(mask.feed("a token").size() == 2);
  CHECK(mask.rest() == "***");
}

TEST_CASE("short values would mask half the text and are left") {
  Mask mask({"a", "abc", ""});
  CHECK(mask.empty());
}

TEST_CASE("every text of a document is masked") {
  const Mask mask({"hunter22"});
  Json json = {{"tail", "x hunter22"}, {"list", {"hunter22", 3, {{"deep", "hunter22!"}}}}};
  mask.apply(json);
  CHECK(workflow::dump_json(json) == R"({"tail":"x ***","list":["***",3,{"deep":"***!"}]})");
}
