// Part of class Walker (included inside it): elements of an array of objects that are chosen by what stands under a key in
// them, as in [{"key": "a", "value": 1}, {"key": "b", "value": 2}].
//
// The array has been checked as a whole when its elements are looked at: so the key may stand behind the value in them, and
// nothing that is found here can be wrong but for what the fields themselves say. Of several elements with one text the last
// one counts, as of several members with one key.

/// Reads the chosen elements of the value at `at`, with `depth` containers around it; there are none unless it is an array.
/// False after `fail`.
__attribute__((noinline)) bool choose(Member &member, Token at, uint32_t depth) {
    for (Choice &choice : member.choices) { clear(*choice.child); }
    if (byte(at) != '[' || byte(at + 1) == ']') { return true; }
    for (at++;; at++) {
        const Token element = at;
        if (byte(at) != '{') {
            at = behind(at);
        } else if (Level *const chosen = choiceOf(member, at)) {
            if (object(*chosen, element, depth + 1) == nullptr) { return false; }
        }
        if (byte(at) == ']') { return true; }
    }
}

/// The token behind the value at `at`, which has been checked.
Token behind(Token at) const {
    uint32_t open = 0;
    do {
        const uint8_t first = byte(at++);
        if (first == '{' || first == '[') {
            open++;
        } else if (first == '}' || first == ']') {
            open--;
        }
    } while (open > 0);
    return at;
}

/// What is declared for the object at `at`, or null; `at` is behind it then.
Level *choiceOf(const Member &member, Token &at) {
    Token found = nullptr;
    for (at++; byte(at) != '}';) {
        if (isText(at, member.choiceKey)) { found = at + 2; }
        at = behind(at + 2);
        if (byte(at) == ',') { at++; }
    }
    at++;
    if (found == nullptr) { return nullptr; }
    for (const Choice &choice : member.choices) {
        if (isText(found, choice.text)) { return choice.child.get(); }
    }
    return nullptr;
}

/// Whether the string at `at` stands for a text; a number, true or false is compared as it is written.
bool isText(Token at, const std::string &text) const {
    const uint8_t first = byte(at);
    if (first == '{' || first == '[' || first == 'n') { return false; }
    const bool isString = first == '"';
    const uint8_t *const begin = base + *at + isString;
    const uint8_t *end = base + (isString ? closingQuote(at[1]) : at[1]);
    while (!isString && isSpace(end[-1])) { end--; }
    const size_t length = static_cast<size_t>(end - begin);
    if (!isString || std::memchr(begin, '\\', length) == nullptr) {
        return length == text.size() && std::memcmp(begin, text.data(), length) == 0;
    }
    std::string plain(length, '\0');
    size_t written;
    unescape(begin, length, reinterpret_cast<uint8_t *>(&plain[0]), written);
    return text.compare(0, text.size(), plain, 0, written) == 0;
}
