// Part of class Walker (included inside it): checking values nobody declared, and strings.

/// The first backslash at or after `from`, or the highest position.
uint32_t nextBackslash(uint32_t from) const {
    if (from >= segment.end) { return UINT32_MAX; }
    const void *const found = std::memchr(base + from, '\\', segment.end - from);
    return found == nullptr ? UINT32_MAX : static_cast<uint32_t>(static_cast<const uint8_t *>(found) - base);
}

/// The position of the quote that closes the string before the token at `next`: only white space lies between.
uint32_t closingQuote(uint32_t next) const {
    uint32_t quote = next - 1;
    while (base[quote] != '"') { quote--; }
    return quote;
}

/// Checks the escapes of the string at `at`; false after `fail`. One comparison for a string without any.
bool checkEscapes(Token at) { return __builtin_expect(backslash >= at[1], 1) || checkEscapesSlowly(at); }

__attribute__((noinline)) bool checkEscapesSlowly(Token at) {
    const uint32_t begin = *at + 1;
    if (backslash < begin) { backslash = nextBackslash(begin); }
    if (backslash >= at[1]) { return true; }
    const uint32_t end = closingQuote(at[1]);
    size_t length;
    if (const uint8_t code = unescape(base + begin, end - begin, nullptr, length); code != SJ_OK) {
        fail(code, at);
        return false;
    }
    // `backslash` stays: a field may ask for the same string again.
    return true;
}

/// Also true for '.' and '/', which then are no numbers.
static inline bool isDigitOrMinus(uint8_t byte) { return static_cast<uint8_t>(byte - '-') <= '9' - '-'; }

/// Whether the token of `length` bytes at `bytes` (trailing white space included) is a number.
static inline bool isNumber(const uint8_t *bytes, uint32_t length) {
    const bool isNegative = *bytes == '-';
    uint64_t digits;
    uint32_t fraction;
    return __builtin_expect(shortNumber(bytes + isNegative, length - isNegative, digits, fraction), 1)
        || numberEnd(bytes) != nullptr;
}

/// Checks the value at `at`, with `depth` containers around it: the token after it, or null.
Token value(Token at, uint32_t depth) {
    const uint8_t first = byte(at);
    if (first == '"') { return checkEscapes(at) ? at + 1 : nullptr; }
    if (first == '{' || first == '[') { return container(at, depth); }
    return scalar(at);
}

/// A number or a literal.
Token scalar(Token at) {
    const uint8_t *const bytes = base + *at;
    switch (*bytes) {
    case '-': case '0': case '1': case '2': case '3': case '4': case '5': case '6': case '7': case '8': case '9':
        return isNumber(bytes, at[1] - at[0]) ? at + 1 : fail(SJ_INVALID_NUMBER, at);
    case 't': return isLiteral<'t', 'r', 'u', 'e'>(bytes) ? at + 1 : fail(SJ_INVALID_LITERAL, at);
    case 'f': return isFalse(bytes) ? at + 1 : fail(SJ_INVALID_LITERAL, at);
    case 'n': return isLiteral<'n', 'u', 'l', 'l'>(bytes) ? at + 1 : fail(SJ_INVALID_LITERAL, at);
    default: return fail(SJ_INVALID_STRUCTURE, at);
    }
}

/// An array or an object without declared members, to any allowed depth, without recursion.
Token container(Token at, uint32_t depth) {
    bool isObjectAt[SJ_DEPTH_MAX];
    uint32_t open = depth;
    bool isObject = false;
    for (;;) {
        // `at` opens a container.
        if (open >= batch.depthMax) { return fail(SJ_TOO_DEEP, at); }
        isObject = byte(at) == '{';
        isObjectAt[open] = isObject;
        open++;
        at++;
        bool isClosed = byte(at) == (isObject ? '}' : ']');
        for (;;) {
            if (isClosed) {
                at++;
                if (--open == depth) { return at; }
                isObject = isObjectAt[open - 1];
            } else {
                if (isObject) {
                    if (byte(at) != '"') { return fail(SJ_INVALID_STRUCTURE, at); }
                    if (!checkEscapes(at)) { return nullptr; }
                    if (byte(at + 1) != ':') { return fail(SJ_INVALID_STRUCTURE, at + 1); }
                    at += 2;
                }
                const uint8_t first = byte(at);
                if (first == '{' || first == '[') { break; }
                if (first == '"') {
                    if (!checkEscapes(at)) { return nullptr; }
                    at++;
                } else if (isDigitOrMinus(first) && isNumber(base + *at, at[1] - at[0])) {
                    at++;
                } else {
                    at = scalar(at);
                    if (at == nullptr) { return nullptr; }
                }
            }
            // `at` follows a value.
            isClosed = byte(at) == (isObject ? '}' : ']');
            if (!isClosed && byte(at++) != ',') { return fail(SJ_INVALID_STRUCTURE, at - 1); }
        }
    }
}
