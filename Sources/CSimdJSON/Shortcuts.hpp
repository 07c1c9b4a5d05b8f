// Part of class Walker (included inside it): the usual spellings of declared values, without a call or a loop.
// Each answers false for anything else, and the general way decides.

template <char... letters> static bool isLiteral(const uint8_t *bytes) {
    const uint8_t expected[] = {static_cast<uint8_t>(letters)...};
    return std::memcmp(bytes, expected, sizeof expected) == 0 && endsScalar[bytes[sizeof expected]];
}

static bool isFalse(const uint8_t *bytes) { return isLiteral<'f', 'a', 'l', 's', 'e'>(bytes); }

/// An integer of at most 15 digits.
static inline bool shortInteger(const uint8_t *bytes, int64_t &number) {
    const bool isNegative = *bytes == '-';
    bytes += isNegative;
    const Run digits = run(bytes);
    if (digits.count == 0 || !endsScalar[bytes[digits.count]] || (*bytes == '0' && digits.count > 1)) { return false; }
    const int64_t magnitude = static_cast<int64_t>(digits.value);
    number = isNegative ? -magnitude : magnitude;
    return true;
}

/// At most 8 digits before the point and at most 7, and no more than the scale, behind it.
static inline bool shortDecimal(const uint8_t *bytes, uint32_t scale, int64_t &number) {
    static constexpr int64_t power[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
    const bool isNegative = *bytes == '-';
    bytes += isNegative;
    const Run whole = run(bytes);
    if (whole.count - 1 > 7 || scale > 9 || (*bytes == '0' && whole.count > 1)) { return false; }
    int64_t magnitude = static_cast<int64_t>(whole.value);
    if (bytes[whole.count] == '.') {
        bytes += whole.count + 1;
        const Run fraction = run(bytes);
        if (fraction.count - 1 > 6 || fraction.count > scale || !endsScalar[bytes[fraction.count]]) { return false; }
        magnitude = (magnitude * power[fraction.count] + static_cast<int64_t>(fraction.value))
            * power[scale - fraction.count];
    } else if (endsScalar[bytes[whole.count]]) {
        magnitude *= power[scale];
    } else {
        return false;
    }
    number = isNegative ? -magnitude : magnitude;
    return true;
}

/// At most 8 digits before the point and 7 behind it. The digits as an integer and the power of ten are both exact
/// doubles, so that one division rounds correctly (Clinger, "How to read floating point numbers accurately", 1990).
static inline bool shortDouble(const uint8_t *bytes, double &number) {
    static constexpr double power[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
    const bool isNegative = *bytes == '-';
    bytes += isNegative;
    const Run whole = run(bytes);
    if (whole.count - 1 > 7 || (*bytes == '0' && whole.count > 1)) { return false; }
    double magnitude = static_cast<double>(whole.value);
    if (bytes[whole.count] == '.') {
        bytes += whole.count + 1;
        const Run fraction = run(bytes);
        if (fraction.count - 1 > 6 || !endsScalar[bytes[fraction.count]]) { return false; }
        const double scale = power[fraction.count];
        magnitude = (magnitude * scale + static_cast<double>(fraction.value)) / scale;
    } else if (!endsScalar[bytes[whole.count]]) {
        return false;
    }
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
