// Second pass: walks the structural index of each document, checks every token, writes the declared fields.
// Compiled once per target: the including file defines SJ_TARGET and the instruction set; so no include guard.
//
// A token is a pointer into the structural index: *token is the position of its first byte, token[1] the next one's.
// What simdjson's stage 1 promises, and this file relies on:
// every { } [ ] : , outside strings, every opening quote and every first byte of another token is indexed, in order;
// strings are closed, hold no control character, and all bytes are UTF-8. So nothing but white space can stand between
// a closing quote and the next indexed byte, while a number or literal ends where it ends and must be checked for that.
#include "Batch.hpp"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace sj::SJ_TARGET {
namespace {

static inline bool isSpace(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

#include "Scan.hpp"
#include "Lines.hpp"

class Walker {
public:
    Walker(Batch &batch, const Segment &segment)
        : batch(batch), segment(segment), base(segment.base), index(segment.index) {
        backslash = nextBackslash(0);
    }

    void documents() {
        if (__builtin_expect(batch.rows != nullptr, 0)) { return elementDocuments(); }
        Token at = index;
        for (size_t each = segment.firstDocument; each < segment.lastDocument; each++) {
            const uint32_t begin = batch.documents[each].offset - segment.offset;
            const uint32_t end = begin + batch.documents[each].length;
            document = each;
            serial = ++batch.serial;
            hasFieldError = hasConcession = false;
            arenaMark = batch.arenaEnd;
            unescapedFrom = 0;
            if (__builtin_expect(*at >= end, 0)) {
                reject(SJ_EMPTY, 0);
                continue;
            }
            const Token next = one(at, end);
            if (__builtin_expect(next == nullptr, 0)) {
                // An error found beyond the document's end says that the document should have gone on. Its own text
                // decides the reason, never its neighbour's.
                const bool isTruncated = failurePosition >= end;
                if (isTruncated) {
                    reject(SJ_TRUNCATED, end - begin);
                    // It may have moved past backslashes of the documents that come next.
                    backslash = nextBackslash(end);
                } else {
                    blameNumber(begin);
                    reject(failureCode, failurePosition - begin, -1, failureFound);
                }
                while (at < index + segment.count && *at < end) { at++; }
            } else {
                at = next;
                if (__builtin_expect(hasFieldError, 0) && rejectedForField(begin)) { continue; }
                if (!batch.requiredFields.empty() && rejectedForMissing(end - begin)) { continue; }
                if (__builtin_expect(hasConcession, 0)) { countConcessions(); }
                batch.status[each] = SJ_OK;
                batch.okCount++;
            }
        }
    }

private:
    using Token = const uint32_t *;

    /// Where a document's values go.
    struct Place {
        size_t document;
        /// Where the segment begins in the batch buffer.
        uint32_t offset;

        template <typename Value> void put(Field &field, Value value) const {
            static_cast<Value *>(field.values)[document] = value;
            field.valid[document] = 1;
        }
    };

    Batch &batch;
    const Segment &segment;
    const uint8_t *const base;
    const uint32_t *const index;
    size_t document = 0;
    uint64_t serial = 0;
    /// The first backslash behind some place that was passed already; so a string that ends before it has none.
    uint32_t backslash;
    /// Where the arena ended before this document, which a bad one gives back.
    uint32_t arenaMark = 0;
    /// The text of this document that was unescaped last, and where it came from (0: none). Several fields may share
    /// it, so that the arena never needs more room than the documents have bytes.
    uint32_t unescapedFrom = 0;
    sj_slice unescaped{0, 0};
    bool hasFieldError = false;
    /// Whether a value of this record was taken for null or cut.
    bool hasConcession = false;
    uint8_t failureCode = 0;
    uint8_t failureFound = SJ_FOUND_NOTHING;
    uint32_t failurePosition = 0;

    uint8_t byte(Token at) const { return base[*at]; }

    /// Notes why the document is bad. Always null, for `return fail(...)`.
    __attribute__((noinline)) Token fail(uint8_t code, Token at, uint8_t found = SJ_FOUND_NOTHING) {
        failureCode = code;
        failureFound = found;
        failurePosition = *at;
        return nullptr;
    }

    /// simdjson's vector kernels index a form feed and a 0x1a as if they were ',' and ':', so that a short number before
    /// one looks complete; its scalar kernel does not. What is glued to a number is the number's fault with all of them.
    void blameNumber(uint32_t begin) {
        const uint8_t found = base[failurePosition];
        if (found != 0x0c && found != 0x1a) { return; }
        uint32_t at = failurePosition;
        while (at > begin && isNumberByte(base[at - 1])) { at--; }
        if (at == failurePosition || !isDigitOrMinus(base[at])) { return; }
        failureCode = SJ_INVALID_NUMBER;
        failureFound = SJ_FOUND_NOTHING;
        failurePosition = at;
    }

    static bool isNumberByte(uint8_t byte) {
        return isDigitOrMinus(byte) || byte == '+' || byte == '.' || (byte | 0x20) == 'e';
    }

    // MARK: Documents

    /// The document whose first token is `at` and whose bytes end before `end`: the token after it, or null.
    Token one(Token at, uint32_t end) {
        Token next;
        const bool isObject = byte(at) == '{';
        Level *const rows = batch.rootElements;
        if (__builtin_expect(isObject && rows == nullptr, 1)) {
            next = object(*batch.root, at, 0);
        } else if (byte(at) == 0xef && base[*at + 1] == 0xbb && base[*at + 2] == 0xbf) {
            return isPassed(at) ? one(at + 1, end) : fail(SJ_BYTE_ORDER_MARK, at);
        } else {
            next = rows == nullptr ? value(at, 0) : elements(*rows, at, 0);
        }
        if (next == nullptr) { return nullptr; }
        // The tokens of the next document continued this one: it ran out before it was complete.
        if (next[-1] >= end) { return fail(SJ_TRUNCATED, next - 1); }
        if (*next < end) { return fail(SJ_TRAILING_CONTENT, next, kind(next)); }
        if (__builtin_expect(!isObject, 0) && batch.objectsOnly && rows == nullptr) {
            return fail(SJ_NOT_AN_OBJECT, at, kind(at));
        }
        return next;
    }

    /// Whether the byte order mark at `at` begins the batch's first document, which may have one, and is a token of its own:
    /// what is glued to it, such as a number, is one token with it.
    bool isPassed(Token at) const {
        if (!batch.passesMark || segment.offset + *at != batch.documents[0].offset) { return false; }
        uint32_t next = *at + 3;
        while (isSpace(base[next])) { next++; }
        return next == at[1];
    }

    /// What kind of value begins at `at`.
    uint8_t kind(Token at) const {
        switch (byte(at)) {
        case '{': return SJ_FOUND_OBJECT;
        case '[': return SJ_FOUND_ARRAY;
        case '"': return SJ_FOUND_TEXT;
        case 't':
        case 'f': return SJ_FOUND_BOOLEAN;
        case 'n': return SJ_FOUND_NULL;
        default: return isDigitOrMinus(byte(at)) ? SJ_FOUND_NUMBER : SJ_FOUND_NOTHING;
        }
    }

    void reject(uint8_t code, uint32_t position, int32_t field = -1, uint8_t found = SJ_FOUND_NOTHING) {
        batch.arenaEnd = arenaMark;
        batch.reject(document, code, position, field, found);
    }

    bool rejectedForField(uint32_t begin) {
        for (size_t number = 0; number < batch.fields.size(); number++) {
            const Field &field = *batch.fields[number];
            // A later value under the same key may have replaced the one in error: last wins.
            if (field.errorSerial != serial || field.valid[document] != 0) { continue; }
            reject(field.errorCode, field.errorPosition - begin, static_cast<int32_t>(number), field.errorFound);
            return true;
        }
        return false;
    }

    bool rejectedForMissing(uint32_t length) {
        for (Field *field : batch.requiredFields) {
            if (field->valid[document] != 0) { continue; }
            int32_t number = 0;
            while (batch.fields[static_cast<size_t>(number)].get() != field) { number++; }
            reject(SJ_MISSING_REQUIRED, length, number);
            return true;
        }
        return false;
    }

    // MARK: Objects with declared members

    /// The object that begins at `at`, with `depth` containers around it: the token after its end, or null.
    ///
    /// What the loop needs is held in locals: the columns are written through byte pointers, which for the compiler may
    /// point at members of this class too, so that it would load every member again after every store.
    Token object(Level &level, Token at, uint32_t depth) {
        if (__builtin_expect(depth >= batch.depthMax, 0)) { return fail(SJ_TOO_DEEP, at); }
        if (__builtin_expect(level.seenSerial == serial, 0)) { clear(level); }
        level.seenSerial = serial;
        const uint8_t *const base = this->base;
        const Place place{document, segment.offset};
        Spelling *last = &level.start;
        for (;;) {
            // `at` is the '{' or the ',' before a member.
            const uint8_t *const bytes = base + *at;
            Spelling *spelling = last->next[0];
            if (__builtin_expect(!matches(bytes, *spelling), 0)) {
                const bool isFirst = last == &level.start;
                if (*bytes == '}') { return at + 1; }
                spelling = last->next[1];
                if (!matches(bytes, *spelling)) {
                    if (isFirst && byte(at + 1) == '}') { return at + 2; }
                    if (!isFirst && *bytes != ',') { return fail(SJ_INVALID_STRUCTURE, at); }
                    spelling = resolve(level, at, *last);
                    if (spelling == nullptr) { return nullptr; }
                }
            }
            last = spelling;
            at += 3;
            if (__builtin_expect(isShortcut(*spelling, base, at, place), 1)) {
                at++;
            } else {
                at = member(*spelling, at, depth + 1);
                if (__builtin_expect(at == nullptr, 0)) { return nullptr; }
            }
        }
    }

    /// The value at `at` of a key, whatever it is: the token after it, or null.
    Token member(Spelling &spelling, Token at, uint32_t depth) {
        switch (spelling.action) {
        case actionSkip: return value(at, depth);
        case actionObject:
            if (byte(at) == '{') {
                if (__builtin_expect(holder.barred != SJ_FOUND_NOTHING, 0)) { unbar(*spelling.child); }
                return object(*spelling.child, at, depth);
            }
            bar(*spelling.child, at);
            return value(at, depth);
        case actionMember: return several(*spelling.member, at, depth);
        default: return fieldSlowly(*spelling.field, at, depth);
        }
    }

    /// Finds what the key after the separator at `at` means, and learns that it came after `last`.
    __attribute__((noinline)) Spelling *resolve(Level &level, Token at, Spelling &last) {
        if (byte(at + 1) != '"') { return fail(SJ_INVALID_STRUCTURE, at + 1), nullptr; }
        if (!checkEscapes(at + 1)) { return nullptr; }
        if (byte(at + 2) != ':') { return fail(SJ_INVALID_STRUCTURE, at + 2), nullptr; }
        const uint8_t *const bytes = base + *at;
        const size_t length = at[2] + 1 - at[0];
        const bool isLearnable = length <= Level::spellingLengthMax;
        Spelling *found = isLearnable ? level.recall(bytes, length) : nullptr;
        if (found == nullptr) {
            const uint8_t *key = base + at[1] + 1;
            size_t keyLength = static_cast<size_t>(base + closingQuote(at[2]) - key);
            std::string plain;
            if (std::memchr(key, '\\', keyLength) != nullptr) {
                plain.resize(keyLength);
                unescape(key, keyLength, reinterpret_cast<uint8_t *>(&plain[0]), keyLength);
                key = reinterpret_cast<const uint8_t *>(plain.data());
            }
            const Member *declared = level.find({reinterpret_cast<const char *>(key), keyLength});
            if (!isLearnable) {
                Level::describe(level.passing, declared);
                return &level.passing;
            }
            found = level.learn(bytes, length, declared);
        }
        last.next[1] = last.next[0];
        last.next[0] = found;
        return found;
    }

    // MARK: Fields, the general way

    /// A value that none of the shortcuts took: null, of another type, unusual, or not JSON.
    __attribute__((noinline)) Token fieldSlowly(Field &field, Token at, uint32_t depth) {
        const Token next = value(at, depth);
        if (next != nullptr) { take(field, at); }
        return next;
    }

    /// A key with several fields, with a field and declared members below, or with an array whose elements are records or
    /// are chosen.
    __attribute__((noinline)) Token several(Member &member, Token at, uint32_t depth) {
        if (member.elements) { return elements(*member.elements, at, depth); }
        const bool descends = member.child && byte(at) == '{';
        if (member.child && !descends) { bar(*member.child, at); }
        if (descends) { unbar(*member.child); }
        const uint32_t backslashBefore = backslash;
        const Token next = descends ? object(*member.child, at, depth) : value(at, depth);
        if (next == nullptr) { return nullptr; }
        for (Field *field : member.fields) { take(*field, at); }
        if (!member.choices.empty()) {
            // The array is gone through once more.
            backslash = backslashBefore;
            if (!choose(member, at, depth)) { return nullptr; }
        }
        return next;
    }

    /// Writes the valid value at `at` to a field's column, or notes why it does not fit.
    void take(Field &field, Token at) {
        const uint8_t *const bytes = base + *at;
        switch (*bytes) {
        case 'n':
            field.valid[document] = 0;
            field.errorSerial = 0;
            return;
        case 't':
        case 'f':
            if (field.type == SJ_TEXT && field.acceptsText) { return putText(field, *bytes == 't' ? 4 : 5, at); }
            if (field.type != SJ_BOOLEAN) { return refuse(field, SJ_WRONG_TYPE, SJ_FOUND_BOOLEAN, at); }
            return put(field, static_cast<uint8_t>(*bytes == 't'));
        case '{': return refuse(field, SJ_WRONG_TYPE, SJ_FOUND_OBJECT, at);
        case '[': return refuse(field, SJ_WRONG_TYPE, SJ_FOUND_ARRAY, at);
        case '"': return takeString(field, at);
        default: return takeNumber(field, at);
        }
    }

    void takeString(Field &field, Token at) {
        if (field.type != SJ_TEXT && field.type != SJ_TIMESTAMP_RFC3339) {
            return field.acceptsText ? takeQuoted(field, at) : refuse(field, SJ_WRONG_TYPE, SJ_FOUND_TEXT, at);
        }
        sj_slice text = contents(at);
        const uint8_t *const bytes = batch.buffer + text.offset;
        if (field.type == SJ_TIMESTAMP_RFC3339) {
            int64_t micros;
            const uint8_t code = instant(bytes, text.length, batch.minute, micros);
            return code == SJ_OK ? put(field, micros) : refuse(field, code, SJ_FOUND_TEXT, at);
        }
        field.cutSerial = 0;
        if (text.length > field.textLengthMax) {
            if (!field.truncates) { return refuse(field, SJ_TEXT_TOO_LONG, SJ_FOUND_TEXT, at); }
            text.length = cutLength(bytes, field.textLengthMax);
            field.cutSerial = serial;
            hasConcession = true;
        }
        if (std::memchr(bytes, 0, text.length) != nullptr) { return refuse(field, SJ_NUL_IN_TEXT, SJ_FOUND_TEXT, at); }
        put(field, text);
    }

    /// A text for a number or a boolean.
    void takeQuoted(Field &field, Token at) {
        const sj_slice text = contents(at);
        uint64_t value = 0;
        const uint8_t code = valueOfText(
            field.type, field.scale, batch.buffer + text.offset, text.length, batch.minute, &value);
        if (code != SJ_OK) { return refuse(field, code, SJ_FOUND_TEXT, at); }
        if (field.type == SJ_BOOLEAN) { return put(field, *reinterpret_cast<const uint8_t *>(&value)); }
        put(field, value);
    }

    /// A number, true or false of `length` bytes for a text: as it is written.
    void putText(Field &field, uint32_t length, Token at) {
        // Not cut: the beginning of a number is another number.
        if (length > field.textLengthMax) { return refuse(field, SJ_TEXT_TOO_LONG, SJ_FOUND_TEXT, at); }
        put(field, sj_slice{segment.offset + *at, length});
    }

    /// The text of the string at `at`: in place, or unescaped into the arena.
    sj_slice contents(Token at) {
        const uint32_t begin = *at + 1, offset = segment.offset + begin;
        const uint32_t length = closingQuote(at[1]) - begin;
        if (std::memchr(base + begin, '\\', length) == nullptr) { return {offset, length}; }
        if (unescapedFrom != offset) {
            size_t written;
            unescape(base + begin, length, batch.buffer + batch.arenaEnd, written);
            unescapedFrom = offset;
            unescaped = {batch.arenaEnd, static_cast<uint32_t>(written)};
            batch.arenaEnd += unescaped.length;
        }
        return unescaped;
    }

    void takeNumber(Field &field, Token at) {
        const uint8_t *const bytes = base + *at;
        const uint8_t *const end = numberEnd(bytes);
        uint8_t code = SJ_WRONG_TYPE;
        int64_t number = 0;
        switch (field.type) {
        case SJ_TEXT:
            if (field.acceptsText) { return putText(field, static_cast<uint32_t>(end - bytes), at); }
            break;
        case SJ_INTEGER: code = scaled(bytes, end, 0, Remainder::reject, number); break;
        case SJ_DECIMAL: code = scaled(bytes, end, field.scale, Remainder::round, number); break;
        case SJ_DOUBLE: {
            double nearest;
            code = nearestDouble(bytes, end, nearest);
            if (code == SJ_OK) { return put(field, nearest); }
            break;
        }
        case SJ_TIMESTAMP_SECONDS:
        case SJ_TIMESTAMP_MILLISECONDS:
        case SJ_TIMESTAMP_MICROSECONDS:
        case SJ_TIMESTAMP_NANOSECONDS:
            code = scaled(bytes, end, 3 * (SJ_TIMESTAMP_MICROSECONDS - field.type), Remainder::floor, number);
            if (code == SJ_OK && (number < instantMin || number >= instantEnd)) { code = SJ_OUT_OF_RANGE; }
            break;
        default: break;
        }
        return code == SJ_OK ? put(field, number) : refuse(field, code, SJ_FOUND_NUMBER, at);
    }

    template <typename Value> void put(Field &field, Value value) { Place{document, 0}.put(field, value); }

    void refuse(Field &field, uint8_t code, uint8_t found, Token at) {
        field.valid[document] = 0;
        field.errorSerial = 0;
        field.errorCode = code;
        field.errorFound = found;
        if (field.nullOnTypeError) {
            field.nullSerial = serial;
            hasConcession = true;
            return;
        }
        field.errorSerial = serial;
        field.errorPosition = *at;
        hasFieldError = true;
    }

    /// Counts what a good record got in spite of its values.
    __attribute__((noinline)) void countConcessions() {
        for (auto &field : batch.fields) {
            sj_concessions &counts = field->concessions;
            if (field->nullSerial == serial && field->valid[document] == 0) {
                counts.nulls++;
                counts.code = field->errorCode;
                counts.found = field->errorFound;
            }
            counts.cuts += field->cutSerial == serial && field->valid[document] != 0;
        }
    }

    /// No object is where one with declared members was expected.
    void bar(const Level &level, Token at) {
        clear(level);
        if (level.holdsElements) { holder.barred = kind(at); }
    }

    /// Another value of the name has taken its place.
    void unbar(const Level &level) {
        if (level.holdsElements) { holder.barred = SJ_FOUND_NOTHING; }
    }

    void clear(const Level &level) {
        for (Field *field : level.fields) {
            field->valid[document] = 0;
            field->errorSerial = 0;
        }
        if (level.holdsElements) { dropElements(); }
    }

#include "Choices.hpp"
#include "Elements.hpp"
#include "Shortcuts.hpp"
#include "Skip.hpp"
};

}  // namespace

void walk(Batch &batch, const Segment &segment) { Walker(batch, segment).documents(); }

sj_lines splitLines(const uint8_t *bytes, size_t length, bool isFinal, sj_slice *lines, size_t capacity) {
    return Lines{lines, capacity, 0, 0}.split(bytes, length, isFinal);
}

}  // namespace sj::SJ_TARGET
