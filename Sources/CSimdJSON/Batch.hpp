#pragma once
// What the driver (Parser.cpp) hands to a walker, and the walkers there are.
#include "Schema.hpp"
#include "Values.hpp"

#include <algorithm>

namespace sj {

/// The structural index of one stretch of the batch buffer. Entries [count, count + 8) repeat `end`, where a '\n'
/// stands, which no grammar accepts: so a walker that is led beyond the last document stops by itself.
struct Segment {
    const uint8_t *base;
    const uint32_t *index;
    uint32_t count;
    /// Bytes of the segment.
    uint32_t end;
    /// Where the segment begins in the batch buffer.
    uint32_t offset;
    /// Documents [firstDocument, lastDocument) of the batch lie in it.
    size_t firstDocument;
    size_t lastDocument;
};

/// What outlives a segment.
struct Batch {
    Level *root;
    std::vector<Field *> requiredFields;
    std::vector<std::unique_ptr<Field>> fields;
    uint32_t depthMax;
    /// Whether a document that is no object is bad.
    bool objectsOnly;
    /// Whether the first document may stand behind a byte order mark.
    bool passesMark = false;
    /// Counts documents over the parser's whole life, so that no mark left in a Field or Level has to be wiped.
    uint64_t serial = 0;
    MinuteMemo minute;

    const sj_slice *documents;
    uint8_t *status;
    uint8_t *buffer;
    uint32_t arenaBegin;
    uint32_t arenaEnd;
    size_t okCount;
    std::vector<sj_failure> failures;

    /// What rows the elements become; null when every document is one row.
    sj_rows *rows = nullptr;
    /// The elements of each array that holds the next one's, from the outside in. Those of the last are the rows.
    std::vector<Level *> arrays;
    /// The first of them where the document itself is the array; else null.
    Level *rootElements = nullptr;
    /// Whether the arrays may be missing.
    bool elementsOptional = false;
    /// Fields by where their paths begin: at the document (0) or at an element of the n-th array (n).
    struct Scope {
        std::vector<Field *> own, required;
        /// Those of the scopes inside.
        std::vector<Field *> inner;
    };
    std::vector<Scope> scopes;
    /// Those of the innermost element that are the element itself; then it has no others.
    std::vector<Field *> elementValues;
    /// Whether a document waits for room for its rows.
    bool isFull = false;

    /// Books a row as bad and takes back what was written for it.
    void reject(size_t row, uint8_t code, uint32_t position, int32_t field = -1, uint8_t found = 0) {
        for (auto &each : fields) { each->valid[row] = 0; }
        status[row] = code;
        failures.push_back({static_cast<uint32_t>(row), position, field, code, found, 0, {0, 0}});
    }

    /// Books a document as bad before or after it was walked; false when there is no room for the row it takes.
    bool rejectDocument(size_t document, uint8_t code, uint32_t position, int32_t field = -1, uint8_t found = 0) {
        if (rows == nullptr) {
            reject(document, code, position, field, found);
            return true;
        }
        if (rows->count == rows->capacity) {
            isFull = true;
            return false;
        }
        reject(rows->count, code, position, field, found);
        rows->elements[rows->count] = {0, 0};
        std::fill_n(rows->numbers + rows->count * arrays.size(), arrays.size(), SJ_NO_NUMBER);
        rows->documents[rows->count++] = static_cast<uint32_t>(document);
        rows->documents_done = document + 1;
        return true;
    }
};

using Walk = void (*)(Batch &, const Segment &);
using SplitLines = sj_lines (*)(const uint8_t *, size_t, bool, sj_slice *, size_t);

namespace baseline {
void walk(Batch &batch, const Segment &segment);
sj_lines splitLines(const uint8_t *bytes, size_t length, bool isFinal, sj_slice *lines, size_t capacity);
}  // namespace baseline

#if defined(__x86_64__)
namespace avx2 {
void walk(Batch &batch, const Segment &segment);
sj_lines splitLines(const uint8_t *bytes, size_t length, bool isFinal, sj_slice *lines, size_t capacity);
}  // namespace avx2
#endif

}  // namespace sj
