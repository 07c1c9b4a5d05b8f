#pragma once
// Regular expressions in linear time: RE2 behind a few C functions. No logic of our own.
// Thread safety: a compiled expression may be used by any number of threads at once. No function throws, blocks for long
// or keeps a caller's pointer.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A compiled regular expression.
typedef struct re_expression re_expression;

/// A part of a text; start is -1 where a group took no part in the match.
typedef struct {
    ptrdiff_t start;
    ptrdiff_t end;
} re_span;

/// Groups that can be asked for, the whole match included.
#define RE_SPANS_MAX 10

/// Compiles `length` bytes of UTF-8. NULL when the pattern is refused: then what is wrong stands in `message`, a text of
/// at most `message_size` bytes with its end, and the part of the pattern that it is about in `fragment`.
re_expression *re_compile(const char *pattern, size_t length, bool ignores_case, bool longest, bool many_lines,
                          int64_t memory_max, char *message, size_t message_size, re_span *fragment);
void re_free(re_expression *expression);

/// Groups in parentheses.
int re_group_count(const re_expression *expression);

/// Looks for a match that begins at `from` or later; what stands before counts for anchors. Fills `count` spans.
bool re_find(const re_expression *expression, const char *text, size_t length, size_t from, re_span *spans, int count);

#ifdef __cplusplus
}
#endif
