/* The scale of percentile sketches: which bucket a value is in, and what a bucket stands for. */
#include "quantiles.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The 64 boundaries of an octave, as 53-bit mantissas rounded down. */
static const int64_t boundaries[64] = {
    INT64_C(4503599627370496), INT64_C(4552640611975264), INT64_C(4602215617889652), INT64_C(4652330460224456),
    INT64_C(4702991017412879), INT64_C(4754203231900066), INT64_C(4805973110840144), INT64_C(4858306726800863),
    INT64_C(4911210218475898), INT64_C(4964689791404917), INT64_C(5018751718701482), INT64_C(5073402341788886),
    INT64_C(5128648071143992), INT64_C(5184495387049181), INT64_C(5240950840352481), INT64_C(5298021053235979),
    INT64_C(5355712719992597), INT64_C(5414032607811327), INT64_C(5472987557571018), INT64_C(5532584484642806),
    INT64_C(5592830379701282), INT64_C(5653732309544489), INT64_C(5715297417922861), INT64_C(5777532926377168),
    INT64_C(5840446135085607), INT64_C(5904044423720102), INT64_C(5968335252311937), INT64_C(6033326162126810),
    INT64_C(6099024776549417), INT64_C(6165438801977672), INT64_C(6232576028726660), INT64_C(6300444331942436),
    INT64_C(6369051672525772), INT64_C(6438406098065966), INT64_C(6508515743784819), INT64_C(6579388833490888),
    INT64_C(6651033680544134), INT64_C(6723458688831074), INT64_C(6796672353750546), INT64_C(6870683263210220),
    INT64_C(6945500098633947), INT64_C(7021131635980086), INT64_C(7097586746770916), INT64_C(7174874399133263),
    INT64_C(7253003658850448), INT64_C(7331983690425700), INT64_C(7411823758157148), INT64_C(7492533227224511),
    INT64_C(7574121564787629), INT64_C(7656598341096954), INT64_C(7739973230616134), INT64_C(7824256013156818),
    INT64_C(7909456575025820), INT64_C(7995584910184779), INT64_C(8082651121422441), INT64_C(8170665421539707),
    INT64_C(8259638134547591), INT64_C(8349579696878213), INT64_C(8440500658608990), INT64_C(8532411684700150),
    INT64_C(8625323556245721), INT64_C(8719247171738151), INT64_C(8814193548346688), INT64_C(8910173823209688),
};

/* How many boundaries lie below each 256th part of an octave; within one lies one more at most. */
static const uint8_t boundaries_below[256] = {
    0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8,
    9, 9, 9, 10, 10, 10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15, 15, 16, 16,
    16, 17, 17, 17, 18, 18, 18, 18, 19, 19, 19, 20, 20, 20, 21, 21, 21, 21, 22, 22, 22, 23, 23, 23,
    23, 24, 24, 24, 25, 25, 25, 25, 26, 26, 26, 26, 27, 27, 27, 28, 28, 28, 28, 29, 29, 29, 29, 30,
    30, 30, 30, 31, 31, 31, 31, 32, 32, 32, 32, 33, 33, 33, 34, 34, 34, 34, 35, 35, 35, 35, 36, 36,
    36, 36, 36, 37, 37, 37, 37, 38, 38, 38, 38, 39, 39, 39, 39, 40, 40, 40, 40, 41, 41, 41, 41, 41,
    42, 42, 42, 42, 43, 43, 43, 43, 44, 44, 44, 44, 44, 45, 45, 45, 45, 46, 46, 46, 46, 46, 47, 47,
    47, 47, 48, 48, 48, 48, 48, 49, 49, 49, 49, 49, 50, 50, 50, 50, 51, 51, 51, 51, 51, 52, 52, 52,
    52, 52, 53, 53, 53, 53, 53, 54, 54, 54, 54, 54, 55, 55, 55, 55, 55, 56, 56, 56, 56, 56, 57, 57,
    57, 57, 57, 58, 58, 58, 58, 58, 59, 59, 59, 59, 59, 59, 60, 60, 60, 60, 60, 61, 61, 61, 61, 61,
    62, 62, 62, 62, 62, 62, 63, 63, 63, 63, 63, 64, 64, 64, 64, 64,
};

/* 2 / (1 + b) for b = 2^(2^-scale), by halvings below scale 6. */
static const double midpoint_factors[8] = {
    0.9945848405840976, 0.9891699987466264, 0.9783425376737737, 0.9567053825006107,
    0.9135727662741103, 0.8284271247461902, 0.6666666666666666, 0.4,
};

static uint64_t
double_bits(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* A raw value as a double; decimals are rounded once, from their exact digits. */
double
mrs_raw_to_double(int code, int64_t raw)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8, 1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18};
    int scale = code & 31;
    double value;
    char text[32];

    if (code == MRS_DOUBLE)
    {
        uint64_t bits = raw < 0 ? (uint64_t) raw ^ INT64_MAX : (uint64_t) raw;

        memcpy(&value, &bits, sizeof value);
        return value;
    }
    /* The quotient of two doubles that are exact is the double nearest to it. */
    if (scale == 0 || (raw >= -(INT64_C(1) << 53) && raw <= INT64_C(1) << 53))
        return (double) raw / powers[scale];
    snprintf(text, sizeof text, "%" PRId64 "e-%d", raw, scale);
    return strtod(text, NULL);
}

int
mrs_raw_to_key(int code, int64_t raw)
{
    uint64_t bits = double_bits(mrs_raw_to_double(code, raw)), magnitude = bits & INT64_MAX;
    int64_t fraction = (int64_t) ((magnitude & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52);
    int below = boundaries_below[magnitude >> 44 & 255], key;

    /* Zero, and what is smaller than the smallest normal double. */
    if (magnitude < UINT64_C(1) << 52)
        return 0;
    below += below < 64 && boundaries[below] < fraction;
    key = MRS_BIAS + 64 * ((int) (magnitude >> 52) - 1023) + below;
    return bits >> 63 ? -key : key;
}

/* What a shift of a negative number means: towards less, in whole numbers. */
static int
halved(int value, int times)
{
    int divisor = 1 << times;

    return value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor);
}

/* The key on a grid so many halvings coarser: index -> ceil(index / 2^halvings). */
int
mrs_coarsened(int key, int halvings)
{
    if (key == 0 || halvings == 0)
        return key;
    return key > 0 ? MRS_BIAS - halved(MRS_BIAS - key, halvings) : halved(MRS_BIAS + key, halvings) - MRS_BIAS;
}

static double
bucket_value(int index, int halvings, double factor)
{
    int64_t fine = (int64_t) index * (1 << halvings), octave = fine >= 0 ? fine / 64 : -((-fine + 63) / 64);
    int exponent = (int) octave - 52;

    if (factor == 1 && fine >= 65536)
        return 1.7976931348623157e308;
    return (double) boundaries[fine - 64 * octave] * factor * ldexp(1, exponent / 2) *
           ldexp(1, exponent - exponent / 2);
}

double
mrs_key_value(int key, int halvings, int bound)
{
    int sign = key > 0 ? 1 : -1, index = abs(key) - MRS_BIAS;

    if (key == 0)
        return bound * 2.2250738585072014e-308;
    if (bound == 0)
        return sign * bucket_value(index, halvings, midpoint_factors[halvings]);
    /* The end away from zero is the bucket's own boundary, the other one its neighbour's. No end is -0. */
    return sign * bucket_value(index - (sign == bound ? 0 : 1), halvings, 1) + 0.0;
}
