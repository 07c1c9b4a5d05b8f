// Wide comparisons and digit reading, the parts of a walker that depend on the instruction set.
// Included inside Walker.hpp's namespace, once per target; so no include guard and no includes.

/// True when the bytes at a structural character spell `spelling`. Reads 32 bytes.
static inline bool matches(const uint8_t *bytes, const Spelling &spelling) {
#if defined(SJ_AVX2)
    const __m256i there = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(bytes));
    const __m256i wanted = _mm256_load_si256(reinterpret_cast<const __m256i *>(spelling.bytes));
    const uint32_t equal = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(there, wanted)));
    return (~equal & spelling.need) == 0;
#elif defined(__SSE2__)
    uint32_t equal = 0;
    for (int half = 0; half < 2; half++) {
        const __m128i there = _mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes + 16 * half));
        const __m128i wanted = _mm_load_si128(reinterpret_cast<const __m128i *>(spelling.bytes + 16 * half));
        equal |= static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(there, wanted))) << (16 * half);
    }
    return (~equal & spelling.need) == 0;
#else
    const int length = 32 - __builtin_clz(spelling.need);
    return std::memcmp(bytes, spelling.bytes, static_cast<size_t>(length)) == 0;
#endif
}

/// Bit 7 of every byte of `digits` (bytes xor '0') that is no digit.
static inline uint64_t noDigits(uint64_t digits) {
    return (((digits & 0x7f7f7f7f7f7f7f7f) + 0x7676767676767676) | digits) & 0x8080808080808080;
}

/// The value of eight digits, the first in the lowest byte; leading zero bytes count as zeros.
static inline uint64_t valueOf(uint64_t digits) {
    digits = digits * 10 + (digits >> 8);
    return ((digits & 0x000000ff000000ff) * 0x000f424000000064
            + ((digits >> 16) & 0x000000ff000000ff) * 0x0000271000000001) >> 32;
}

/// Reads an unsigned number of at most eight bytes, all of them digits but for one point, as most numbers in events
/// are. `digits` are those without the point, as bytes 0...9, the last one in the highest byte; `fraction` of them
/// stand behind the point. False for anything else.
///
///     1 2 . 3 4          the eight bytes loaded, shifted so that the token's last byte is the highest;
///     0 0 0 1 2 . 3 4    one bit per byte that is no digit: none, or the point's;
///     0 0 0 0 1 2 3 4    the bytes before the point move up by one.
static inline __attribute__((always_inline)) bool shortNumber(
    const uint8_t *bytes, uint32_t length, uint64_t &digits, uint32_t &fraction) {
    if (__builtin_expect(length - 1 > 7, 0)) { return false; }
    const uint32_t unused = 64 - 8 * length;
    const uint64_t all = (load64(bytes) ^ 0x3030303030303030) << unused;
    const uint64_t odd = noDigits(all);
    // 01, but not 0 nor 0.1
    if (__builtin_expect(*bytes == '0' && length > 1 && bytes[1] != '.', 0)) { return false; }
    digits = all;
    fraction = 0;
    if (odd == 0) { return true; }
    const uint32_t place = static_cast<uint32_t>(__builtin_ctzll(odd)) & 56;
    const uint64_t before = (uint64_t{1} << place) - 1;
    fraction = 7 - place / 8;
    // The point itself is cleared with the bytes before it; those move up into its place.
    digits = (all & ~before & ~(uint64_t{0xff} << place)) | (all & before) << 8;
    const bool isPoint = static_cast<uint8_t>(all >> place) == ('.' ^ '0');
    return isPoint && (odd & (odd - 1)) == 0 && place != unused && fraction != 0;
}

/// A run of digits: how many, 0 when there are none or more than 15, and their value.
struct Run {
    uint64_t value;
    uint32_t count;
};

static inline Run run(const uint8_t *bytes) {
    static constexpr uint64_t power[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    constexpr uint64_t zeros = 0x3030303030303030;
    const uint64_t first = load64(bytes) ^ zeros;
    const uint64_t stop = noDigits(first);
    if (stop != 0) {
        const uint32_t count = static_cast<uint32_t>(__builtin_ctzll(stop)) >> 3;
        // Two shifts, since a shift by 64 is undefined; no digits give value 0.
        return {valueOf(first << (56 - 8 * count) << 8), count};
    }
    const uint64_t second = load64(bytes + 8) ^ zeros;
    const uint64_t secondStop = noDigits(second);
    if (secondStop == 0) { return {0, 0}; }
    const uint32_t count = static_cast<uint32_t>(__builtin_ctzll(secondStop)) >> 3;
    return {valueOf(first) * power[count] + valueOf(second << (56 - 8 * count) << 8), 8 + count};
}
