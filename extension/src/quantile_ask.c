/* Percentile sketches: percentiles and shares. */
#include "quantiles.h"

#include <math.h>

/* Counted from 0; the quantile is 0 to 1. */
int64_t
mrs_rank(double quantile, int64_t n)
{
    double rank = floor(quantile * (double) (n - 1));

    return rank >= (double) (n - 1) ? n - 1 : (int64_t) rank;
}

double
mrs_quantiles_at_key(const mrs_quantiles *sketch, int key, int bound)
{
    double value = mrs_key_value(key, sketch->halvings, bound), low = mrs_raw_to_double(sketch->code, sketch->low),
           high = mrs_raw_to_double(sketch->code, sketch->high);

    value = value > low ? value : low;
    return value < high ? value : high;
}

static double
share_of_values(const mrs_quantiles *sketch, double x)
{
    int below = 0;

    while (below < sketch->value_count && mrs_raw_to_double(sketch->code, sketch->values[below]) < x)
        below++;
    return below / (double) sketch->n;
}

/* The share of the values below x: at least (bound -1), estimated within a bucket (0), at most (1). */
double
mrs_share_below(const mrs_quantiles *sketch, const uint8_t *bytes, size_t size, double x, int bound)
{
    double low = mrs_raw_to_double(sketch->code, sketch->low), high = mrs_raw_to_double(sketch->code, sketch->high);
    int64_t below = 0;
    mrs_buckets walk;
    uint64_t count;
    int key;

    if (sketch->is_exact)
        return share_of_values(sketch, x);
    if (x <= low)
        return 0;
    if (x > high)
        return 1;
    mrs_buckets_begin(&walk, sketch, bytes, size);
    while (mrs_buckets_next(&walk, &key, &count))
    {
        double upper = mrs_key_value(key, sketch->halvings, 1), lower, share;

        upper = upper < high ? upper : high;
        if (upper < x)
        {
            below += (int64_t) count;
            continue;
        }
        lower = mrs_key_value(key, sketch->halvings, -1);
        lower = lower > low ? lower : low;
        if (x <= lower || bound < 0)
            break;
        if (bound > 0)
            return (double) (below + (int64_t) count) / (double) sketch->n;
        /* Values of the bucket are taken to lie evenly between its ends. */
        share = (x - lower) / (upper - lower);
        return ((double) below + (double) (int64_t) count * share) / (double) sketch->n;
    }
    return (double) below / (double) sketch->n;
}
