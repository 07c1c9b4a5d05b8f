/* Percentile sketches: docs/formats/quantiles.md. */
#ifndef MRS_QUANTILES_H
#define MRS_QUANTILES_H

#include "core.h"

enum
{
    MRS_DOUBLE = 73,        /* kind of values: 0 integer, 32 + scale decimal, 73 double */
    MRS_VALUES_MAX = 32,    /* values of an EXACT sketch */
    MRS_BUCKETS_MAX = 2048, /* buckets that are not the zero bucket's */
    MRS_BIAS = 131072,      /* key of a positive bucket: bias + index; of a negative one: its negative; of zero: 0 */
    MRS_KEY_LEAST = 65664,
    MRS_KEY_GREATEST = 196608
};

/* A whole number of 256 bits, two's complement, lowest limb first. */
typedef struct
{
    uint64_t limb[4];
} mrs_wide;

/*
 * What stands in a sketch that has been checked from end to end. Raw values are the (scaled) integers, or the bits of
 * doubles with the magnitude of negatives flipped, so that raw values of any kind sort as the values do.
 */
typedef struct
{
    int code;
    bool is_exact;
    int halvings;
    int64_t n, low, high;
    mrs_wide total;
    int value_count;
    int64_t values[MRS_VALUES_MAX];
    uint64_t zeros;
    int negatives; /* negative buckets */
    int buckets;   /* of both signs, and zero's */
    size_t runs;   /* where they begin */
} mrs_quantiles;

/* Walks the buckets of a checked sketch in ascending order. */
typedef struct
{
    const mrs_quantiles *sketch;
    const uint8_t *bytes;
    size_t size, at;
    int sign, left, key;
    bool is_first, is_zero_due;
} mrs_buckets;

/* Counts of buckets by the magnitude of their keys, from `base` on. */
typedef struct
{
    uint64_t *counts;
    int base, room;
} mrs_window;

/* A union under way: up to 32 values, or counts of buckets: at most 1 MiB for each sign, of values that far apart. */
typedef struct
{
    void *memory;
    bool started, is_exact, has_range;
    int code, exact_max, halvings;
    unsigned __int128 n;
    int64_t low, high;
    mrs_wide total;
    int value_count;
    int64_t values[MRS_VALUES_MAX];
    uint64_t zeros;
    mrs_window positive, negative;
} mrs_quantile_union;

/* Scale. */
extern double mrs_raw_to_double(int code, int64_t raw);
extern int mrs_raw_to_key(int code, int64_t raw);
extern int mrs_coarsened(int key, int halvings);
/* What is reported for a bucket (bound 0), its lower end (-1) or its upper one (1). */
extern double mrs_key_value(int key, int halvings, int bound);

/* Wide numbers. */
extern mrs_wide mrs_wide_of(int64_t value);
extern mrs_wide mrs_raw_to_units(int code, int64_t raw);
extern void mrs_wide_add(mrs_wide *to, const mrs_wide *value);
extern bool mrs_wide_is_negative(const mrs_wide *value);
extern mrs_wide mrs_wide_magnitude(const mrs_wide *value);
/* At most the magnitude of 2^127 times n. */
extern bool mrs_wide_is_sum_of(const mrs_wide *value, int64_t n);
/* Decimal digits into a buffer of 80. */
extern void mrs_wide_text(const mrs_wide *value, char *text);

/* Reading. */
extern bool mrs_quantiles_read(const uint8_t *bytes, size_t size, mrs_quantiles *sketch, mrs_error *error);
extern void mrs_buckets_begin(mrs_buckets *walk, const mrs_quantiles *sketch, const uint8_t *bytes, size_t size);
extern bool mrs_buckets_next(mrs_buckets *walk, int *key, uint64_t *count);
/* The bucket that holds the value of a rank, counted from 0; false if there are no so many. */
extern bool mrs_bucket_of_rank(const mrs_quantiles *sketch, const uint8_t *bytes, size_t size, int64_t rank, int *key);

/* The value of a rank, clamped to minimum and maximum; of a sketch with values. */
extern double mrs_quantiles_at_key(const mrs_quantiles *sketch, int key, int bound);
extern int64_t mrs_rank(double quantile, int64_t n);
extern double mrs_share_below(const mrs_quantiles *sketch, const uint8_t *bytes, size_t size, double x, int bound);
/* Whether the units of the sum say what the sum is. */
extern bool mrs_quantiles_has_sum(const mrs_quantiles *sketch);

/* Uniting. */
extern void mrs_quantile_union_begin(mrs_quantile_union *state, void *memory);
extern bool mrs_quantile_union_add(mrs_quantile_union *state, const uint8_t *bytes, size_t size, mrs_error *error);
/* Brings the buckets to their scale, and says how many bytes will do; false if there are too many values. */
extern bool mrs_quantile_union_size_max(mrs_quantile_union *state, size_t *size, mrs_error *error);
extern size_t mrs_quantile_union_write(const mrs_quantile_union *state, uint8_t *bytes);

#endif
