#pragma once
// From the bytes of one JSON value to a number, an instant or a text: the exact, general way. The walker's inner loop
// has shortcuts for the usual spellings and comes here for the rest.
#include "CSimdJSON.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace sj {

/// What becomes of the digits behind the last one that the column keeps.
enum class Remainder {
    /// There must be none (integers).
    reject,
    /// Half away from zero, as Postgres' numeric does.
    round,
    /// Toward negative infinity (instants).
    floor,
};

/// 0001-01-01T00:00:00Z and 10000-01-01T00:00:00Z in microseconds since 1970.
constexpr int64_t instantMin = -62135596800000000;
constexpr int64_t instantEnd = 253402300800000000;

/// The bytes that may follow a number or a literal.
struct Terminators {
    bool table[256] = {};
    constexpr Terminators() {
        for (const char byte : {' ', '\t', '\n', '\r', ',', ']', '}'}) { table[static_cast<uint8_t>(byte)] = true; }
    }
    constexpr bool operator[](uint8_t byte) const { return table[byte]; }
};
inline constexpr Terminators endsScalar;

/// The end of the JSON number at `bytes`, or null if there is none or something is glued to it.
const uint8_t *numberEnd(const uint8_t *bytes) noexcept;

/// The number in [bytes, end), which numberEnd accepted, times 10^shift, exactly.
/// SJ_OK, or SJ_WRONG_TYPE for digits that Remainder::reject refuses, or SJ_OUT_OF_RANGE beyond 64 bits.
uint8_t scaled(const uint8_t *bytes, const uint8_t *end, int shift, Remainder remainder, int64_t &value) noexcept;

/// The nearest double; SJ_OUT_OF_RANGE where that would be an infinity. Too small a number is zero.
uint8_t nearestDouble(const uint8_t *bytes, const uint8_t *end, double &value) noexcept;

/// The minute an instant's text began with last, since most events share it with the event before.
struct MinuteMemo {
    /// At first what no text can hold: 0xff is never part of UTF-8, while zeros would be sixteen U+0000 remembered as 1970.
    uint8_t text[16];
    int64_t micros = 0;

    MinuteMemo() noexcept { std::memset(text, 0xff, sizeof text); }
};

/// `YYYY-MM-DDTHH:MM` (T, t or space) as microseconds since 1970, as if in UTC; false if that is not what stands there.
bool minuteOf(const uint8_t *text, int64_t &micros) noexcept;

/// An RFC 3339 date and time; digits behind the microseconds are dropped; second 60 is the next minute's first.
uint8_t instant(const uint8_t *text, size_t length, MinuteMemo &memo, int64_t &micros) noexcept;

/// The value that a text stands for, for types that are no text; the spelling is Postgres's: white space around it, a sign,
/// zeros in front, no digit before the point or behind it; for booleans every beginning of true, false, yes and no, on, off,
/// 1 and 0, in any case. SJ_WRONG_TYPE for anything else. `value` gets 8 bytes, or 1 for a boolean.
uint8_t valueOfText(uint8_t type, uint8_t scale, const uint8_t *text, size_t length, MinuteMemo &memo, void *value);

/// The length of a text cut behind the last code point that ends within `lengthMax` bytes.
static inline uint32_t cutLength(const uint8_t *text, uint32_t lengthMax) noexcept {
    uint32_t length = lengthMax;
    while (length > 0 && (text[length] & 0xc0) == 0x80) { length--; }
    return length;
}

/// Checks the escapes of a string's contents and, unless `out` is null, writes them unescaped: never longer than they
/// were. SJ_OK, SJ_INVALID_ESCAPE or SJ_UNPAIRED_SURROGATE.
uint8_t unescape(const uint8_t *bytes, size_t length, uint8_t *out, size_t &outLength) noexcept;

/// Two digits at `bytes`, or a value above 99.
static inline uint32_t twoDigits(const uint8_t *bytes) noexcept {
    const uint32_t tens = static_cast<uint32_t>(bytes[0]) - '0', ones = static_cast<uint32_t>(bytes[1]) - '0';
    return tens > 9 || ones > 9 ? 255 : tens * 10 + ones;
}

static inline uint64_t load64(const uint8_t *bytes) noexcept {
    uint64_t word;
    std::memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

}  // namespace sj
