// SHA-256: the vectors of FIPS 180-4, and the processor's own instructions against the portable
// code.
#include <catch2/catch.hpp>

#include "common/sha256.h"

namespace workflow::test {

TEST_CASE("the standard's vectors") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("bytes in pieces of any size are the same bytes") {
  std::string bytes(1000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 7);
  for (std::size_t size = 0; size <= 200; ++size) {
    const auto whole = std::string_view(bytes).substr(0, size);
    for (const std::size_t step : {1, 3, 63, 64, 65, 150}) {
      Sha256 hash;
      for (std::size_t at = 0; at < size; at += step) hash.update(whole.substr(at, step));
      REQUIRE(hash.hex() == sha256_hex(whole));
    }
  }
  Sha256 zeros;
  zeros.update_zeros(200'000);
  CHECK(zeros.hex() == sha256_hex(std::string(200'000, '\0')));
}

TEST_CASE("the processor's own instructions and the portable code agree") {
  const Sha256Blocks own = sha256_blocks_of_machine();
  if (own == nullptr) {
    WARN("this processor has no instructions for SHA-256; only the portable code was tested");
    return;
  }
  std::string bytes(64 * 40, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 131 + i / 251);
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  Sha256State state{1, 2, 3, 4, 5, 6, 7, 0xffffffff};
  for (std::size_t blocks = 0; blocks < 40; ++blocks) {
    Sha256State by_own = state;
    Sha256State portable = state;
    own(by_own, data, blocks);
    sha256_blocks_portable(portable, data, blocks);
    REQUIRE(by_own == portable);
    state = portable;
  }
}

}  // namespace workflow::test
