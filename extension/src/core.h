/*
 * What all parts of the core share. The core reads, unites and writes the bytes that Millrace stores (docs/formats); it
 * knows nothing of Postgres, so that it can be fuzzed alone. It trusts no byte: every length is checked before it is used.
 */
#ifndef MRS_CORE_H
#define MRS_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Why bytes were refused; the plain SQL functions use the SQLSTATEs that stand beside. */
typedef enum
{
    MRS_FINE = 0,
    MRS_MALFORMED, /* 22P03 invalid_binary_representation */
    MRS_MISMATCH,  /* 42804 datatype_mismatch */
    MRS_RANGE      /* 22003 numeric_value_out_of_range */
} mrs_fate;

typedef struct
{
    mrs_fate fate;
    char text[256];
} mrs_error;

/* Notes what is wrong and returns false, so that readers can end with it. */
extern bool mrs_refuse(mrs_error *error, mrs_fate fate, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Memory that lives as long as a state; never NULL. Whoever links the core defines these. */
extern void *mrs_allocate(void *memory, size_t size);
extern void mrs_release(void *block);

/* Eight bytes, most significant first. */
static inline uint64_t
mrs_load64(const uint8_t *at)
{
    return (uint64_t) at[0] << 56 | (uint64_t) at[1] << 48 | (uint64_t) at[2] << 40 | (uint64_t) at[3] << 32 |
           (uint64_t) at[4] << 24 | (uint64_t) at[5] << 16 | (uint64_t) at[6] << 8 | (uint64_t) at[7];
}

static inline void
mrs_store64(uint8_t *at, uint64_t value)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof value);
#else
    for (int i = 7; i >= 0; i--, value >>= 8)
        at[i] = (uint8_t) value;
#endif
}

#endif
