/* Percentile sketches: reading. Messages and their order are those of the plain function _percentiles_decode. */
#include "quantiles.h"

#include <string.h>

typedef struct
{
    const uint8_t *bytes;
    size_t size, at;
    mrs_error *error;
} reader;

#define MALFORMED(reader, ...) mrs_refuse((reader)->error, MRS_MALFORMED, "percentile sketch: " __VA_ARGS__)

static bool
ends(const reader *in)
{
    return MALFORMED(in, "ends too early, found %zu bytes", in->size);
}

/* A number of up to 28 groups of 7 bits. */
static bool
read_wide(reader *in, mrs_wide *value)
{
    size_t start = in->at;
    uint8_t byte;

    memset(value, 0, sizeof *value);
    do
    {
        size_t shift = 7 * (in->at - start), limb = shift / 64, offset = shift % 64;

        if (in->at >= in->size || in->at > start + 27)
            return ends(in);
        byte = in->bytes[in->at++];
        value->limb[limb] |= (uint64_t) (byte & 127) << offset;
        if (offset > 57)
            value->limb[limb + 1] |= (uint64_t) (byte & 127) >> (64 - offset);
    } while (byte > 127);
    if (byte == 0 && in->at > start + 1)
        return MALFORMED(in, "number with a superfluous byte");
    return true;
}

/* A number; the greatest of 64 bits for what does not fit. */
static inline bool
read_number(reader *in, uint64_t *value)
{
    mrs_wide wide;

    if (in->at < in->size && in->bytes[in->at] < 128)
    {
        *value = in->bytes[in->at++];
        return true;
    }
    if (!read_wide(in, &wide))
        return false;
    *value = wide.limb[1] | wide.limb[2] | wide.limb[3] ? UINT64_MAX : wide.limb[0];
    return true;
}

static int64_t
unzigzag(uint64_t value)
{
    return (int64_t) (value >> 1 ^ -(value & 1));
}

static bool
read_double(reader *in, int64_t *raw)
{
    uint64_t bits;

    if (in->at + 8 > in->size)
        return ends(in);
    bits = mrs_load64(in->bytes + in->at);
    in->at += 8;
    if ((bits >> 52 & 2047) == 2047 || bits == UINT64_C(1) << 63)
        return MALFORMED(in, "value is not finite, or negative zero");
    *raw = (int64_t) (bits >> 63 ? bits ^ INT64_MAX : bits);
    return true;
}

static bool
read_values(reader *in, mrs_quantiles *sketch)
{
    int most = sketch->code == MRS_DOUBLE ? 2 : MRS_VALUES_MAX;

    while (in->at < in->size)
    {
        int64_t value, previous = sketch->value_count > 0 ? sketch->values[sketch->value_count - 1] : INT64_MIN;
        bool fits = true;

        if (sketch->code == MRS_DOUBLE)
        {
            if (!read_double(in, &value))
                return false;
        }
        else
        {
            mrs_wide wide = {{0}};

            /* One byte is the rule. */
            if (in->bytes[in->at] < 128)
                wide.limb[0] = in->bytes[in->at++];
            else if (!read_wide(in, &wide))
                return false;
            fits = (wide.limb[1] | wide.limb[2] | wide.limb[3]) == 0;
            if (sketch->value_count == 0)
                value = unzigzag(wide.limb[0]);
            else
            {
                fits = fits && wide.limb[0] <= (uint64_t) INT64_MAX - (uint64_t) previous;
                value = (int64_t) ((uint64_t) previous + wide.limb[0]);
            }
        }
        if (!fits || value < previous || sketch->value_count == most)
            return MALFORMED(in, "exact values out of range, out of order or too many");
        sketch->values[sketch->value_count++] = value;
    }
    return true;
}

static bool
read_exact(reader *in, mrs_quantiles *sketch)
{
    if (!read_values(in, sketch))
        return false;
    sketch->n = sketch->value_count;
    if (((in->bytes[0] & 15) == 1) != (sketch->n == 0))
        return MALFORMED(in, "layout and number of values do not agree");
    for (int i = 0; i < sketch->value_count; i++)
    {
        mrs_wide units = mrs_raw_to_units(sketch->code, sketch->values[i]);

        mrs_wide_add(&sketch->total, &units);
    }
    if (sketch->n > 0)
    {
        sketch->low = sketch->values[0];
        sketch->high = sketch->values[sketch->value_count - 1];
    }
    return true;
}

static bool
read_range(reader *in, mrs_quantiles *sketch)
{
    mrs_wide low, step;

    if (sketch->code == MRS_DOUBLE)
        return read_double(in, &sketch->low) && read_double(in, &sketch->high);
    if (!read_wide(in, &low) || !read_wide(in, &step))
        return false;
    sketch->low = unzigzag(low.limb[0]);
    if (low.limb[1] | low.limb[2] | low.limb[3] | step.limb[1] | step.limb[2] | step.limb[3] ||
        step.limb[0] > (uint64_t) INT64_MAX - (uint64_t) sketch->low)
        return MALFORMED(in, "value above 64 bits");
    sketch->high = (int64_t) ((uint64_t) sketch->low + step.limb[0]);
    return true;
}

static bool
read_total(reader *in, mrs_quantiles *sketch)
{
    mrs_wide zigzag, *total = &sketch->total;

    if (!read_wide(in, &zigzag))
        return false;
    for (int i = 0; i < 4; i++)
    {
        total->limb[i] = zigzag.limb[i] >> 1 | (i < 3 ? zigzag.limb[i + 1] << 63 : 0);
        total->limb[i] ^= -(zigzag.limb[0] & 1);
    }
    if (!mrs_wide_is_sum_of(total, sketch->n))
        return MALFORMED(in, "sum out of range");
    return true;
}

/* Twice the values of a bucket less one, and whether a gap comes before it. */
static inline bool
read_token(reader *in, uint64_t *token)
{
    int shift = 0;
    uint8_t byte;

    if (in->at < in->size && in->bytes[in->at] < 128)
    {
        *token = in->bytes[in->at++];
        return true;
    }
    *token = 0;
    do
    {
        if (in->at >= in->size || shift > 63)
            return ends(in);
        byte = in->bytes[in->at++];
        if (shift == 63 && (byte & 126) != 0)
            return MALFORMED(in, "bucket out of range");
        *token |= (uint64_t) (byte & 127) << shift;
        shift += 7;
    } while (byte > 127);
    if (byte == 0)
        return MALFORMED(in, "number with a superfluous byte");
    return true;
}

/* Whether the next eight buckets take one byte each, without a gap, which is the rule; and the values that they hold. */
static inline bool
eight_plain(const uint8_t *bytes, size_t size, size_t at, uint64_t *held)
{
    const uint64_t low_bytes = UINT64_C(0x00ff00ff00ff00ff);
    uint64_t tokens;

    if (at + 8 > size)
        return false;
    tokens = mrs_load64(bytes + at);
    if ((tokens & UINT64_C(0x8181818181818181)) != 0)
        return false;
    tokens >>= 1;
    *held = (((tokens & low_bytes) + (tokens >> 8 & low_bytes)) * UINT64_C(0x0001000100010001) >> 48) + 8;
    return true;
}

/* What a run has shown so far. */
typedef struct
{
    int first, last; /* keys, of all buckets */
    int buckets;
    unsigned __int128 held;
} seen;

static void
see(seen *all, int key, uint64_t count)
{
    if (all->buckets++ == 0)
        all->first = key;
    all->last = key;
    all->held += count;
}

/* The buckets of one sign: so many, or to the end. */
static bool
read_run(reader *in, int sign, uint64_t number, int halvings, seen *all)
{
    int least = mrs_coarsened(MRS_KEY_LEAST, halvings), greatest = mrs_coarsened(MRS_KEY_GREATEST, halvings);
    uint64_t index, token, gap;
    int64_t key;

    if (!read_number(in, &index))
        return false;
    if (index > MRS_BIAS)
        return MALFORMED(in, "bucket out of range");
    key = sign * (MRS_BIAS + unzigzag(index));
    for (uint64_t i = 0; sign < 0 ? i < number : (in->at < in->size || i == 0); i++)
    {
        uint64_t held;

        if (sign > 0 && i > 0 && key >= least && key + 7 <= greatest && eight_plain(in->bytes, in->size, in->at, &held))
        {
            in->at += 8;
            key += 8;
            all->buckets += 8;
            all->last = (int) key - 1;
            all->held += held;
            continue;
        }
        if (!read_token(in, &token))
            return false;
        if (token & 1)
        {
            if (!read_number(in, &gap))
                return false;
            if (i == 0 || gap > 262144)
                return MALFORMED(in, "bucket gap out of range");
            key += (int64_t) gap + 1;
        }
        if (sign * key < least || sign * key > greatest || token >> 1 == INT64_MAX)
            return MALFORMED(in, "bucket out of range");
        see(all, (int) key, (token >> 1) + 1);
        key++;
    }
    return true;
}

static bool
read_runs(reader *in, mrs_quantiles *sketch)
{
    uint64_t negatives;
    seen all = {0};

    if (!read_number(in, &sketch->zeros) || !read_number(in, &negatives))
        return false;
    if (sketch->zeros > INT64_MAX)
        sketch->zeros = INT64_MAX;
    sketch->runs = in->at;
    if (negatives > 0 && !read_run(in, -1, negatives, sketch->halvings, &all))
        return false;
    sketch->negatives = all.buckets;
    if (sketch->zeros > 0)
        see(&all, 0, sketch->zeros);
    if (in->at < in->size && !read_run(in, 1, 0, sketch->halvings, &all))
        return false;
    sketch->buckets = all.buckets;
    all.buckets -= sketch->zeros > 0;
    if (all.held != (unsigned __int128) sketch->n)
        return MALFORMED(in, "buckets do not hold the %lld values of the count", (long long) sketch->n);
    if (all.buckets > MRS_BUCKETS_MAX || (sketch->halvings > 0 && all.buckets <= MRS_BUCKETS_MAX / 2))
        return MALFORMED(in, "number of buckets does not go with the scale");
    if (sketch->low > sketch->high ||
        all.first != mrs_coarsened(mrs_raw_to_key(sketch->code, sketch->low), sketch->halvings) ||
        all.last != mrs_coarsened(mrs_raw_to_key(sketch->code, sketch->high), sketch->halvings))
        return MALFORMED(in, "outer buckets do not hold minimum and maximum");
    return true;
}

static bool
read_buckets(reader *in, mrs_quantiles *sketch)
{
    uint64_t n;

    if (in->size < 4)
        return ends(in);
    sketch->halvings = in->bytes[2];
    in->at = 3;
    if (!read_number(in, &n))
        return false;
    if (sketch->halvings > 7 || n > INT64_MAX || n <= (sketch->code == MRS_DOUBLE ? 2 : MRS_VALUES_MAX))
        return MALFORMED(in, "scale or count out of range");
    sketch->n = (int64_t) n;
    return read_range(in, sketch) && read_total(in, sketch) && read_runs(in, sketch);
}

bool
mrs_quantiles_read(const uint8_t *bytes, size_t size, mrs_quantiles *sketch, mrs_error *error)
{
    reader in = {bytes, size, 2, error};
    int version = size > 0 ? bytes[0] >> 4 : 0, form;

    if (version == 1)
        return MALFORMED(&in, "this is a sketch of uniques(); use uniques_estimate()");
    if (version == 3)
        return MALFORMED(&in, "this is the exact sum of doubles; use sum_exact()");
    if (version == 4)
        return MALFORMED(&in, "this is a sketch of top(); use top()");
    if (size < 2)
        return ends(&in);
    form = bytes[0] & 15;
    memset(sketch, 0, offsetof(mrs_quantiles, values));
    sketch->zeros = 0;
    sketch->negatives = sketch->buckets = 0;
    sketch->code = bytes[1];
    if (version != 2)
        return MALFORMED(&in, "unknown version, found %d, expected 2", version);
    if (form < 1 || form > 3)
        return MALFORMED(&in, "unknown layout, found %d, expected 1 to 3", form);
    if (sketch->code != 0 && (sketch->code < 32 || sketch->code > 50) && sketch->code != MRS_DOUBLE)
        return MALFORMED(&in, "unknown kind of values, found %d", sketch->code);
    sketch->is_exact = form < 3;
    return sketch->is_exact ? read_exact(&in, sketch) : read_buckets(&in, sketch);
}

void
mrs_buckets_begin(mrs_buckets *walk, const mrs_quantiles *sketch, const uint8_t *bytes, size_t size)
{
    *walk = (mrs_buckets){.sketch = sketch, .bytes = bytes, .size = size, .at = sketch->runs};
    walk->sign = -1;
    walk->left = sketch->negatives;
    walk->is_first = true;
    walk->is_zero_due = sketch->zeros > 0;
}

bool
mrs_buckets_next(mrs_buckets *walk, int *key, uint64_t *count)
{
    mrs_error error;
    reader in = {walk->bytes, walk->size, walk->at, &error};
    uint64_t number;

    if (walk->sign > 0 && !walk->is_first && !walk->is_zero_due && in.at < in.size && (in.bytes[in.at] & 129) == 0)
    {
        /* The rule: one byte, and no gap. */
        *key = walk->key++;
        *count = (uint64_t) (walk->bytes[walk->at++] >> 1) + 1;
        return true;
    }
    if (walk->sketch->is_exact)
        return false;
    if (walk->sign < 0 && walk->left == 0)
    {
        walk->sign = 1;
        walk->is_first = true;
    }
    if (walk->sign > 0 && walk->is_zero_due)
    {
        walk->is_zero_due = false;
        *key = 0;
        *count = walk->sketch->zeros;
        return true;
    }
    if (in.at >= in.size)
        return false;
    if (walk->is_first)
    {
        if (!read_number(&in, &number))
            return false;
        walk->key = walk->sign * (int) (MRS_BIAS + unzigzag(number));
        walk->is_first = false;
    }
    if (!read_token(&in, &number))
        return false;
    *count = (number >> 1) + 1;
    if (number & 1)
    {
        if (!read_number(&in, &number))
            return false;
        walk->key += (int) number + 1;
    }
    *key = walk->key++;
    walk->left--;
    walk->at = in.at;
    return true;
}

bool
mrs_bucket_of_rank(const mrs_quantiles *sketch, const uint8_t *bytes, size_t size, int64_t rank, int *key)
{
    mrs_buckets walk;
    uint64_t count;

    mrs_buckets_begin(&walk, sketch, bytes, size);
    while (mrs_buckets_next(&walk, key, &count))
    {
        if ((uint64_t) rank < count)
            return true;
        rank -= (int64_t) count;
        while (walk.sign > 0 && !walk.is_first && !walk.is_zero_due && eight_plain(bytes, size, walk.at, &count) &&
               (uint64_t) rank >= count)
        {
            rank -= (int64_t) count;
            walk.at += 8;
            walk.key += 8;
        }
    }
    return false;
}
