// SHA-256 by the processor's own instructions, each behind a look whether it has them.
#include "common/sha256_blocks.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <immintrin.h>
#elif defined(__aarch64__) && defined(__GNUC__) && !defined(__clang__)
#include <arm_neon.h>
#include <sys/auxv.h>
#elif defined(__APPLE__) && defined(__aarch64__) && defined(__ARM_FEATURE_SHA2)
#include <arm_neon.h>
#endif

namespace workflow {

#if defined(__x86_64__) && defined(__GNUC__)

namespace {

bool has_sha_ni() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return false;
  const bool sse41_ssse3 = (c & bit_SSE4_1) != 0 && (c & bit_SSSE3) != 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  return sse41_ssse3 && (b & bit_SHA) != 0;
}

__attribute__((target("sha,sse4.1,ssse3"))) inline __m128i constants(std::size_t round) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(sha256_round_constants.data() + round));
}

/// Four rounds; the instruction keeps the state as ABEF and CDGH.
__attribute__((target("sha,sse4.1,ssse3"))) inline void rounds(__m128i& abef, __m128i& cdgh,
                                                               __m128i words, std::size_t round) {
  const __m128i sum = _mm_add_epi32(words, constants(round));
  cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
  abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0e));
}

/// The next four words of the schedule, of the sixteen before them.
__attribute__((target("sha,sse4.1,ssse3"))) inline __m128i next_words(__m128i w0, __m128i w1,
                                                                      __m128i w2, __m128i w3) {
  const __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
  return _mm_sha256msg2_epu32(sum, w3);
}

__attribute__((target("sha,sse4.1,ssse3"))) void blocks_of_x86(Sha256State& state,
                                                               const unsigned char* data,
                                                               std::size_t blocks) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  auto* at = reinterpret_cast<__m128i*>(state.data());
  const __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128(at), 0xb1);
  const __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128(at + 1), 0x1b);
  __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
  __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
  for (; blocks > 0; --blocks, data += 64) {
    const __m128i abef_before = abef;
    const __m128i cdgh_before = cdgh;
    __m128i w[4];
    for (std::size_t i = 0; i < 4; ++i) {
      const auto* from = reinterpret_cast<const __m128i*>(data + 16 * i);
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128(from), swap);
      rounds(abef, cdgh, w[i], 4 * i);
    }
#pragma GCC unroll 12
    for (std::size_t i = 4; i < 16; ++i) {
      w[i % 4] = next_words(w[i % 4], w[(i + 1) % 4], w[(i + 2) % 4], w[(i + 3) % 4]);
      rounds(abef, cdgh, w[i % 4], 4 * i);
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(at, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(at + 1, _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace

Sha256Blocks sha256_blocks_of_machine() { return has_sha_ni() ? blocks_of_x86 : nullptr; }

#elif defined(__aarch64__) && \
    ((defined(__GNUC__) && !defined(__clang__)) || defined(__ARM_FEATURE_SHA2))

namespace {

bool has_sha2() {
#ifdef __APPLE__
  return true;
#else
  constexpr unsigned long sha2 = 1UL << 6U;  // HWCAP_SHA2
  return (::getauxval(AT_HWCAP) & sha2) != 0;
#endif
}

#ifndef __clang__
#pragma GCC push_options
#pragma GCC target("+crypto")
#endif

void blocks_of_arm(Sha256State& state, const unsigned char* data, std::size_t blocks) {
  uint32x4_t abcd = vld1q_u32(state.data());
  uint32x4_t efgh = vld1q_u32(state.data() + 4);
  for (; blocks > 0; --blocks, data += 64) {
    const uint32x4_t abcd_before = abcd;
    const uint32x4_t efgh_before = efgh;
    uint32x4_t w[4];
    for (std::size_t i = 0; i < 4; ++i) {
      w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data + 16 * i)));
    }
    for (std::size_t i = 0; i < 16; ++i) {
      uint32x4_t& words = w[i % 4];
      if (i >= 4) {
        words =
            vsha256su1q_u32(vsha256su0q_u32(words, w[(i + 1) % 4]), w[(i + 2) % 4], w[(i + 3) % 4]);
      }
      const uint32x4_t sum = vaddq_u32(words, vld1q_u32(sha256_round_constants.data() + 4 * i));
      const uint32x4_t abcd_now = abcd;
      abcd = vsha256hq_u32(abcd, efgh, sum);
      efgh = vsha256h2q_u32(efgh, abcd_now, sum);
    }
    abcd = vaddq_u32(abcd, abcd_before);
    efgh = vaddq_u32(efgh, efgh_before);
  }
  vst1q_u32(state.data(), abcd);
  vst1q_u32(state.data() + 4, efgh);
}

#ifndef __clang__
#pragma GCC pop_options
#endif

}  // namespace

Sha256Blocks sha256_blocks_of_machine() { return has_sha2() ? blocks_of_arm : nullptr; }

#else

Sha256Blocks sha256_blocks_of_machine() { return nullptr; }

#endif

}  // namespace workflow
