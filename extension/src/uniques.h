/* Distinct-count sketches: docs/formats/uniques.md. */
#ifndef MRS_UNIQUES_H
#define MRS_UNIQUES_H

#include "core.h"

enum
{
    MRS_UNIQUES_EMPTY = 1,
    MRS_UNIQUES_EXPLICIT,
    MRS_UNIQUES_SPARSE,
    MRS_UNIQUES_FULL
};

/* The first three bytes, checked together with the size of the body. */
typedef struct
{
    int form;
    int log2m;     /* 4 ... 17 */
    int width;     /* bits of a register, 4 ... 6 */
    int threshold; /* so many distinct hashes are kept as they are; at most 12,288 */
    bool sparse;   /* whether SPARSE may be written */
    uint8_t parameters[2];
} mrs_uniques_header;

/*
 * A union under way. Hashes while it is exact, then a list of words (index << width | value), then a byte for each
 * register: 2^log2m bytes at most, and twice the threshold of hashes.
 */
typedef struct
{
    void *memory;
    bool started;
    bool is_exact;
    bool is_full; /* a FULL sketch was among them: FULL is written */
    mrs_uniques_header header;
    int64_t *hashes;
    uint32_t *words;
    uint8_t *registers;
    int hash_count, hash_room;
    int word_count, word_room;
} mrs_uniques;

extern bool mrs_uniques_read_header(const uint8_t *bytes, size_t size, mrs_uniques_header *header, mrs_error *error);
extern void mrs_uniques_begin(mrs_uniques *state, void *memory);
extern bool mrs_uniques_add(mrs_uniques *state, const uint8_t *bytes, size_t size, mrs_error *error);
/* The most bytes that a state can be written as. */
extern size_t mrs_uniques_size_max(const mrs_uniques *state);
/* Writes a state that has begun, and returns the number of bytes. */
extern size_t mrs_uniques_write(mrs_uniques *state, uint8_t *bytes);
/* The estimate times (1 + errors * standard error). */
extern bool mrs_uniques_estimate(const uint8_t *bytes, size_t size, double errors, double *estimate, mrs_error *error);
/* How many hashes two EXPLICIT or EMPTY sketches share, which must have been read before. */
extern int mrs_uniques_shared(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size);

/* The union of two FULL sketches of one size and equal parameters, without a state; false for others. */
extern bool mrs_uniques_unite_full(const uint8_t *a, const uint8_t *b, size_t size, uint8_t *out);

#endif
