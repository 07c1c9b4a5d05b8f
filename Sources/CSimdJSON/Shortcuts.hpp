// Part of class Walker (included inside it): the usual spellings of declared values, without a call or a loop.
// Each answers false for anything else, and the general way decides.

template <char... letters> static bool isLiteral(const uint8_t *bytes) {
    const uint8_t expected[] = {static_cast<uint8_t>(letters)...};
    return std::memcmp(bytes, expected, sizeof expected) == 0 && endsScalar[bytes[sizeof expected]];
}

static bool isFalse(const uint8_t *bytes) { return isLiteral<'f', 'a', 'l', 's', 'e'>(bytes); }

/// The integer of `length` bytes at `bytes`, at most 15 digits.
static inline __attribute__((always_inline)) bool shortInteger(const uint8_t *bytes, uint32_t length, int64_t &number) {
    const bool isNegative = *bytes == '-';
    bytes += isNegative;
    length -= isNegative;
    uint64_t digits, magnitude;
    uint32_t fraction;
    if (shortNumber(bytes, length, digits, fraction) && fraction == 0) {
        magnitude = valueOf(digits);
    } else {
        const Run longer = run(bytes);
        if (longer.count == 0 || !endsScalar[bytes[longer.count]] || (*bytes == '0' && longer.count > 1)) {
            return false;
        }
        magnitude = longer.value;
    }
    number = isNegative ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
    return true;
}

/// Nanoseconds of the years 2001 to 2286, which have nineteen digits: the first sixteen are the microseconds.
static inline __attribute__((always_inline)) bool shortNanoseconds(const uint8_t *bytes, int64_t &micros) {
    constexpr uint64_t zeros = 0x3030303030303030;
    const uint64_t first = load64(bytes) ^ zeros, second = load64(bytes + 8) ^ zeros, last = load64(bytes + 11) ^ zeros;
    if ((noDigits(first) | noDigits(second) | noDigits(last)) != 0 || *bytes == '0' || !endsScalar[bytes[19]]) {
        return false;
    }
    micros = static_cast<int64_t>(valueOf(first) * 100'000'000 + valueOf(second));
    return true;
}

/// The number of `length` bytes at `bytes`, at most seven digits and a point, with no more digits behind it than the
/// scale, and a scale of at most 9.
static inline __attribute__((always_inline)) bool shortDecimal(
    const uint8_t *bytes, uint32_t length, uint32_t scale, int64_t &number) {
    static constexpr int64_t power[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
    const bool isNegative = *bytes == '-';
    uint64_t digits;
    uint32_t fraction;
    if (!shortNumber(bytes + isNegative, length - isNegative, digits, fraction)) { return false; }
    if (fraction > scale || scale > 9) { return false; }
    const int64_t magnitude = static_cast<int64_t>(valueOf(digits)) * power[scale - fraction];
    number = isNegative ? -magnitude : magnitude;
    return true;
}

/// The number of `length` bytes at `bytes`, at most seven digits and a point. Digits and power of ten are both exact as
/// doubles, so that one division rounds correctly (Clinger, "How to read floating point numbers accurately", 1990).
static inline __attribute__((always_inline)) bool shortDouble(const uint8_t *bytes, uint32_t length, double &number) {
    static constexpr double power[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    const bool isNegative = *bytes == '-';
    uint64_t digits;
    uint32_t fraction;
    if (!shortNumber(bytes + isNegative, length - isNegative, digits, fraction)) { return false; }
    const double magnitude = static_cast<double>(valueOf(digits)) / power[fraction];
    number = isNegative ? -magnitude : magnitude;
    return true;
}

/// `YYYY-MM-DDTHH:MM:SSZ` or with three digits of a second, closed by its quote, in the minute of the event before or
/// in another one. `room` is the number of bytes up to the next token, quote included.
bool shortInstant(const uint8_t *text, uint32_t room, int64_t &micros) {
    if (room < 21) { return false; }
    if (load64(text) != load64(batch.minute.text) || load64(text + 8) != load64(batch.minute.text + 8)) {
        int64_t minute;
        if (!minuteOf(text, minute)) { return false; }
        std::memcpy(batch.minute.text, text, sizeof batch.minute.text);
        batch.minute.micros = minute;
    }
    const uint32_t second = twoDigits(text + 17);
    if (text[16] != ':' || second > 60) { return false; }
    uint32_t milliseconds = 0;
    if (text[19] == '.') {
        if (room < 25 || text[23] != 'Z' || text[24] != '"') { return false; }
        const uint32_t hundredths = twoDigits(text + 20), thousandths = static_cast<uint32_t>(text[22]) - '0';
        if (hundredths > 99 || thousandths > 9) { return false; }
        milliseconds = hundredths * 10 + thousandths;
    } else if (text[19] != 'Z' || text[20] != '"') {
        return false;
    }
    micros = batch.minute.micros + int64_t{second} * 1'000'000 + int64_t{milliseconds} * 1'000;
    return micros >= instantMin && micros < instantEnd;
}

/// The value at `at`, if it is one token of the usual form for its key: written or, where nobody declared it, checked.
/// False for anything else, errors included.
__attribute__((always_inline)) bool isShortcut(
    const Spelling &spelling, const uint8_t *base, const uint32_t *at, const Place place) {
    const uint32_t begin = at[0], after = at[1];
    const uint8_t *const bytes = base + begin;
    switch (spelling.action) {
    case actionText: {
        Field &field = *spelling.field;
        const uint32_t length = after - begin - 2;
        if (*bytes != '"' || base[after - 1] != '"' || backslash < after) { return false; }
        if (length > field.textLengthMax) { return false; }
        place.put(field, sj_slice{place.offset + begin + 1, length});
        return true;
    }
    case actionInteger: {
        int64_t number;
        if (!shortInteger(bytes, after - begin, number)) { return false; }
        place.put(*spelling.field, number);
        return true;
    }
    case actionDecimal: {
        int64_t number;
        if (!shortDecimal(bytes, after - begin, spelling.field->scale, number)) { return false; }
        place.put(*spelling.field, number);
        return true;
    }
    case actionDouble: {
        double number;
        if (!shortDouble(bytes, after - begin, number)) { return false; }
        place.put(*spelling.field, number);
        return true;
    }
    case actionBoolean: {
        const bool isTrue = isLiteral<'t', 'r', 'u', 'e'>(bytes);
        if (!isTrue && !isFalse(bytes)) { return false; }
        place.put(*spelling.field, static_cast<uint8_t>(isTrue));
        return true;
    }
    case actionTimestampText: {
        int64_t micros;
        if (*bytes != '"' || backslash < after || !shortInstant(bytes + 1, after - begin - 1, micros)) { return false; }
        place.put(*spelling.field, micros);
        return true;
    }
    case actionTimestampSeconds:
    case actionTimestampMilliseconds:
    case actionTimestampMicroseconds: {
        static constexpr int64_t unit[] = {1'000'000, 1'000, 1};
        int64_t number;
        if (!shortInteger(bytes, after - begin, number)) { return false; }
        if (__builtin_mul_overflow(number, unit[spelling.action - actionTimestampSeconds], &number)) { return false; }
        if (number < instantMin || number >= instantEnd) { return false; }
        place.put(*spelling.field, number);
        return true;
    }
    case actionTimestampNanoseconds: {
        int64_t micros;
        if (!shortNanoseconds(bytes, micros)) { return false; }
        place.put(*spelling.field, micros);
        return true;
    }
    case actionSkip:
        if (*bytes == '"') { return backslash >= after; }
        if (isDigitOrMinus(*bytes)) { return isNumber(bytes, after - begin); }
        return isLiteral<'t', 'r', 'u', 'e'>(bytes) || isFalse(bytes) || isLiteral<'n', 'u', 'l', 'l'>(bytes);
    case actionLenient: return isLenientShortcut(*spelling.field, at);
    case actionObject:
    case actionMember: return false;
    }
    __builtin_unreachable();
}

/// The same for a field that takes more than its type. A call, so that the loop above stays small for all the others.
__attribute__((noinline)) bool isLenientShortcut(Field &field, Token at) {
    const uint32_t begin = at[0], after = at[1];
    const uint8_t *const bytes = base + begin;
    const Place place{document, segment.offset};
    int64_t number;
    double nearest;
    if (*bytes != '"') {
        if (!isDigitOrMinus(*bytes)) { return false; }
        switch (field.type) {
        case SJ_INTEGER:
            if (!shortInteger(bytes, after - begin, number)) { return false; }
            place.put(field, number);
            return true;
        case SJ_DECIMAL:
            if (!shortDecimal(bytes, after - begin, field.scale, number)) { return false; }
            place.put(field, number);
            return true;
        case SJ_DOUBLE:
            if (!shortDouble(bytes, after - begin, nearest)) { return false; }
            place.put(field, nearest);
            return true;
        case SJ_TEXT: break;
        default: return false;
        }
        const uint8_t *const end = numberEnd(bytes);
        if (!field.acceptsText || end == nullptr || end - bytes > int64_t{field.textLengthMax}) { return false; }
        place.put(field, sj_slice{place.offset + begin, static_cast<uint32_t>(end - bytes)});
        field.cutSerial = 0;
        return true;
    }
    const uint32_t length = after - begin - 2;
    if (base[after - 1] != '"' || backslash < after) { return false; }
    switch (field.type) {
    case SJ_TEXT:
        if (length > field.textLengthMax) { return false; }
        place.put(field, sj_slice{place.offset + begin + 1, length});
        field.cutSerial = 0;
        return true;
    case SJ_INTEGER:
        if (!quotedInteger(bytes + 1, length, number)) { return false; }
        place.put(field, number);
        return true;
    case SJ_DECIMAL:
        if (!shortDecimal(bytes + 1, length, field.scale, number)) { return false; }
        place.put(field, number);
        return true;
    case SJ_DOUBLE:
        if (!shortDouble(bytes + 1, length, nearest)) { return false; }
        place.put(field, nearest);
        return true;
    default: return false;
    }
}

/// The integer that is all of a text of `length` bytes, at most 15 digits.
static bool quotedInteger(const uint8_t *bytes, uint32_t length, int64_t &number) {
    const bool isNegative = *bytes == '-';
    bytes += isNegative;
    length -= isNegative;
    uint64_t digits, magnitude;
    uint32_t fraction;
    if (shortNumber(bytes, length, digits, fraction)) {
        if (fraction != 0) { return false; }
        magnitude = valueOf(digits);
    } else {
        const Run longer = run(bytes);
        if (longer.count == 0 || longer.count != length) { return false; }
        magnitude = longer.value;
    }
    number = isNegative ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
    return true;
}
