/* distribution for Postgres: a row for each bar. */
#include "glue.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "quantiles.h"
#include "quantiles_sql.h"

PG_FUNCTION_INFO_V1(mrs_sql_distribution);

/* Buckets in ascending order. Of an EXACT sketch they are those of its values. */
typedef struct
{
    int count;
    int keys[MRS_BUCKETS_MAX + 1];
    int64_t counts[MRS_BUCKETS_MAX + 1];
    int halvings;
    double low, high; /* minimum and maximum */
    int step;         /* buckets that make a bar */
    /* What is shown next. */
    int sign, bar, next;
} bars;

static void
gather(bars *all, const mrs_quantiles *sketch, bytes_of bytes)
{
    mrs_buckets walk;
    uint64_t count;
    int key;

    all->halvings = sketch->halvings;
    all->low = mrs_raw_to_double(sketch->code, sketch->low);
    all->high = mrs_raw_to_double(sketch->code, sketch->high);
    for (int i = 0; i < sketch->value_count; i++)
    {
        key = mrs_raw_to_key(sketch->code, sketch->values[i]);
        if (all->count == 0 || all->keys[all->count - 1] != key)
        {
            all->keys[all->count] = key;
            all->counts[all->count++] = 0;
        }
        all->counts[all->count - 1]++;
    }
    mrs_buckets_begin(&walk, sketch, bytes.at, bytes.size);
    while (all->count <= MRS_BUCKETS_MAX && mrs_buckets_next(&walk, &key, &count))
    {
        all->keys[all->count] = key;
        all->counts[all->count++] = (int64_t) count;
    }
}

static int
sign_of(int key)
{
    return (key > 0) - (key < 0);
}

static int
bar_of(int key, int step)
{
    return (key < 0 ? -key - 1 : key - 1) / step;
}

/* How many bars it takes, with those between that are empty. */
static int
needed(const bars *all, int step)
{
    int sum = 0;

    for (int first = 0, last; first < all->count; first = last + 1)
    {
        int sign = sign_of(all->keys[first]);

        for (last = first; last + 1 < all->count && sign_of(all->keys[last + 1]) == sign;)
            last++;
        sum += 1 + sign * (bar_of(all->keys[last], step) - bar_of(all->keys[first], step));
    }
    return sum;
}

/* The bar that is to be shown next; false behind the last one. */
static bool
next_bar(bars *all, double *low, double *high, int64_t *count)
{
    int step = all->step, sign = all->sign, bar = all->bar, near, far;

    if (all->next == all->count)
        return false;
    *count = 0;
    while (all->next < all->count && sign_of(all->keys[all->next]) == sign && bar_of(all->keys[all->next], step) == bar)
        *count += all->counts[all->next++];
    /* The ends of a bar by the magnitudes of its first and last bucket. */
    near = bar * step + 1;
    far = (bar + 1) * step;
    *low = sign == 0 ? 0 : mrs_key_value(sign > 0 ? near : -far, all->halvings, -1);
    *high = sign == 0 ? 0 : mrs_key_value(sign > 0 ? far : -near, all->halvings, 1);
    *low = *low > all->low ? *low : all->low;
    *high = *high < all->high ? *high : all->high;
    if (all->next == all->count)
        return true;
    if (sign_of(all->keys[all->next]) == sign)
        all->bar += sign;
    else
    {
        all->sign = sign_of(all->keys[all->next]);
        all->bar = bar_of(all->keys[all->next], step);
    }
    return true;
}

static bars *
prepare(FunctionCallInfo fcinfo)
{
    bars *all = palloc0(sizeof *all);
    int limit = PG_GETARG_INT32(1);
    mrs_quantiles sketch;
    bytes_of bytes = quantiles_argument(PG_GETARG_BYTEA_PP(0), &sketch);

    if (limit < 3 || limit > 10000)
        ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                        errmsg_internal("distribution: number of bars out of range, found %d, expected 3 to 10000", limit)));
    if (sketch.n == 0)
        return all;
    gather(all, &sketch, bytes);
    for (all->step = 1; needed(all, all->step) > limit;)
        all->step += all->step / 16 > 1 ? all->step / 16 : 1;
    all->sign = sign_of(all->keys[0]);
    all->bar = bar_of(all->keys[0], all->step);
    return all;
}

Datum
mrs_sql_distribution(PG_FUNCTION_ARGS)
{
    FuncCallContext *calls;
    double low, high;
    int64_t count;
    Datum fields[3];
    bool nulls[3] = {false, false, false};

    if (SRF_IS_FIRSTCALL())
    {
        MemoryContext before;
        TupleDesc shape;

        calls = SRF_FIRSTCALL_INIT();
        before = MemoryContextSwitchTo(calls->multi_call_memory_ctx);
        if (get_call_result_type(fcinfo, NULL, &shape) != TYPEFUNC_COMPOSITE)
            elog(ERROR, "distribution: called where no rows are expected");
        calls->tuple_desc = BlessTupleDesc(shape);
        calls->user_fctx = prepare(fcinfo);
        MemoryContextSwitchTo(before);
    }
    calls = SRF_PERCALL_SETUP();
    if (!next_bar(calls->user_fctx, &low, &high, &count))
        SRF_RETURN_DONE(calls);
    fields[0] = Float8GetDatum(low);
    fields[1] = Float8GetDatum(high);
    fields[2] = Int64GetDatum(count);
    SRF_RETURN_NEXT(calls, HeapTupleGetDatum(heap_form_tuple(calls->tuple_desc, fields, nulls)));
}
