#include "common/sha256.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace workflow {
namespace {

constexpr const auto& k = sha256_round_constants;

void portable_block(Sha256State& state, const unsigned char* data) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t i = 0; i < 16; ++i) {
    w[i] = static_cast<std::uint32_t>(data[4 * i]) << 24U |
           static_cast<std::uint32_t>(data[4 * i + 1]) << 16U |
           static_cast<std::uint32_t>(data[4 * i + 2]) << 8U | data[4 * i + 3];
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const auto s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3U;
    const auto s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10U;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t i = 0; i < 64; ++i) {
    const auto s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const auto t1 = h + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i];
    const auto s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const auto t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const std::array<std::uint32_t, 8> add{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state[i] += add[i];
}

/// What this processor does best; asked once.
Sha256Blocks take_blocks() {
  static const Sha256Blocks own = sha256_blocks_of_machine();
  return own != nullptr ? own : sha256_blocks_portable;
}

}  // namespace

void sha256_blocks_portable(Sha256State& state, const unsigned char* data, std::size_t blocks) {
  for (; blocks > 0; --blocks, data += 64) portable_block(state, data);
}

void Sha256::update(std::string_view bytes) {
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  std::size_t used = length_ % 64;
  length_ += left;
  if (used != 0) {
    const std::size_t take = std::min(left, 64 - used);
    std::memcpy(rest_.data() + used, data, take);
    data += take;
    left -= take;
    if (used + take < 64) return;
    take_blocks()(state_, rest_.data(), 1);
  }
  if (left >= 64) take_blocks()(state_, data, left / 64);
  data += left / 64 * 64;
  left %= 64;
  if (left != 0) std::memcpy(rest_.data(), data, left);
}

void Sha256::update_zeros(std::int64_t count) {
  static constexpr std::array<char, 65536> zeros{};
  while (count > 0) {
    const auto some = std::min<std::int64_t>(count, zeros.size());
    update({zeros.data(), static_cast<std::size_t>(some)});
    count -= some;
  }
}

std::string Sha256::hex() {
  const std::uint64_t bits = length_ * 8;
  std::string tail(1, '\x80');
  tail.append((119 - length_ % 64) % 64, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) tail += static_cast<char>(bits >> shift & 0xffU);
  update(tail);
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const auto word : state_) {
    for (int shift = 28; shift >= 0; shift -= 4) out += digits[word >> shift & 15U];
  }
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

}  // namespace workflow
