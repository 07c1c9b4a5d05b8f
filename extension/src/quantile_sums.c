/* Sums of percentile sketches: whole numbers of up to 256 bits. */
#include "quantiles.h"


typedef unsigned __int128 two_limbs;

mrs_wide
mrs_wide_of(int64_t value)
{
    uint64_t sign = value < 0 ? UINT64_MAX : 0;

    return (mrs_wide){{(uint64_t) value, sign, sign, sign}};
}

void
mrs_wide_add(mrs_wide *to, const mrs_wide *value)
{
    two_limbs carry = 0;

    for (int i = 0; i < 4; i++)
    {
        carry += (two_limbs) to->limb[i] + value->limb[i];
        to->limb[i] = (uint64_t) carry;
        carry >>= 64;
    }
}

bool
mrs_wide_is_negative(const mrs_wide *value)
{
    return value->limb[3] >> 63;
}

mrs_wide
mrs_wide_magnitude(const mrs_wide *value)
{
    mrs_wide flipped = {{~value->limb[0], ~value->limb[1], ~value->limb[2], ~value->limb[3]}};
    mrs_wide one = mrs_wide_of(1);

    if (!mrs_wide_is_negative(value))
        return *value;
    mrs_wide_add(&flipped, &one);
    return flipped;
}

bool
mrs_wide_is_sum_of(const mrs_wide *value, int64_t n)
{
    mrs_wide magnitude = mrs_wide_magnitude(value);
    /* n times 2^127. */
    mrs_wide most = {{0, (uint64_t) n << 63, (uint64_t) n >> 1, 0}};

    for (int i = 3; i >= 0; i--)
        if (magnitude.limb[i] != most.limb[i])
            return magnitude.limb[i] < most.limb[i];
    return true;
}

void
mrs_wide_text(const mrs_wide *value, char *text)
{
    mrs_wide rest = mrs_wide_magnitude(value);
    char digits[80];
    int count = 0;

    do
    {
        two_limbs remainder = 0;

        for (int i = 3; i >= 0; i--)
        {
            remainder = remainder << 64 | rest.limb[i];
            rest.limb[i] = (uint64_t) (remainder / 10);
            remainder %= 10;
        }
        digits[count++] = (char) ('0' + (int) remainder);
    } while (rest.limb[0] | rest.limb[1] | rest.limb[2] | rest.limb[3]);
    if (mrs_wide_is_negative(value))
        *text++ = '-';
    while (count > 0)
        *text++ = digits[--count];
    *text = 0;
}

/* A magnitude in units of 10^-9, half to even, at most 2^127 - 1. */
static two_limbs
units_of(uint64_t bits)
{
    const two_limbs most = ((two_limbs) 1 << 127) - 1;
    int exponent = (int) (bits >> 52 & 2047);
    two_limbs product = (bits & ((UINT64_C(1) << 52) - 1)) + (exponent == 0 ? 0 : UINT64_C(1) << 52), units, rest, half;

    product *= 1000000000;
    exponent = (exponent > 1 ? exponent : 1) - 1075;
    if (exponent >= 0)
    {
        /* The product has 82 or 83 bits. */
        units = exponent > 45 ? most : product << exponent;
        return units > most ? most : units;
    }
    if (exponent < -84)
        return 0;
    units = product >> -exponent;
    rest = product - (units << -exponent);
    half = (two_limbs) 1 << (-exponent - 1);
    return units + (rest > half || (rest == half && (units & 1) == 1));
}

mrs_wide
mrs_raw_to_units(int code, int64_t raw)
{
    two_limbs units;
    mrs_wide wide, one = mrs_wide_of(1);

    if (code != MRS_DOUBLE)
        return mrs_wide_of(raw);
    units = units_of((raw < 0 ? (uint64_t) raw ^ INT64_MAX : (uint64_t) raw) & INT64_MAX);
    wide = (mrs_wide){{(uint64_t) units, (uint64_t) (units >> 64), 0, 0}};
    if (raw < 0)
    {
        for (int i = 0; i < 4; i++)
            wide.limb[i] = ~wide.limb[i];
        mrs_wide_add(&wide, &one);
    }
    return wide;
}

bool
mrs_quantiles_has_sum(const mrs_quantiles *sketch)
{
    double low, high, greatest;
    two_limbs of_low, of_high;

    if (sketch->code != MRS_DOUBLE || sketch->n == 0)
        return true;
    low = mrs_raw_to_double(sketch->code, sketch->low);
    high = mrs_raw_to_double(sketch->code, sketch->high);
    low = low < 0 ? -low : low;
    high = high < 0 ? -high : high;
    greatest = low > high ? low : high;
    if (greatest == 0)
        return true;
    of_low = units_of((sketch->low < 0 ? (uint64_t) sketch->low ^ INT64_MAX : (uint64_t) sketch->low) & INT64_MAX);
    of_high = units_of((sketch->high < 0 ? (uint64_t) sketch->high ^ INT64_MAX : (uint64_t) sketch->high) & INT64_MAX);
    return greatest >= 1e-6 && (of_low > of_high ? of_low : of_high) < ((two_limbs) 1 << 127) - 1;
}
