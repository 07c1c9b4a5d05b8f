#include "CRE2.h"

#include <re2/re2.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

struct re_expression {
    re2::RE2 compiled;
    re_expression(re2::StringPiece pattern, const re2::RE2::Options &options) : compiled(pattern, options) {}
};

re_expression *re_compile(const char *pattern, size_t length, bool ignores_case, bool longest, bool many_lines,
                          int64_t memory_max, char *message, size_t message_size, re_span *fragment) {
    re2::RE2::Options options;
    options.set_case_sensitive(!ignores_case);
    options.set_longest_match(longest);
    options.set_dot_nl(!many_lines);
    options.set_log_errors(false);
    options.set_max_mem(memory_max);
    std::string prefix = many_lines ? "(?m)" : "";
    std::string whole = prefix + std::string(pattern, length);
    auto *expression = new (std::nothrow) re_expression(whole, options);
    if (expression && expression->compiled.ok()) return expression;
    std::string error = expression ? expression->compiled.error() : "no memory";
    std::string part = expression ? expression->compiled.error_arg() : "";
    delete expression;
    size_t kept = std::min(error.size(), message_size - 1);
    std::memcpy(message, error.data(), kept);
    message[kept] = 0;
    // RE2 quotes the part it complains about; where it stands is for us to find.
    size_t at = part.empty() ? std::string::npos : std::string(pattern, length).rfind(part);
    fragment->start = at == std::string::npos ? -1 : static_cast<ptrdiff_t>(at);
    fragment->end = at == std::string::npos ? -1 : static_cast<ptrdiff_t>(at + part.size());
    return nullptr;
}

void re_free(re_expression *expression) { delete expression; }

int re_group_count(const re_expression *expression) { return expression->compiled.NumberOfCapturingGroups(); }

bool re_find(const re_expression *expression, const char *text, size_t length, size_t from, re_span *spans, int count) {
    re2::StringPiece found[RE_SPANS_MAX];
    count = std::min(count, RE_SPANS_MAX);
    re2::StringPiece whole(text, length);
    if (!expression->compiled.Match(whole, from, length, re2::RE2::UNANCHORED, found, count)) return false;
    for (int index = 0; index < count; index++) {
        bool is_there = found[index].data() != nullptr;
        spans[index].start = is_there ? found[index].data() - text : -1;
        spans[index].end = is_there ? spans[index].start + static_cast<ptrdiff_t>(found[index].size()) : -1;
    }
    return true;
}
