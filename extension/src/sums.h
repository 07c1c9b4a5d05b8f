/* Exact sums of doubles: docs/formats/sums.md. */
#ifndef MRS_SUMS_H
#define MRS_SUMS_H

#include "core.h"

enum
{
    MRS_SUM_LIMBS = 37,        /* of 64 bits: 2,161 for a sum, the rest for its sign and so many sums */
    MRS_SUM_BYTES_MAX = 280,   /* of a stored sum */
    MRS_SUM_TEXT_MAX = 2560    /* of one in decimal */
};

/* A sum in units of 2^-1074, two's complement, lowest limb first. */
typedef struct
{
    uint64_t limb[MRS_SUM_LIMBS];
} mrs_sum;

extern bool mrs_sum_add(mrs_sum *sum, const uint8_t *bytes, size_t size, mrs_error *error);
extern void mrs_sum_join(mrs_sum *sum, const mrs_sum *other);
/* Writes it, into MRS_SUM_BYTES_MAX; false if it leaves the range of sums of doubles. */
extern bool mrs_sum_write(const mrs_sum *sum, uint8_t *bytes, size_t *size, mrs_error *error);
/* A stored sum in decimal, every digit of it, into MRS_SUM_TEXT_MAX. */
extern bool mrs_sum_text(const uint8_t *bytes, size_t size, char *text, mrs_error *error);

#endif
