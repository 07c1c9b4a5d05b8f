#pragma once
// JSON documents -> typed columns. simdjson finds and checks the structure of a batch (stage 1); a walker of our own
// then checks the grammar of every document and writes the declared fields. The only C++ of the project is in here.
// Thread safety: one parser belongs to one thread at a time. No function blocks, throws or keeps a caller's pointer.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Bytes after `length` that the parser may read and overwrite before the arena begins.
#define SJ_PADDING 64
/// The deepest nesting that can be asked for.
#define SJ_DEPTH_MAX 1024

enum {
    SJ_TEXT = 0,
    SJ_INTEGER = 1,
    SJ_DECIMAL = 2,
    SJ_DOUBLE = 3,
    SJ_BOOLEAN = 4,
    SJ_TIMESTAMP_RFC3339 = 5,
    SJ_TIMESTAMP_SECONDS = 6,
    SJ_TIMESTAMP_MILLISECONDS = 7,
    SJ_TIMESTAMP_MICROSECONDS = 8,
    SJ_TIMESTAMP_NANOSECONDS = 9,
};

/// Why a document is bad; 0 is a good one. The numbers are part of the interface: JSON.DocumentError repeats them.
enum {
    SJ_OK = 0,
    SJ_EMPTY = 1,
    SJ_TOO_LARGE = 2,
    SJ_INVALID_UTF8 = 3,
    SJ_BYTE_ORDER_MARK = 4,
    SJ_UNCLOSED_STRING = 5,
    SJ_CONTROL_CHARACTER = 6,
    SJ_INVALID_ESCAPE = 7,
    SJ_UNPAIRED_SURROGATE = 8,
    SJ_TRUNCATED = 9,
    SJ_INVALID_STRUCTURE = 10,
    SJ_INVALID_NUMBER = 11,
    SJ_INVALID_LITERAL = 12,
    SJ_TRAILING_CONTENT = 13,
    SJ_TOO_DEEP = 14,
    SJ_WRONG_TYPE = 15,
    SJ_OUT_OF_RANGE = 16,
    SJ_TEXT_TOO_LONG = 17,
    SJ_NUL_IN_TEXT = 18,
    SJ_INVALID_TIMESTAMP = 19,
    SJ_MISSING_REQUIRED = 20,
    SJ_NOT_AN_OBJECT = 21,
    /// The array whose elements are the records is missing, null, or of another type.
    SJ_NO_ELEMENTS = 22,
};

/// What kind of value stood where a field of another type was declared, where an object was expected, or behind the
/// document's value.
enum {
    SJ_FOUND_NOTHING = 0,
    SJ_FOUND_NULL = 1,
    SJ_FOUND_BOOLEAN = 2,
    SJ_FOUND_NUMBER = 3,
    SJ_FOUND_TEXT = 4,
    SJ_FOUND_ARRAY = 5,
    SJ_FOUND_OBJECT = 6,
};

typedef struct sj_parser sj_parser;

/// Bytes of the batch buffer: a document, or a text value.
typedef struct sj_slice {
    uint32_t offset;
    uint32_t length;
} sj_slice;

typedef struct sj_column {
    /// One element per document: sj_slice, int64_t, double or uint8_t, as the field's type says.
    void *values;
    /// One byte per document: 1 = a value is present.
    uint8_t *valid;
} sj_column;

typedef struct sj_field_options {
    uint8_t type;
    /// Digits after the point of SJ_DECIMAL, 0...18.
    uint8_t scale;
    bool required;
    bool null_on_type_error;
    /// Numbers and booleans may stand in text, and text may be a number or a boolean.
    bool accepts_text;
    /// A longer text is cut behind its last whole code point that fits, and not an error.
    bool truncates;
    /// With arrays of elements: where the path begins, at the document (0) or at an element of the n-th array (n).
    uint8_t depth;
    uint32_t text_length_max;
} sj_field_options;

typedef struct sj_failure {
    /// The row that has no values.
    uint32_t row;
    /// Bytes from the first byte of the document, or of the element; its length where no place is known.
    uint32_t position;
    /// Index of the declared field, or -1.
    int32_t field;
    uint8_t code;
    uint8_t found;
    /// What is bad: the document (0) or an element of the n-th array (n).
    uint8_t depth;
    /// Where the element lies in the buffer; length 0 when all of the document is bad.
    sj_slice element;
} sj_failure;

/// Values that were taken for null or cut, since a field asks for it, in good records over the parser's life.
typedef struct sj_concessions {
    uint64_t nulls;
    uint64_t cuts;
    /// Why one of them was taken for null.
    uint8_t code;
    uint8_t found;
} sj_concessions;

/// The most arrays that may hold one another.
#define SJ_ARRAYS_MAX 8
#define SJ_NO_NUMBER UINT32_MAX

/// The rows that elements become, when a parser makes more than one row, or none, of a document.
typedef struct sj_rows {
    /// Rows that there is room for, in the columns, in `status` and here.
    size_t capacity;
    /// The document of each row.
    uint32_t *documents;
    /// Where the element of each row lies; length 0 for a document that is bad as a whole.
    sj_slice *elements;
    /// For each row as many as there are arrays: the number, from 0, of the element of each that the row is, or that it lies
    /// in. SJ_NO_NUMBER in arrays inside of what is bad as a whole.
    uint32_t *numbers;
    /// In: rows, documents and bytes of the arena that earlier calls have made of this batch. Out: with those of this call.
    size_t count;
    size_t documents_done;
    size_t arena_used;
} sj_rows;

typedef struct sj_summary {
    size_t ok_count;
    size_t failure_count;
    /// Bytes of unescaped text written after `length + SJ_PADDING`.
    size_t arena_used;
} sj_summary;

typedef struct sj_lines {
    size_t count;
    /// Bytes of the input that are done with; the rest is an unfinished line, or did not fit into `lines`.
    size_t consumed;
} sj_lines;

/// depth_max is 1...SJ_DEPTH_MAX; with objects_only, a document that is valid JSON but no object is bad. Null when memory
/// is short.
sj_parser *sj_parser_create(uint32_t depth_max, uint32_t document_length_max, bool objects_only);
void sj_parser_destroy(sj_parser *parser);

/// What a key of a path is: that of a member; that by which elements of the array there are chosen; and the text under it in
/// the one that is meant. The last two stand together, and members follow. All choices in one array are by the same key.
enum { SJ_KEY_MEMBER = 0, SJ_KEY_CHOICE = 1, SJ_KEY_CHOSEN = 2 };

/// Declares one field, before the first sj_parse: `key_count` keys of the kinds of `key_kinds`, one after the other in
/// `keys`. Without keys it is the element itself, whatever it is; no other field of the element has keys then.
void sj_parser_add_field(
    sj_parser *parser, const uint8_t *keys, const uint32_t *key_lengths, const uint8_t *key_kinds, size_t key_count,
    sj_field_options options);

/// Makes a row of every element of the array at a path, in place of one of every document; without keys, of the document
/// itself. Called again, of every element of an array in each of those elements, which are no rows any more; with keys then,
/// and SJ_ARRAYS_MAX times at most. Before the first field. What lacks its array is bad; with `optional`, anything in which
/// nothing or null stands in the place of its array is without rows.
void sj_parser_add_array(
    sj_parser *parser, const uint8_t *keys, const uint32_t *key_lengths, size_t key_count, bool optional);

/// Whether a byte order mark in front of the first document of a batch is passed over; else it makes the document bad. Holds
/// until it is said otherwise.
void sj_parser_pass_mark(sj_parser *parser, bool passes);

/// Parses `document_count` documents of `buffer` into one column per declared field.
///
/// `capacity` is at least `length + SJ_PADDING + length`. Documents ascend, do not overlap, and whatever lies between
/// two of them is JSON whitespace with at least one '\n'. Returns null, or a sentence that says which of these rules
/// the caller broke (nothing is parsed then).
const char *sj_parse(
    sj_parser *parser, uint8_t *buffer, size_t length, size_t capacity, const sj_slice *documents,
    size_t document_count, const sj_column *columns, uint8_t *status, sj_summary *summary);

/// The same for a parser with elements: rows instead of documents. When there is no room for another row, it stops
/// before a document, to be called again with more of it and the same documents; all calls together are one sj_parse, whose
/// failures are kept until a call with documents_done of 0.
const char *sj_parse_elements(
    sj_parser *parser, uint8_t *buffer, size_t length, size_t capacity, const sj_slice *documents,
    size_t document_count, const sj_column *columns, uint8_t *status, sj_rows *rows, sj_summary *summary);

/// What was conceded for a declared field so far.
sj_concessions sj_parser_concessions(const sj_parser *parser, size_t field);

/// The value that a text stands for, as a field that accepts text takes it: 8 bytes, or 1 for a boolean, at `value`; SJ_OK
/// or why not. SJ_TEXT is none of its types.
uint8_t sj_value_of_text(uint8_t type, uint8_t scale, const uint8_t *text, size_t length, void *value);

/// The bad rows of the last sj_parse, by ascending index; valid until the next one.
const sj_failure *sj_parser_failures(const sj_parser *parser);

/// Finds the lines of `bytes` that are not blank, without their '\n' or "\r\n". A last line without '\n' counts only
/// if `is_final`.
sj_lines sj_split_lines(const uint8_t *bytes, size_t length, bool is_final, sj_slice *lines, size_t line_capacity);

/// "avx2" or "baseline": the walker chosen for this processor.
const char *sj_walker_name(void);

/// Name of simdjson's kernel chosen for this processor.
const char *sj_kernel_name(void);

#ifdef __cplusplus
}
#endif
