/*
 * The improved estimator of Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017), algorithm 6.
 * The same operations in the same order as the engine; compiled without contraction to fused multiply-adds, so the bits
 * are the same too.
 */
#include "uniques.h"

#include <math.h>

extern bool mrs_uniques_histogram(const uint8_t *bytes, size_t size, mrs_uniques_header *header, int *counts,
                                  mrs_error *error);

static double
sigma(double x)
{
    double y = 1, z = x, previous;

    do
    {
        x = x * x;
        previous = z;
        z = z + x * y;
        y = y + y;
    } while (z != previous);
    return z;
}

static double
tau(double x)
{
    double y = 1, z = 1 - x, previous;

    if (x == 0 || x == 1)
        return 0;
    do
    {
        x = sqrt(x);
        previous = z;
        y = y * 0.5;
        z = z - (1 - x) * (1 - x) * y;
    } while (z != previous);
    return z / 3;
}

bool
mrs_uniques_estimate(const uint8_t *bytes, size_t size, double errors, double *estimate, mrs_error *error)
{
    mrs_uniques_header header;
    int counts[64], filled = 0, top;
    double m, z;

    if (!mrs_uniques_histogram(bytes, size, &header, counts, error))
        return false;
    *estimate = counts[0];
    if (header.form == MRS_UNIQUES_EMPTY || header.form == MRS_UNIQUES_EXPLICIT)
        return true;
    top = (1 << header.width) - 1;
    for (int value = 1; value <= top; value++)
        filled += counts[value];
    m = 1 << header.log2m;
    if (filled == 0)
    {
        /* A value was seen whose hash leaves no trace. */
        *estimate = 1 + errors * (1.04 / sqrt(m));
        return true;
    }
    if (counts[top] == 1 << header.log2m)
    {
        /* Every register has the largest value, as crafted values can make it: finite all the same. */
        counts[top]--;
        counts[top - 1] = 1;
    }
    z = m * tau(1 - counts[top] / m);
    for (int value = top - 1; value >= 1; value--)
        z = 0.5 * (z + counts[value]);
    z = z + m * sigma((m - filled) / m);
    z = 0.7213475204444817 * m * m / z;
    *estimate = (z < 1 ? 1 : z) * (1 + errors * (1.04 / sqrt(m)));
    return true;
}
