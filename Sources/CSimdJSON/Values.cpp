#include "Values.hpp"

#include <charconv>
#include <simdjson.h>
#include <string>

namespace sj {

namespace {

inline bool isDigit(uint8_t byte) { return static_cast<uint8_t>(byte - '0') <= 9; }

const uint8_t *skipDigits(const uint8_t *at) {
    while (isDigit(*at)) { at++; }
    return at;
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013): days_from_civil.
int64_t daysSince1970(int64_t year, uint32_t month, uint32_t day) {
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t yearOfEra = year - era * 400;
    const int64_t dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    const int64_t dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear;
    return era * 146097 + dayOfEra - 719468;
}

uint32_t daysIn(uint32_t month, uint32_t year) {
    static constexpr uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && isLeap ? 29 : days[month - 1];
}

int hexadecimal(uint8_t byte) {
    if (isDigit(byte)) { return byte - '0'; }
    const uint8_t letter = byte | 0x20;
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/// The four hexadecimal digits at `at`, or -1.
int32_t codeUnit(const uint8_t *at, const uint8_t *end) {
    if (end - at < 4) { return -1; }
    int32_t unit = 0;
    for (int digit = 0; digit < 4; digit++) {
        const int value = hexadecimal(at[digit]);
        if (value < 0) { return -1; }
        unit = unit * 16 + value;
    }
    return unit;
}

size_t encode(uint32_t scalar, uint8_t *out) {
    if (scalar < 0x80) {
        out[0] = static_cast<uint8_t>(scalar);
        return 1;
    }
    if (scalar < 0x800) {
        out[0] = static_cast<uint8_t>(0xc0 | scalar >> 6);
        out[1] = static_cast<uint8_t>(0x80 | (scalar & 0x3f));
        return 2;
    }
    if (scalar < 0x10000) {
        out[0] = static_cast<uint8_t>(0xe0 | scalar >> 12);
        out[1] = static_cast<uint8_t>(0x80 | (scalar >> 6 & 0x3f));
        out[2] = static_cast<uint8_t>(0x80 | (scalar & 0x3f));
        return 3;
    }
    out[0] = static_cast<uint8_t>(0xf0 | scalar >> 18);
    out[1] = static_cast<uint8_t>(0x80 | (scalar >> 12 & 0x3f));
    out[2] = static_cast<uint8_t>(0x80 | (scalar >> 6 & 0x3f));
    out[3] = static_cast<uint8_t>(0x80 | (scalar & 0x3f));
    return 4;
}

/// Reads what follows the 'u' of an escape, a second escape included where the first is a high surrogate.
uint8_t unicodeEscape(const uint8_t *&at, const uint8_t *end, uint32_t &scalar) {
    const int32_t first = codeUnit(at, end);
    if (first < 0) { return SJ_INVALID_ESCAPE; }
    at += 4;
    scalar = static_cast<uint32_t>(first);
    if (scalar < 0xd800 || scalar > 0xdfff) { return SJ_OK; }
    if (scalar > 0xdbff || end - at < 2 || at[0] != '\\' || at[1] != 'u') { return SJ_UNPAIRED_SURROGATE; }
    const int32_t second = codeUnit(at + 2, end);
    if (second < 0) { return SJ_INVALID_ESCAPE; }
    if (second < 0xdc00 || second > 0xdfff) { return SJ_UNPAIRED_SURROGATE; }
    at += 6;
    scalar = 0x10000 + ((scalar - 0xd800) << 10) + (static_cast<uint32_t>(second) - 0xdc00);
    return SJ_OK;
}

/// A number's parts: `digits` are the mantissa's, without the point, which stands `point` digits from the left.
struct Decimal {
    const uint8_t *begin;
    const uint8_t *end;
    int64_t count = 0;
    int64_t point = 0;
    bool isNegative = false;
};

Decimal parts(const uint8_t *bytes, const uint8_t *end) {
    // Far beyond any document's length, so that a clamped exponent still outweighs any number of digits.
    constexpr int64_t exponentMax = int64_t{1} << 40;
    Decimal number;
    number.isNegative = *bytes == '-';
    number.begin = bytes + number.isNegative;
    const uint8_t *at = skipDigits(number.begin);
    number.point = number.count = at - number.begin;
    if (*at == '.') {
        const uint8_t *fraction = at + 1;
        at = skipDigits(fraction);
        number.count += at - fraction;
    }
    number.end = at;
    if (at < end) {
        at++;
        const bool isNegative = *at == '-';
        at += *at == '-' || *at == '+';
        int64_t exponent = 0;
        for (; at < end; at++) {
            exponent = exponent * 10 + (*at - '0');
            if (exponent > exponentMax) { exponent = exponentMax; }
        }
        number.point += isNegative ? -exponent : exponent;
    }
    return number;
}

}  // namespace

const uint8_t *numberEnd(const uint8_t *at) noexcept {
    at += *at == '-';
    if (!isDigit(*at)) { return nullptr; }
    at = *at == '0' ? at + 1 : skipDigits(at);
    if (*at == '.') {
        at++;
        if (!isDigit(*at)) { return nullptr; }
        at = skipDigits(at);
    }
    if ((*at | 0x20) == 'e') {
        at++;
        at += *at == '-' || *at == '+';
        if (!isDigit(*at)) { return nullptr; }
        at = skipDigits(at);
    }
    return endsScalar[*at] ? at : nullptr;
}

uint8_t scaled(const uint8_t *bytes, const uint8_t *end, int shift, Remainder remainder, int64_t &value) noexcept {
    const Decimal number = parts(bytes, end);
    const int64_t kept = number.point + shift;
    // The limit without the last digit's help: 2^63 is one more than the largest positive value.
    const uint64_t magnitudeMax = (uint64_t{1} << 63) - (number.isNegative ? 0 : 1);
    uint64_t magnitude = 0;
    uint8_t roundingDigit = 0;
    bool hasRemainder = false;
    bool overflows = false;
    int64_t position = 0;
    for (const uint8_t *at = number.begin; at < number.end; at++) {
        if (*at == '.') { continue; }
        const uint8_t digit = *at - '0';
        if (position < kept) {
            overflows |= __builtin_mul_overflow(magnitude, uint64_t{10}, &magnitude);
            overflows |= __builtin_add_overflow(magnitude, uint64_t{digit}, &magnitude);
        } else {
            if (position == kept) { roundingDigit = digit; }
            hasRemainder |= digit != 0;
        }
        position++;
    }
    for (; position < kept && magnitude != 0 && !overflows; position++) {
        overflows |= __builtin_mul_overflow(magnitude, uint64_t{10}, &magnitude);
    }
    if (hasRemainder && remainder == Remainder::reject) { return SJ_WRONG_TYPE; }
    if (overflows) { return SJ_OUT_OF_RANGE; }
    const bool up = remainder == Remainder::round ? roundingDigit >= 5
                                                  : remainder == Remainder::floor && number.isNegative && hasRemainder;
    if (up && __builtin_add_overflow(magnitude, uint64_t{1}, &magnitude)) { return SJ_OUT_OF_RANGE; }
    if (magnitude > magnitudeMax) { return SJ_OUT_OF_RANGE; }
    value = static_cast<int64_t>(number.isNegative ? uint64_t{0} - magnitude : magnitude);
    return SJ_OK;
}

uint8_t nearestDouble(const uint8_t *bytes, const uint8_t *end, double &value) noexcept {
    const char *const first = reinterpret_cast<const char *>(bytes), *const last = reinterpret_cast<const char *>(end);
#if defined(__cpp_lib_to_chars)
    const auto result = std::from_chars(first, last, value);
    if (result.ec != std::errc()) {
        // Too large or too small, and the standard does not say which: the place of the first digit that counts does.
        Decimal number = parts(bytes, end);
        const uint8_t *at = number.begin;
        for (; at < number.end && (*at == '0' || *at == '.'); at++) { number.point -= *at == '0'; }
        value = number.isNegative ? -0.0 : 0.0;
        return at < number.end && number.point > 0 ? SJ_OUT_OF_RANGE : SJ_OK;
    }
#else
    value = simdjson::internal::from_chars(first, last);
#endif
    return value - value == 0 ? SJ_OK : SJ_OUT_OF_RANGE;
}

bool minuteOf(const uint8_t *text, int64_t &micros) noexcept {
    const uint32_t century = twoDigits(text), yearOfCentury = twoDigits(text + 2);
    const uint32_t month = twoDigits(text + 5), day = twoDigits(text + 8);
    const uint32_t hour = twoDigits(text + 11), minute = twoDigits(text + 14);
    const bool hasSeparators = text[4] == '-' && text[7] == '-' && text[13] == ':'
        && ((text[10] | 0x20) == 't' || text[10] == ' ');
    if (!hasSeparators || century > 99 || yearOfCentury > 99 || month - 1 > 11 || hour > 23 || minute > 59) {
        return false;
    }
    const uint32_t year = century * 100 + yearOfCentury;
    if (day == 0 || day > daysIn(month, year)) { return false; }
    micros = ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60'000'000;
    return true;
}

uint8_t instant(const uint8_t *text, size_t length, MinuteMemo &memo, int64_t &micros) noexcept {
    if (length < sizeof "YYYY-MM-DDTHH:MM:SSZ" - 1) { return SJ_INVALID_TIMESTAMP; }
    if (std::memcmp(text, memo.text, sizeof memo.text) != 0) {
        int64_t minute;
        if (!minuteOf(text, minute)) { return SJ_INVALID_TIMESTAMP; }
        std::memcpy(memo.text, text, sizeof memo.text);
        memo.micros = minute;
    }
    const uint32_t second = twoDigits(text + 17);
    if (text[16] != ':' || second > 60) { return SJ_INVALID_TIMESTAMP; }
    const uint8_t *at = text + 19, *const end = text + length;
    int64_t fraction = 0;
    if (*at == '.') {
        const uint8_t *const digits = ++at;
        int64_t unit = 100'000;
        for (; at < end && isDigit(*at); at++, unit /= 10) { fraction += (*at - '0') * unit; }
        if (at == digits) { return SJ_INVALID_TIMESTAMP; }
    }
    int64_t offset = 0;
    if (end - at == 1 && (*at | 0x20) == 'z') {
        offset = 0;
    } else if (end - at == 6 && (*at == '+' || *at == '-') && at[3] == ':') {
        const uint32_t hours = twoDigits(at + 1), minutes = twoDigits(at + 4);
        if (hours > 23 || minutes > 59) { return SJ_INVALID_TIMESTAMP; }
        offset = (int64_t{hours} * 60 + minutes) * 60'000'000 * (*at == '-' ? -1 : 1);
    } else {
        return SJ_INVALID_TIMESTAMP;
    }
    micros = memo.micros + int64_t{second} * 1'000'000 + fraction - offset;
    return micros >= instantMin && micros < instantEnd ? SJ_OK : SJ_OUT_OF_RANGE;
}

namespace {

bool isTextSpace(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/// Whether these are the bytes of a number as Postgres reads one, its sign left out.
bool isNumeral(const uint8_t *at, const uint8_t *end) {
    const uint8_t *const whole = at;
    while (at < end && isDigit(*at)) { at++; }
    size_t digits = static_cast<size_t>(at - whole);
    if (at < end && *at == '.') {
        const uint8_t *const fraction = ++at;
        while (at < end && isDigit(*at)) { at++; }
        digits += static_cast<size_t>(at - fraction);
    }
    if (digits == 0) { return false; }
    if (at < end && (*at | 0x20) == 'e') {
        at++;
        if (at < end && (*at == '-' || *at == '+')) { at++; }
        const uint8_t *const exponent = at;
        while (at < end && isDigit(*at)) { at++; }
        if (at == exponent) { return false; }
    }
    return at == end;
}

/// A word of Postgres's booleans, or a beginning of one that is only one's.
uint8_t truth(const uint8_t *text, size_t length, uint8_t &value) {
    struct Word { const char *text; size_t shortest; uint8_t value; };
    static constexpr Word words[] = {
        {"true", 1, 1}, {"false", 1, 0}, {"yes", 1, 1}, {"no", 1, 0}, {"on", 2, 1}, {"off", 2, 0}, {"1", 1, 1}, {"0", 1, 0},
    };
    for (const Word &word : words) {
        if (length < word.shortest || length > std::strlen(word.text)) { continue; }
        size_t same = 0;
        // No letter of these words but the letter itself becomes it by setting the bit that tells small from large.
        while (same < length && (text[same] | 0x20) == static_cast<uint8_t>(word.text[same])) { same++; }
        if (same != length || (*word.text <= '1' && text[0] != static_cast<uint8_t>(*word.text))) { continue; }
        value = word.value;
        return SJ_OK;
    }
    return SJ_WRONG_TYPE;
}

}  // namespace

uint8_t valueOfText(uint8_t type, uint8_t scale, const uint8_t *text, size_t length, MinuteMemo &memo, void *value) {
    while (length > 0 && isTextSpace(*text)) { text++, length--; }
    while (length > 0 && isTextSpace(text[length - 1])) { length--; }
    if (type == SJ_TIMESTAMP_RFC3339) {
        int64_t micros;
        const uint8_t code = instant(text, length, memo, micros);
        std::memcpy(value, &micros, sizeof micros);
        return code;
    }
    if (type == SJ_BOOLEAN) { return truth(text, length, *static_cast<uint8_t *>(value)); }
    const bool isNegative = length > 0 && *text == '-';
    const bool hasSign = isNegative || (length > 0 && *text == '+');
    if (!isNumeral(text + hasSign, text + length)) { return SJ_WRONG_TYPE; }
    // A copy, since the text may be followed by a digit, and the readers of numbers go on as long as there are any.
    std::string copy(isNegative ? "-" : "");
    copy.append(reinterpret_cast<const char *>(text) + hasSign, length - hasSign);
    copy.push_back('\n');
    const uint8_t *const begin = reinterpret_cast<const uint8_t *>(copy.data()), *const end = begin + copy.size() - 1;
    int64_t number = 0;
    uint8_t code;
    switch (type) {
    case SJ_INTEGER: code = scaled(begin, end, 0, Remainder::reject, number); break;
    case SJ_DECIMAL: code = scaled(begin, end, scale, Remainder::round, number); break;
    case SJ_DOUBLE: {
        double nearest;
        code = nearestDouble(begin, end, nearest);
        std::memcpy(&number, &nearest, sizeof number);
        break;
    }
    case SJ_TIMESTAMP_SECONDS:
    case SJ_TIMESTAMP_MILLISECONDS:
    case SJ_TIMESTAMP_MICROSECONDS:
    case SJ_TIMESTAMP_NANOSECONDS:
        code = scaled(begin, end, 3 * (SJ_TIMESTAMP_MICROSECONDS - type), Remainder::floor, number);
        if (code == SJ_OK && (number < instantMin || number >= instantEnd)) { code = SJ_OUT_OF_RANGE; }
        break;
    default: return SJ_WRONG_TYPE;
    }
    std::memcpy(value, &number, sizeof number);
    return code;
}

uint8_t unescape(const uint8_t *bytes, size_t length, uint8_t *out, size_t &outLength) noexcept {
    const uint8_t *at = bytes, *const end = bytes + length;
    uint8_t scratch[4];
    size_t written = 0;
    while (at < end) {
        const void *const found = std::memchr(at, '\\', static_cast<size_t>(end - at));
        const uint8_t *const plainEnd = found == nullptr ? end : static_cast<const uint8_t *>(found);
        const size_t plain = static_cast<size_t>(plainEnd - at);
        if (out != nullptr) { std::memcpy(out + written, at, plain); }
        written += plain;
        if (found == nullptr) { break; }
        if (end - plainEnd < 2) { return SJ_INVALID_ESCAPE; }
        const uint8_t letter = plainEnd[1];
        at = plainEnd + 2;
        uint32_t scalar;
        switch (letter) {
        case '"': case '\\': case '/': scalar = letter; break;
        case 'b': scalar = '\b'; break;
        case 'f': scalar = '\f'; break;
        case 'n': scalar = '\n'; break;
        case 'r': scalar = '\r'; break;
        case 't': scalar = '\t'; break;
        case 'u':
            if (const uint8_t code = unicodeEscape(at, end, scalar); code != SJ_OK) { return code; }
            break;
        default: return SJ_INVALID_ESCAPE;
        }
        written += encode(scalar, out != nullptr ? out + written : scratch);
    }
    outLength = written;
    return SJ_OK;
}

}  // namespace sj
