// The driver: cuts a batch into segments, runs simdjson's stage 1 over each and hands its index to the walker.
#include "Batch.hpp"

#include <algorithm>
#include <new>
#include <simdjson.h>

namespace {

using namespace sj;

bool hasAVX2() {
#if defined(__x86_64__)
    // simdjson has asked the processor; its haswell and later kernels need what our walker needs.
    const std::string kernel = simdjson::get_active_implementation()->name();
    return kernel == "haswell" || kernel == "icelake";
#else
    return false;
#endif
}

Walk chosenWalk() {
#if defined(__x86_64__)
    if (hasAVX2()) { return avx2::walk; }
#endif
    return baseline::walk;
}

SplitLines chosenSplitLines() {
#if defined(__x86_64__)
    if (hasAVX2()) { return avx2::splitLines; }
#endif
    return baseline::splitLines;
}

bool isSpace(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

uint8_t codeOf(simdjson::error_code error) {
    switch (error) {
    case simdjson::UTF8_ERROR: return SJ_INVALID_UTF8;
    case simdjson::UNCLOSED_STRING: return SJ_UNCLOSED_STRING;
    case simdjson::UNESCAPED_CHARS: return SJ_CONTROL_CHARACTER;
    default: return SJ_INVALID_STRUCTURE;
    }
}

}  // namespace

struct sj_parser {
    /// Bytes of one run of stage 1. From 8 to 128 KiB it makes no difference to good documents (measured), but what a
    /// bad one costs grows with it: 1 % cut short cost 8 % at 8 KiB, 13 % at 16, 22 % at 64.
    static constexpr uint32_t segmentLength = 16 * 1024;
    /// Into how many parts a segment with an error is cut.
    static constexpr size_t parts = 8;
    /// Index entries behind the last one, so that no look-ahead of the walker leaves the segment.
    static constexpr uint32_t sentinels = 8;

    Batch batch;
    Level root;
    /// The elements of documents that are arrays.
    std::unique_ptr<Level> rootElements;
    uint32_t documentLengthMax;
    bool isSealed = false;
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage1;
    Walk walk = chosenWalk();
    /// simdjson's scalar kernel lets a backslash swallow the newline behind it, so it gets one document at a time. Nor does
    /// it look at bytes outside strings, so that the walker meets those that are no UTF-8.
    const bool isolates = std::string(sj_kernel_name()) != "fallback";

    sj_parser(uint32_t depthMax, uint32_t documentLengthMax, bool objectsOnly) : documentLengthMax(documentLengthMax) {
        batch.root = &root;
        batch.depthMax = depthMax;
        batch.objectsOnly = objectsOnly;
    }

    /// What is wrong with the bytes of a document, whatever its grammar: SJ_OK for nothing. Of several faults the kernels tell
    /// different ones, so the one that counts is found here: a string that is not closed, then a control character in one,
    /// then bytes that are no UTF-8.
    uint8_t faultInBytes(size_t document) const {
        const sj_slice place = batch.documents[document];
        const uint8_t *const bytes = batch.buffer + place.offset;
        bool isInString = false, hasControl = false;
        for (uint32_t at = 0; at < place.length; at++) {
            if (bytes[at] == '\\') {
                at++;
                hasControl |= isInString && at < place.length && bytes[at] < ' ';
            } else if (bytes[at] == '"') {
                isInString = !isInString;
            } else {
                hasControl |= isInString && bytes[at] < ' ';
            }
        }
        if (isInString) { return SJ_UNCLOSED_STRING; }
        if (hasControl) { return SJ_CONTROL_CHARACTER; }
        const bool isUTF8 = simdjson::validate_utf8(reinterpret_cast<const char *>(bytes), place.length);
        return isUTF8 ? SJ_OK : SJ_INVALID_UTF8;
    }

    /// Makes room for a segment of `length` bytes, and the sentinels.
    simdjson::error_code reserve(uint32_t length) {
        const size_t needed = std::max<size_t>(length, segmentLength) + sentinels;
        if (!stage1) {
            return simdjson::get_active_implementation()->create_dom_parser_implementation(needed, 1, stage1);
        }
        return stage1->capacity() >= needed ? simdjson::SUCCESS : stage1->set_capacity(needed);
    }

    /// Parses documents [first, last), which lie next to each other.
    ///
    /// Stage 1 only says whether something is wrong anywhere (a string left open, a control character in a string,
    /// invalid UTF-8), so a bad stretch is cut into eight until the document is found: a little more than one more pass
    /// of stage 1 over its segment. An error cannot leak into a neighbour, nor hide in one: the '\n'
    /// between them is an error inside a string, ends a UTF-8 sequence, is no quote that a backslash could swallow,
    /// and separates numbers and literals. Grammar errors need no second try: the walker skips to the next document.
    void stretch(size_t first, size_t last) {
        const sj_slice *const documents = batch.documents;
        const uint32_t begin = documents[first].offset;
        const uint32_t length = documents[last - 1].offset + documents[last - 1].length - begin;
        simdjson::error_code error = reserve(length);
        if (error != simdjson::SUCCESS) { throw std::bad_alloc(); }
        stage1->n_structural_indexes = 0;
        error = length == 0 ? simdjson::EMPTY
                            : stage1->stage1(batch.buffer + begin, length, simdjson::stage1_mode::regular);
        if (error == simdjson::SUCCESS || error == simdjson::EMPTY) {
            const uint32_t count = error == simdjson::EMPTY ? 0 : stage1->n_structural_indexes;
            uint32_t *const index = stage1->structural_indexes.get();
            std::fill_n(index + count, sentinels, length);
            const size_t failuresBefore = batch.failures.size();
            walk(batch, Segment{batch.buffer + begin, index, count, length, begin, first, last});
            if (!isolates && batch.failures.size() > failuresBefore) { blameBytes(first); }
        } else if (last - first == 1) {
            const uint8_t fault = faultInBytes(first);
            batch.rejectDocument(first, fault != SJ_OK ? fault : codeOf(error), documents[first].length);
        } else {
            const size_t step = (last - first + parts - 1) / parts;
            for (; first < last && !batch.isFull; first += step) { stretch(first, std::min(first + step, last)); }
        }
    }

    /// Corrects the reason of a bad document, parsed alone, when something is wrong with its bytes.
    void blameBytes(size_t document) {
        sj_failure &failure = batch.failures.back();
        if (failure.element.length > 0) { return; }
        const uint8_t fault = faultInBytes(document);
        if (fault == SJ_OK) { return; }
        failure = {failure.row, batch.documents[document].length, -1, fault, 0, 0, {0, 0}};
        batch.status[failure.row] = fault;
    }

    /// Parses the batch segment by segment; a document above the limit ends a segment and is not looked at.
    void all(size_t first, size_t count) {
        const sj_slice *const documents = batch.documents;
        while (first < count && !batch.isFull) {
            if (documents[first].length > documentLengthMax) {
                batch.rejectDocument(first, SJ_TOO_LARGE, documents[first].length);
                first++;
                continue;
            }
            size_t last = first + 1;
            while (isolates && last < count && documents[last].length <= documentLengthMax
                   && documents[last].offset + documents[last].length - documents[first].offset <= segmentLength) {
                last++;
            }
            stretch(first, last);
            first = last;
        }
    }
};

namespace {

/// The rule the caller broke, or null.
const char *misuse(
    const uint8_t *buffer, size_t length, size_t capacity, const sj_slice *documents, size_t count) {
    if (length > UINT32_MAX / 4) { return "a batch buffer is limited to 1 GiB"; }
    if (capacity < 2 * length + SJ_PADDING) { return "the batch buffer lacks the room asked for behind its documents"; }
    size_t end = 0;
    for (size_t each = 0; each < count; each++) {
        const size_t begin = documents[each].offset;
        if (begin < end || begin + documents[each].length > length) {
            return "documents must ascend inside the batch buffer";
        }
        bool hasNewline = each == 0;
        for (; each > 0 && end < begin; end++) {
            if (!isSpace(buffer[end])) { return "only white space may stand between two documents"; }
            hasNewline |= buffer[end] == '\n';
        }
        if (!hasNewline) { return "documents must be separated by a newline"; }
        end = begin + documents[each].length;
    }
    return nullptr;
}

/// Begins a batch, or goes on with one.
void begin(
    sj_parser *parser, uint8_t *buffer, size_t length, const sj_slice *documents, const sj_column *columns, uint8_t *status) {
    if (!parser->isSealed) {
        parser->root.seal();
        if (parser->rootElements) { parser->rootElements->seal(); }
        parser->isSealed = true;
    }
    Batch &batch = parser->batch;
    batch.documents = documents;
    batch.status = status;
    batch.buffer = buffer;
    batch.arenaBegin = batch.arenaEnd = static_cast<uint32_t>(length) + SJ_PADDING;
    batch.okCount = 0;
    for (size_t each = 0; each < batch.fields.size(); each++) {
        batch.fields[each]->values = columns[each].values;
        batch.fields[each]->valid = columns[each].valid;
    }
    // Ends a number or literal in the last byte, and gives the wide comparisons defined bytes to look at.
    std::memset(buffer + length, '\n', SJ_PADDING);
}

/// What is declared for the elements of an array that have a text under a key.
Level *declareChoice(Member &member, std::string_view key, std::string_view text) {
    member.choiceKey = key;
    for (Choice &choice : member.choices) {
        if (choice.text == text) { return choice.child.get(); }
    }
    member.choices.push_back({std::string(text), std::make_unique<Level>()});
    return member.choices.back().child.get();
}

/// The member of `level` at a path, with the levels on the way. Without kinds all keys are those of members.
Member &declare(
    Level *level, const uint8_t *keys, const uint32_t *lengths, const uint8_t *kinds, size_t count) {
    const auto next = [&](size_t each) {
        const std::string_view key(reinterpret_cast<const char *>(keys), lengths[each]);
        keys += lengths[each];
        return key;
    };
    for (size_t each = 0;; each++) {
        Member &member = level->declare(next(each));
        if (each + 1 == count) { return member; }
        if (kinds != nullptr && kinds[each + 1] == SJ_KEY_CHOICE) {
            const std::string_view key = next(each + 1);
            level = declareChoice(member, key, next(each + 2));
            each += 2;
            continue;
        }
        if (!member.child) { member.child = std::make_unique<Level>(); }
        level = member.child.get();
    }
}

}  // namespace

extern "C" {

sj_parser *sj_parser_create(uint32_t depth_max, uint32_t document_length_max, bool objects_only) {
    return new (std::nothrow) sj_parser(std::min<uint32_t>(depth_max, SJ_DEPTH_MAX), document_length_max, objects_only);
}

void sj_parser_destroy(sj_parser *parser) { delete parser; }

void sj_parser_add_field(
    sj_parser *parser, const uint8_t *keys, const uint32_t *key_lengths, const uint8_t *key_kinds, size_t key_count,
    sj_field_options options) {
    auto field = std::make_unique<Field>();
    field->type = options.type;
    field->scale = options.scale;
    field->isRequired = options.required;
    field->nullOnTypeError = options.null_on_type_error;
    field->acceptsText = options.accepts_text;
    field->truncates = options.truncates;
    field->textLengthMax = options.text_length_max;
    Batch &batch = parser->batch;
    if (key_count > 0) {
        Level *const level = options.depth == 0 ? &parser->root : batch.arrays[options.depth - 1u];
        declare(level, keys, key_lengths, key_kinds, key_count).fields.push_back(field.get());
    } else {
        batch.elementValues.push_back(field.get());
    }
    if (batch.scopes.empty()) {
        if (field->isRequired) { batch.requiredFields.push_back(field.get()); }
    } else {
        Batch::Scope &scope = batch.scopes[options.depth];
        scope.own.push_back(field.get());
        if (field->isRequired) { scope.required.push_back(field.get()); }
        for (size_t outer = 0; outer < options.depth; outer++) { batch.scopes[outer].inner.push_back(field.get()); }
    }
    batch.fields.push_back(std::move(field));
}

void sj_parser_add_array(
    sj_parser *parser, const uint8_t *keys, const uint32_t *key_lengths, size_t key_count, bool optional) {
    Batch &batch = parser->batch;
    batch.elementsOptional = optional;
    batch.scopes.resize(batch.arrays.size() + 2);
    if (key_count == 0) {
        parser->rootElements = std::make_unique<Level>();
        batch.rootElements = parser->rootElements.get();
        batch.arrays.push_back(batch.rootElements);
        return;
    }
    Member &member = declare(batch.arrays.empty() ? &parser->root : batch.arrays.back(), keys, key_lengths, nullptr, key_count);
    member.elements = std::make_unique<Level>();
    batch.arrays.push_back(member.elements.get());
}

void sj_parser_pass_mark(sj_parser *parser, bool passes) { parser->batch.passesMark = passes; }

const char *sj_parse(
    sj_parser *parser, uint8_t *buffer, size_t length, size_t capacity, const sj_slice *documents,
    size_t document_count, const sj_column *columns, uint8_t *status, sj_summary *summary) {
    if (const char *sentence = misuse(buffer, length, capacity, documents, document_count)) { return sentence; }
    Batch &batch = parser->batch;
    if (!batch.arrays.empty()) { return "a parser of elements needs room for rows"; }
    begin(parser, buffer, length, documents, columns, status);
    batch.failures.clear();
    for (size_t each = 0; each < batch.fields.size(); each++) { std::memset(columns[each].valid, 0, document_count); }
    parser->all(0, document_count);
    *summary = {batch.okCount, batch.failures.size(), batch.arenaEnd - batch.arenaBegin};
    return nullptr;
}

const char *sj_parse_elements(
    sj_parser *parser, uint8_t *buffer, size_t length, size_t capacity, const sj_slice *documents,
    size_t document_count, const sj_column *columns, uint8_t *status, sj_rows *rows, sj_summary *summary) {
    if (const char *sentence = misuse(buffer, length, capacity, documents, document_count)) { return sentence; }
    Batch &batch = parser->batch;
    if (batch.arrays.empty()) { return "the parser was told of no elements"; }
    begin(parser, buffer, length, documents, columns, status);
    batch.arenaEnd += static_cast<uint32_t>(rows->arena_used);
    batch.rows = rows;
    batch.isFull = false;
    if (rows->documents_done == 0) { batch.failures.clear(); }
    for (size_t each = 0; each < batch.fields.size(); each++) {
        std::memset(columns[each].valid + rows->count, 0, rows->capacity - rows->count);
    }
    parser->all(rows->documents_done, document_count);
    batch.rows = nullptr;
    rows->arena_used = batch.arenaEnd - batch.arenaBegin;
    *summary = {batch.okCount, batch.failures.size(), rows->arena_used};
    return nullptr;
}

sj_concessions sj_parser_concessions(const sj_parser *parser, size_t field) {
    return parser->batch.fields[field]->concessions;
}

uint8_t sj_value_of_text(uint8_t type, uint8_t scale, const uint8_t *text, size_t length, void *value) {
    MinuteMemo memo;
    return valueOfText(type, scale, text, length, memo, value);
}

const sj_failure *sj_parser_failures(const sj_parser *parser) { return parser->batch.failures.data(); }

sj_lines sj_split_lines(const uint8_t *bytes, size_t length, bool is_final, sj_slice *lines, size_t line_capacity) {
    static const SplitLines splitLines = chosenSplitLines();
    return splitLines(bytes, length, is_final, lines, line_capacity);
}

const char *sj_walker_name(void) { return hasAVX2() ? "avx2" : "baseline"; }

const char *sj_kernel_name(void) {
    static const std::string name = simdjson::get_active_implementation()->name();
    return name.c_str();
}

}  // extern "C"
