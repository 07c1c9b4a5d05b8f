/* Exact sums of doubles: reading, adding, writing. */
#include "sums.h"

#include <string.h>

#define LEAST_EXPONENT (-1074)
#define BITS_MAX 1087 /* sums are below 2^1087 */

typedef struct
{
    int sign; /* 0 for zero */
    int exponent;
    const uint8_t *magnitude; /* most significant byte first */
    size_t size;
} stored_sum;

#define MALFORMED(...) mrs_refuse(error, MRS_MALFORMED, "sum of doubles: " __VA_ARGS__)

static bool
check_layout(const uint8_t *bytes, size_t size, mrs_error *error)
{
    int version, layout;

    if (size == 0)
        return MALFORMED("found no bytes");
    version = bytes[0] >> 4;
    layout = bytes[0] & 15;
    if (version == 1)
        return MALFORMED("this is a sketch of uniques(); use uniques_estimate()");
    if (version == 2)
        return MALFORMED("this is a sketch of percentiles(); use percentile()");
    if (version == 4)
        return MALFORMED("this is a sketch of top(); use top()");
    if (version != 3)
        return MALFORMED("unknown version, found %d, expected 3", version);
    if (layout > 2)
        return MALFORMED("unknown layout, found %d, expected 0 to 2", layout);
    if (layout == 0 && size > 1)
        return MALFORMED("bytes after zero");
    return true;
}

static bool
read_exponent(const uint8_t *bytes, size_t size, size_t *at, int *exponent, mrs_error *error)
{
    int zigzag = 0;
    uint8_t byte;

    do
    {
        if (*at >= size)
            return MALFORMED("ends too early, found %zu bytes", size);
        if (*at > 2)
            return MALFORMED("exponent out of range");
        byte = bytes[*at];
        zigzag |= (byte & 127) << 7 * (*at - 1);
        ++*at;
    } while (byte > 127);
    if (byte == 0 && *at > 2)
        return MALFORMED("exponent with a superfluous byte");
    *exponent = (zigzag >> 1) ^ -(zigzag & 1);
    if (*exponent < LEAST_EXPONENT || *exponent > BITS_MAX - 1)
        return MALFORMED("exponent out of range, found %d", *exponent);
    return true;
}

static bool
read_sum(const uint8_t *bytes, size_t size, stored_sum *sum, mrs_error *error)
{
    size_t at = 1, bits;

    memset(sum, 0, sizeof *sum);
    if (!check_layout(bytes, size, error))
        return false;
    if ((bytes[0] & 15) == 0)
        return true;
    if (!read_exponent(bytes, size, &at, &sum->exponent, error))
        return false;
    if (at >= size)
        return MALFORMED("ends too early, found %zu bytes", size);
    if (bytes[at] == 0 || (bytes[size - 1] & 1) == 0)
        return MALFORMED("magnitude with leading or trailing zeros");
    bits = 8 * (size - at) - (size_t) (__builtin_clz(bytes[at]) - 24);
    if (bits > (size_t) (BITS_MAX - sum->exponent))
        return MALFORMED("magnitude out of range");
    sum->sign = (bytes[0] & 15) == 2 ? -1 : 1;
    sum->magnitude = bytes + at;
    sum->size = size - at;
    return true;
}

static void
negate(mrs_sum *sum)
{
    unsigned __int128 carry = 1;

    for (int i = 0; i < MRS_SUM_LIMBS; i++)
    {
        carry += (uint64_t) ~sum->limb[i];
        sum->limb[i] = (uint64_t) carry;
        carry >>= 64;
    }
}

void
mrs_sum_join(mrs_sum *sum, const mrs_sum *other)
{
    unsigned __int128 carry = 0;

    for (int i = 0; i < MRS_SUM_LIMBS; i++)
    {
        carry += (unsigned __int128) sum->limb[i] + other->limb[i];
        sum->limb[i] = (uint64_t) carry;
        carry >>= 64;
    }
}

bool
mrs_sum_add(mrs_sum *sum, const uint8_t *bytes, size_t size, mrs_error *error)
{
    stored_sum part;
    mrs_sum wide = {{0}};

    if (!read_sum(bytes, size, &part, error))
        return false;
    for (size_t i = 0; i < part.size; i++)
    {
        /* At most bit 2,160. */
        size_t bit = (size_t) (part.exponent - LEAST_EXPONENT) + 8 * i, limb = bit / 64, offset = bit % 64;
        uint64_t byte = part.magnitude[part.size - 1 - i];

        wide.limb[limb] |= byte << offset;
        if (offset > 56)
            wide.limb[limb + 1] |= byte >> (64 - offset);
    }
    if (part.sign < 0)
        negate(&wide);
    mrs_sum_join(sum, &wide);
    return true;
}

static size_t
put_exponent(uint8_t *out, int exponent)
{
    unsigned int zigzag = exponent < 0 ? -2u * (unsigned int) exponent - 1 : 2u * (unsigned int) exponent;

    if (zigzag < 128)
    {
        out[0] = (uint8_t) zigzag;
        return 1;
    }
    out[0] = (uint8_t) (zigzag | 128);
    out[1] = (uint8_t) (zigzag >> 7);
    return 2;
}

static int
byte_from_bit(const mrs_sum *sum, int bit)
{
    int limb = bit / 64, offset = bit % 64;
    uint64_t value = sum->limb[limb] >> offset;

    if (offset > 56 && limb + 1 < MRS_SUM_LIMBS)
        value |= sum->limb[limb + 1] << (64 - offset);
    return (int) (value & 255);
}

bool
mrs_sum_write(const mrs_sum *sum, uint8_t *bytes, size_t *size, mrs_error *error)
{
    mrs_sum magnitude = *sum;
    bool is_negative = sum->limb[MRS_SUM_LIMBS - 1] >> 63;
    int low = 0, high = MRS_SUM_LIMBS - 1, first, last;

    if (is_negative)
        negate(&magnitude);
    while (high >= 0 && magnitude.limb[high] == 0)
        high--;
    if (high < 0)
    {
        bytes[0] = 0x30;
        *size = 1;
        return true;
    }
    while (magnitude.limb[low] == 0)
        low++;
    first = 64 * low + __builtin_ctzll(magnitude.limb[low]);
    last = 64 * high + 63 - __builtin_clzll(magnitude.limb[high]);
    if (last + LEAST_EXPONENT >= BITS_MAX)
        return mrs_refuse(error, MRS_RANGE, "sum of doubles: this number is no sum of doubles");
    bytes[0] = is_negative ? 0x32 : 0x31;
    *size = 1 + put_exponent(bytes + 1, first + LEAST_EXPONENT);
    for (int bit = first + (last - first) / 8 * 8; bit >= first; bit -= 8)
        bytes[(*size)++] = (uint8_t) byte_from_bit(&magnitude, bit);
    return true;
}

/* MARK: Decimal digits */

/* A whole number of up to 5,120 bits, lowest limb first. */
typedef struct
{
    uint32_t limb[160];
    int count;
} whole;

static void
multiply(whole *number, uint32_t factor, uint32_t more)
{
    uint64_t carry = more;

    for (int i = 0; i < number->count; i++)
    {
        carry += (uint64_t) number->limb[i] * factor;
        number->limb[i] = (uint32_t) carry;
        carry >>= 32;
    }
    if (carry > 0)
        number->limb[number->count++] = (uint32_t) carry;
}

static uint32_t
divide(whole *number, uint32_t divisor)
{
    uint64_t rest = 0;

    for (int i = number->count - 1; i >= 0; i--)
    {
        rest = rest << 32 | number->limb[i];
        number->limb[i] = (uint32_t) (rest / divisor);
        rest %= divisor;
    }
    while (number->count > 0 && number->limb[number->count - 1] == 0)
        number->count--;
    return (uint32_t) rest;
}

/* The digits, lowest first, and at least so many. */
static int
digits_of(whole *number, int least, char *digits)
{
    int count = 0;

    while (number->count > 0)
    {
        uint32_t nine = divide(number, 1000000000);

        for (int i = 0; i < 9; i++, nine /= 10)
            digits[count++] = (char) ('0' + nine % 10);
    }
    while (count > least && digits[count - 1] == '0')
        count--;
    while (count < least)
        digits[count++] = '0';
    return count;
}

bool
mrs_sum_text(const uint8_t *bytes, size_t size, char *text, mrs_error *error)
{
    stored_sum sum;
    whole number = {.count = 0};
    char digits[2048];
    int places, count;

    if (!read_sum(bytes, size, &sum, error))
        return false;
    for (size_t i = 0; i < sum.size; i++)
        multiply(&number, 256, sum.magnitude[i]);
    for (int i = 0; i < sum.exponent; i++)
        multiply(&number, 2, 0);
    /* m / 2^k = m 5^k / 10^k */
    places = sum.exponent < 0 ? -sum.exponent : 0;
    for (int i = 0; i < places; i++)
        multiply(&number, 5, 0);
    count = digits_of(&number, places + 1, digits);
    if (sum.sign < 0)
        *text++ = '-';
    while (count > 0)
    {
        *text++ = digits[--count];
        if (count == places && places > 0)
            *text++ = '.';
    }
    *text = 0;
    return true;
}
