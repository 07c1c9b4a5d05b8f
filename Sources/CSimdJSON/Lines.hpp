// Cutting newline-delimited JSON into lines. Included inside Walker.hpp's namespace, once per target.

/// Collects the lines that are not blank.
struct Lines {
    sj_slice *lines;
    size_t capacity;
    size_t count = 0;
    size_t lineBegin = 0;

    sj_lines split(const uint8_t *bytes, size_t length, bool isFinal) {
        size_t at = 0;
#if defined(SJ_AVX2)
        // 64 bytes at a time: lines are some hundreds of bytes, so a call of memchr per line would cost more.
        const __m256i newline = _mm256_set1_epi8('\n');
        for (; at + 64 <= length; at += 64) {
            const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(bytes + at));
            const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(bytes + at + 32));
            const uint64_t lowEnds = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, newline)));
            const uint64_t highEnds = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, newline)));
            for (uint64_t ends = lowEnds | highEnds << 32; ends != 0; ends &= ends - 1) {
                if (!end(bytes, at + static_cast<size_t>(__builtin_ctzll(ends)))) { return {count, lineBegin}; }
            }
        }
#endif
        while (at < length) {
            const void *const found = std::memchr(bytes + at, '\n', length - at);
            if (found == nullptr) { break; }
            const size_t lineEnd = static_cast<size_t>(static_cast<const uint8_t *>(found) - bytes);
            if (!end(bytes, lineEnd)) { return {count, lineBegin}; }
            at = lineEnd + 1;
        }
        if (isFinal && lineBegin < length && end(bytes, length)) { lineBegin = length; }
        return {count, lineBegin};
    }

    /// Takes the line up to `lineEnd`; false when there is no room for it.
    bool end(const uint8_t *bytes, size_t lineEnd) {
        size_t begin = lineBegin, stop = lineEnd;
        while (stop > begin && isSpace(bytes[stop - 1])) { stop--; }
        while (begin < stop && isSpace(bytes[begin])) { begin++; }
        if (begin < stop) {
            if (count == capacity) { return false; }
            lines[count++] = {static_cast<uint32_t>(begin), static_cast<uint32_t>(stop - begin)};
        }
        lineBegin = lineEnd + 1;
        return true;
    }
};
