/* Percentile sketches: uniting and writing. */
#include "quantiles.h"

#include <stdlib.h>
#include <string.h>

void
mrs_quantile_union_begin(mrs_quantile_union *state, void *memory)
{
    memset(state, 0, sizeof *state);
    state->memory = memory;
    state->is_exact = true;
}

/* Room for a magnitude, with some to spare on both sides: neighbours are likely to come. */
static void
need_room(mrs_quantile_union *state, mrs_window *window, int key)
{
    int first = window->room == 0 ? key : window->base, last = window->room == 0 ? key : window->base + window->room - 1;
    int spare = window->room == 0 ? 8 : window->room / 2;
    uint64_t *counts;

    if (window->room > 0 && key >= first && key <= last)
        return;
    if (key <= first)
        first = key - spare < 1 ? 1 : key - spare;
    if (key >= last)
        last = key + spare > MRS_KEY_GREATEST ? MRS_KEY_GREATEST : key + spare;
    counts = mrs_allocate(state->memory, (size_t) (last - first + 1) * sizeof *counts);
    memset(counts, 0, (size_t) (last - first + 1) * sizeof *counts);
    if (window->room > 0)
    {
        memcpy(counts + (window->base - first), window->counts, (size_t) window->room * sizeof *counts);
        mrs_release(window->counts);
    }
    window->counts = counts;
    window->base = first;
    window->room = last - first + 1;
}

/* Adds to a bucket of the state's grid. */
static inline void
add_count(mrs_quantile_union *state, int key, uint64_t count)
{
    mrs_window *window = key > 0 ? &state->positive : &state->negative;
    int magnitude = key > 0 ? key : -key;

    if (key == 0)
    {
        state->zeros += count;
        return;
    }
    if (magnitude < window->base || magnitude >= window->base + window->room)
        need_room(state, window, magnitude);
    window->counts[magnitude - window->base] += count;
}

/* Brings a window to a grid so many halvings coarser, in its place. */
static void
coarsen_window(mrs_window *window, int halvings)
{
    int base, last;

    if (window->room == 0 || halvings == 0)
        return;
    base = mrs_coarsened(window->base, halvings);
    last = mrs_coarsened(window->base + window->room - 1, halvings);
    for (int i = 0; i < window->room; i++)
    {
        int to = mrs_coarsened(window->base + i, halvings) - base;
        uint64_t count = window->counts[i];

        window->counts[i] = 0;
        window->counts[to] += count;
    }
    window->base = base;
    window->room = last - base + 1;
}

static void
coarsen(mrs_quantile_union *state, int halvings)
{
    coarsen_window(&state->positive, halvings);
    coarsen_window(&state->negative, halvings);
    state->halvings += halvings;
}

static void
add_range(mrs_quantile_union *state, int64_t low, int64_t high)
{
    if (!state->has_range || low < state->low)
        state->low = low;
    if (!state->has_range || high > state->high)
        state->high = high;
    state->has_range = true;
}

static void
add_to_bucket(mrs_quantile_union *state, int64_t raw)
{
    mrs_wide units = mrs_raw_to_units(state->code, raw);

    mrs_wide_add(&state->total, &units);
    add_range(state, raw, raw);
    add_count(state, mrs_coarsened(mrs_raw_to_key(state->code, raw), state->halvings), 1);
}

static void
leave_exact(mrs_quantile_union *state)
{
    state->is_exact = false;
    for (int i = 0; i < state->value_count; i++)
        add_to_bucket(state, state->values[i]);
    state->value_count = 0;
}

static void
add_values(mrs_quantile_union *state, const mrs_quantiles *sketch)
{
    if (!state->is_exact && sketch->value_count > 0)
    {
        mrs_wide_add(&state->total, &sketch->total);
        add_range(state, sketch->low, sketch->high);
        for (int i = 0; i < sketch->value_count; i++)
            add_count(state, mrs_coarsened(mrs_raw_to_key(state->code, sketch->values[i]), state->halvings), 1);
        return;
    }
    for (int i = 0; i < sketch->value_count; i++)
    {
        if (state->is_exact && state->value_count == state->exact_max)
            leave_exact(state);
        if (state->is_exact)
            state->values[state->value_count++] = sketch->values[i];
        else
            add_to_bucket(state, sketch->values[i]);
    }
}

bool
mrs_quantile_union_add(mrs_quantile_union *state, const uint8_t *bytes, size_t size, mrs_error *error)
{
    mrs_quantiles sketch;
    mrs_buckets walk;
    uint64_t count;
    int key, finer;

    if (!mrs_quantiles_read(bytes, size, &sketch, error))
        return false;
    if (state->started && sketch.code != state->code)
        return mrs_refuse(error, MRS_MISMATCH, "percentile sketches: kinds have no common union, found %d and %d",
                          sketch.code, state->code);
    state->started = true;
    state->code = sketch.code;
    state->exact_max = sketch.code == MRS_DOUBLE ? 2 : MRS_VALUES_MAX;
    state->n += (unsigned __int128) sketch.n;
    if (sketch.is_exact)
    {
        add_values(state, &sketch);
        return true;
    }
    if (state->is_exact)
        leave_exact(state);
    mrs_wide_add(&state->total, &sketch.total);
    add_range(state, sketch.low, sketch.high);
    if (sketch.halvings > state->halvings)
        coarsen(state, sketch.halvings - state->halvings);
    finer = state->halvings - sketch.halvings;
    mrs_buckets_begin(&walk, &sketch, bytes, size);
    while (mrs_buckets_next(&walk, &key, &count))
        add_count(state, mrs_coarsened(key, finer), count);
    return true;
}

static int
filled(const mrs_window *window)
{
    int count = 0;

    for (int i = 0; i < window->room; i++)
        count += window->counts[i] != 0;
    return count;
}

bool
mrs_quantile_union_size_max(mrs_quantile_union *state, size_t *size, mrs_error *error)
{
    int buckets;

    if (state->n > INT64_MAX)
        return mrs_refuse(error, MRS_RANGE,
                          "percentile sketches: the union has too many values, expected at most 2^63 - 1");
    while ((buckets = filled(&state->positive) + filled(&state->negative)) > MRS_BUCKETS_MAX)
        coarsen(state, 1);
    /* A bucket has a token of ten bytes and a gap of three at most, a value ten. */
    *size = 128 + 13 * (size_t) buckets + 10 * (size_t) state->value_count;
    return true;
}

/* MARK: Writing */

static uint8_t *
put_number(uint8_t *out, uint64_t value)
{
    for (; value > 127; value >>= 7)
        *out++ = (uint8_t) value | 128;
    *out++ = (uint8_t) value;
    return out;
}

static uint8_t *
put_signed(uint8_t *out, int64_t value)
{
    return put_number(out, (uint64_t) value << 1 ^ (uint64_t) (value < 0 ? -1 : 0));
}

static uint8_t *
put_total(uint8_t *out, const mrs_wide *total)
{
    uint64_t sign = mrs_wide_is_negative(total) ? UINT64_MAX : 0, limb[4];

    for (int i = 3; i >= 0; i--)
        limb[i] = (total->limb[i] << 1 | (i > 0 ? total->limb[i - 1] >> 63 : 0)) ^ sign;
    while (limb[3] | limb[2] | limb[1] | limb[0] >> 7)
    {
        *out++ = (uint8_t) limb[0] | 128;
        for (int i = 0; i < 4; i++)
            limb[i] = limb[i] >> 7 | (i < 3 ? limb[i + 1] << 57 : 0);
    }
    *out++ = (uint8_t) limb[0];
    return out;
}

static uint8_t *
put_value(uint8_t *out, int code, int64_t raw)
{
    if (code != MRS_DOUBLE)
        return put_signed(out, raw);
    mrs_store64(out, raw < 0 ? (uint64_t) raw ^ INT64_MAX : (uint64_t) raw);
    return out + 8;
}

/* The buckets of one sign, in ascending order of their values: negative ones from the largest magnitude down. */
static uint8_t *
put_run(uint8_t *out, const mrs_window *window, int sign)
{
    int previous = 0;
    bool is_first = true;

    for (int i = 0; i < window->room; i++)
    {
        int slot = sign > 0 ? i : window->room - 1 - i, key = window->base + slot, gap = 0;
        uint64_t count = window->counts[slot];

        if (count == 0)
            continue;
        if (is_first)
            out = put_signed(out, key - MRS_BIAS);
        else
            gap = sign * (key - previous) - 1;
        out = put_number(out, (count - 1) << 1 | (gap > 0));
        if (gap > 0)
            out = put_number(out, (uint64_t) gap - 1);
        is_first = false;
        previous = key;
    }
    return out;
}

static int
compare_values(const void *a, const void *b)
{
    int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

    return (x > y) - (x < y);
}

static uint8_t *
put_exact(uint8_t *out, const mrs_quantile_union *state)
{
    int64_t values[MRS_VALUES_MAX];

    memcpy(values, state->values, state->value_count * sizeof *values);
    qsort(values, state->value_count, sizeof *values, compare_values);
    for (int i = 0; i < state->value_count; i++)
    {
        if (state->code == MRS_DOUBLE || i == 0)
            out = put_value(out, state->code, values[i]);
        else
            out = put_number(out, (uint64_t) values[i] - (uint64_t) values[i - 1]);
    }
    return out;
}

size_t
mrs_quantile_union_write(const mrs_quantile_union *state, uint8_t *bytes)
{
    uint8_t *out = bytes;

    *out++ = state->n == 0 ? 0x21 : state->is_exact ? 0x22 : 0x23;
    *out++ = (uint8_t) state->code;
    if (state->is_exact)
        return (size_t) (put_exact(out, state) - bytes);
    *out++ = (uint8_t) state->halvings;
    out = put_number(out, (uint64_t) state->n);
    out = put_value(out, state->code, state->low);
    if (state->code == MRS_DOUBLE)
        out = put_value(out, state->code, state->high);
    else
        out = put_number(out, (uint64_t) state->high - (uint64_t) state->low);
    out = put_total(out, &state->total);
    out = put_number(out, state->zeros);
    out = put_number(out, (uint64_t) filled(&state->negative));
    out = put_run(out, &state->negative, -1);
    out = put_run(out, &state->positive, 1);
    return (size_t) (out - bytes);
}
