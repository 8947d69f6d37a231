// The wire: what was sent arrives whole or not at all.
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <random>

#include "common/text.h"
#include "common/unique_fd.h"
#include "remote/protocol/message.h"

namespace workflow::protocol {
namespace {

/// A descriptor from which exactly these bytes can be read.
UniqueFd holding(std::string_view bytes) {
  UniqueFd fd(::memfd_create("request", MFD_CLOEXEC));
  REQUIRE(fd.valid());
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    REQUIRE(n > 0);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

Request received(std::string_view bytes) {
  const UniqueFd fd = holding(bytes);
  Incoming in;
  return read_request(fd.get(), 10'000, in);
}

std::string random_bytes(std::mt19937& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string every_byte() {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  return bytes;
}

}  // namespace

TEST_CASE("a request with hostile blobs arrives as it was sent") {
  std::mt19937 random(7);
  Request sent{"task-run", {{"text", "ä\n\"quoted\"\t"}, {"list", {1, 2, nullptr}}}, "token", {}};
  sent.blobs = {{"empty", ""},
                {"nul", std::string("\0\n\0", 3)},
                {"digits", "12\n34\n"},
                {"every", every_byte()},
                {"secret:KEY=\"\n", "{\"protocol\":1}\n"},
                {"big", random_bytes(random, 1 << 20)},
                {"last", ""}};
  const Request got = received(encode(sent));
  CHECK(got.verb == sent.verb);
  CHECK(got.args == sent.args);
  CHECK(got.token == sent.token);
  REQUIRE(got.blobs.size() == sent.blobs.size());
  for (std::size_t i = 0; i < sent.blobs.size(); ++i) {
    CHECK(got.blobs[i].name == sent.blobs[i].name);
    CHECK((got.blobs[i].bytes == sent.blobs[i].bytes));
  }
  CHECK(got.blob("digits") == "12\n34\n");
  CHECK_THROWS_AS(got.blob("other"), Error);
}

TEST_CASE("a request cut at any byte is none") {
  const Request small{"fsm-reset", {{"state", "INIT"}}, "t", {{"a", "xyz"}, {"b", ""}}};
  const std::string bytes = encode(small);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    INFO("cut after " << n << " of " << bytes.size());
    try {
      (void)received(std::string_view(bytes).substr(0, n));
      FAIL("half a request was taken for a whole one");
    } catch (const Error& error) {
      CHECK(error.code() == Code::unreachable);
    }
  }
  CHECK(received(bytes).blob("a") == "xyz");
}

TEST_CASE("a blob damaged at any byte is refused") {
  const Request small{"exec", Json::object(), "t", {{"a", "some bytes"}}};
  const std::string bytes = encode(small);
  for (std::size_t n = bytes.find('\n') + 1; n < bytes.size(); ++n) {
    std::string damaged = bytes;
    damaged[n] = static_cast<char>(damaged[n] ^ 1);
    INFO("byte " << n);
    try {
      (void)received(damaged);
      FAIL("damage went unseen");
    } catch (const Error& error) {
      CHECK(error.code() == Code::unreachable);
    }
  }
}

TEST_CASE("what is no request of ours is refused in words") {
  CHECK_THROWS_AS(received("not json\n"), Error);
  CHECK_THROWS_AS(received("{\"protocol\":2,\"verb\":\"exec\"}\n"), Error);
  CHECK_THROWS_AS(received("[]\n"), Error);
  for (const char* size : {"-1", "99999999999", "\"x\"", "null"}) {
    INFO(size);
    const std::string line = std::string("{\"protocol\":1,\"verb\":\"v\",\"args\":{},\"blobs\":[") +
                             "{\"name\":\"a\",\"size\":" + size + ",\"sha256\":\"\"}]}\n";
    CHECK_THROWS_AS(received(line + "0\n"), Error);
  }
}

TEST_CASE("a request that never comes is not waited for without end") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const UniqueFd in(ends[0]);
  const UniqueFd out(ends[1]);
  Incoming rest;
  try {
    (void)read_request(in.get(), 50, rest);
    FAIL("there was nothing to read");
  } catch (const Error& error) {
    CHECK(error.code() == Code::unreachable);
  }
}

TEST_CASE("log events carry every byte, wherever the log is cut") {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    std::string bytes = random_bytes(random, random() % 200);
    if (round % 2 == 0) bytes += "grün ✓ 😀" + bytes + "ende\n\0";
    std::string joined;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t size = std::min<std::size_t>(1 + random() % 40, bytes.size() - at);
      const auto piece = std::string_view(bytes).substr(at, size);
      for (const auto& event : log_events("id", std::int64_t(at), piece)) {
        const Json arrived = parse_json(dump_json(event), "event");
        CHECK(number_at(arrived, "offset") == std::int64_t(joined.size()));
        joined += log_bytes(arrived);
      }
      at += size;
    }
    CHECK((joined == bytes));
  }
  CHECK(log_events("id", 0, "").empty());
  CHECK(text_at(log_events("id", 3, "grün\n").at(0), "text") == "grün\n");
}

TEST_CASE("an error goes over the wire with all it carries") {
  const Error sent(Code::busy, "busy: 'x'", "wait", "{\"holder\":{\"user\":\"ana\"}}");
  const Error got = error_from(parse_json(dump_json(error_json(sent)), "error"));
  CHECK(got.code() == Code::busy);
  CHECK(std::string(got.what()) == sent.what());
  CHECK(got.hint() == sent.hint());
  CHECK(parse_json(got.details(), "details") == parse_json(sent.details(), "details"));
  CHECK(error_from(error_json(Error(Code::not_found, "no"))).details().empty());
}

}  // namespace workflow::protocol
