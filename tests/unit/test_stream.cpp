// Raw bytes on the wire: they arrive as they were, however the stream is cut into reads; a stream
// that stops early is never taken for one that has ended.
#include <unistd.h>

#include <catch2/catch.hpp>
#include <random>

#include "common/error.h"
#include "common/json.h"
#include "common/pipe.h"
#include "remote/protocol/stream.h"

namespace workflow::protocol {
namespace {

using State = Pieces::State;

std::string random_bytes(std::mt19937& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string piece(const std::string& bytes) { return piece_head(bytes.size()) + bytes; }

/// What the agent hears of `bytes` when they come in reads of `step`, and how it ended.
struct Heard {
  std::string bytes;
  State state = State::open;
};

Heard heard(std::string_view bytes, std::size_t begun, bool closed) {
  Pipe pipe = make_pipe();
  Incoming in;
  in.feed(bytes.substr(0, begun));
  REQUIRE(::write(pipe.write.get(), bytes.data() + begun, bytes.size() - begun) ==
          static_cast<ssize_t>(bytes.size() - begun));
  if (closed) pipe.write.reset();
  Pieces pieces(pipe.read.get(), in);
  Heard out;
  bool more = bytes.size() > begun || closed;
  while (true) {
    while (const auto piece = pieces.next()) out.bytes += *piece;
    out.state = pieces.state();
    if (out.state != State::open || !more) return out;
    pieces.pull();
    more = closed;
  }
}

}  // namespace

TEST_CASE("events and their bytes come apart again wherever the stream is cut") {
  std::mt19937 random(3);
  const std::string raw = random_bytes(random, 300) + "\n{\"event\":\"result\"}\n";
  const std::string stream = "banner\n" + bytes_event({{"stream", "out"}}, raw) +
                             bytes_event({{"stream", "err"}}, "") + "{\"event\":\"result\"}\n";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Incoming in;
    std::vector<std::string> lines;
    std::vector<std::string> bytes;
    std::optional<std::size_t> due;
    const auto take = [&] {
      while (true) {
        if (due) {
          const auto some = in.bytes(*due);
          if (!some) return;
          bytes.emplace_back(*some);
          due.reset();
        } else {
          const auto line = in.line();
          if (!line) return;
          lines.emplace_back(*line);
          if (lines.size() == 1) continue;
          const Json event = parse_json(*line, "event");
          if (text_at(event, "event") == "bytes") due = bytes_behind(event);
        }
      }
    };
    in.feed(std::string_view(stream).substr(0, cut));
    take();
    in.feed(std::string_view(stream).substr(cut));
    take();
    REQUIRE(lines.size() == 4);
    REQUIRE(bytes.size() == 2);
    CHECK((bytes[0] == raw));
    CHECK(bytes[1].empty());
    CHECK(lines[3] == "{\"event\":\"result\"}");
  }
}

TEST_CASE("a size that nobody would announce is no event of ours") {
  CHECK(bytes_behind({{"event", "log"}, {"size", 7}}) == 0);
  for (const Json& size : {Json(-1), Json(std::int64_t(1) << 40), Json("x"), Json()}) {
    CHECK_THROWS_AS(bytes_behind({{"event", "bytes"}, {"size", size}}), Error);
  }
}

TEST_CASE("pieces behind a request arrive, and only their mark is their end") {
  std::mt19937 random(5);
  const std::string first = random_bytes(random, 70);
  const std::string second = "0\n0\n";
  const std::string stream = piece(first) + piece(second) + piece("");
  for (std::size_t n = 0; n <= stream.size(); ++n) {
    INFO("cut after " << n << " of " << stream.size());
    const auto part = std::string_view(stream).substr(0, n);
    const bool whole = n == stream.size();
    for (const std::size_t begun : {std::size_t(0), n / 2, n}) {
      CHECK(heard(part, begun, true).state == (whole ? State::ended : State::cut));
      const Heard open = heard(part, begun, false);
      CHECK(open.state == (whole ? State::ended : State::open));
      CHECK((std::string(first + second).rfind(open.bytes, 0) == 0));
      if (whole) CHECK((open.bytes == first + second));
    }
  }
}

TEST_CASE("a client that goes after its last piece is seen to go") {
  Pipe pipe = make_pipe();
  Incoming in;
  in.feed(piece("x") + piece(""));
  Pieces pieces(pipe.read.get(), in);
  CHECK(pieces.next() == "x");
  CHECK_FALSE(pieces.next());
  CHECK(pieces.state() == State::ended);
  pipe.write.reset();
  pieces.pull();
  CHECK(pieces.state() == State::cut);
}

TEST_CASE("a piece of no sense is damage, not data") {
  for (const char* line : {"x\n", "-1\n", "99999999999\n", "1 \n", "\n"}) {
    Incoming in;
    in.feed(line);
    Pieces pieces(-1, in);
    CHECK_THROWS_AS(pieces.next(), Error);
  }
}

}  // namespace workflow::protocol
