/* percentile…, quantile_… and share_below… for Postgres. */
#include "glue.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "quantiles.h"
#include "quantiles_sql.h"

PG_FUNCTION_INFO_V1(mrs_sql_percentile);
PG_FUNCTION_INFO_V1(mrs_sql_percentile_low);
PG_FUNCTION_INFO_V1(mrs_sql_percentile_high);
PG_FUNCTION_INFO_V1(mrs_sql_percentiles);
PG_FUNCTION_INFO_V1(mrs_sql_quantile_count);
PG_FUNCTION_INFO_V1(mrs_sql_quantile_min);
PG_FUNCTION_INFO_V1(mrs_sql_quantile_max);
PG_FUNCTION_INFO_V1(mrs_sql_quantile_sum);
PG_FUNCTION_INFO_V1(mrs_sql_share_below);
PG_FUNCTION_INFO_V1(mrs_sql_share_below_low);
PG_FUNCTION_INFO_V1(mrs_sql_share_below_high);

bytes_of
quantiles_argument(bytea *value, mrs_quantiles *sketch)
{
    bytes_of bytes = glue_argument(value);
    mrs_error error;

    if (!mrs_quantiles_read(bytes.at, bytes.size, sketch, &error))
        glue_raise(&error);
    return bytes;
}

/* What somebody means who asks for percentile(s, 95). */
static char *
percent_hint(double quantile)
{
    Datum number, share;
    char *text;
    const char *ending = "th";
    int whole = (int) fmod(quantile, 100);

    if (!(quantile > 1 && quantile <= 100))
        return "";
    number = DirectFunctionCall1(float8_numeric, Float8GetDatum(quantile));
    share = DirectFunctionCall2(numeric_div, number, DirectFunctionCall1(int4_numeric, Int32GetDatum(100)));
    text = DatumGetCString(DirectFunctionCall1(numeric_out, number));
    if (strchr(text, '.') == NULL && (whole < 11 || whole > 13) && whole % 10 >= 1 && whole % 10 <= 3)
        ending = whole % 10 == 1 ? "st" : whole % 10 == 2 ? "nd" : "rd";
    return psprintf("; the %s%s percentile is %s",
                    DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(quantile))), ending,
                    DatumGetCString(DirectFunctionCall1(numeric_out, DirectFunctionCall1(numeric_trim_scale, share))));
}

static int64_t
rank_of(double quantile, int64_t n)
{
    if (!(quantile >= 0 && quantile <= 1))
        ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                        errmsg_internal("percentile: quantile out of range, found %s, expected 0 to 1%s",
                                        DatumGetCString(DirectFunctionCall1(float8out, Float8GetDatum(quantile))),
                                        percent_hint(quantile))));
    return mrs_rank(quantile, n > 0 ? n : 1);
}

static Datum
percentile(FunctionCallInfo fcinfo, int bound)
{
    mrs_quantiles sketch;
    bytes_of bytes = quantiles_argument(PG_GETARG_BYTEA_PP(0), &sketch);
    int64_t rank = rank_of(PG_GETARG_FLOAT8(1), sketch.n);
    int key;

    if (sketch.n == 0)
        PG_RETURN_NULL();
    if (sketch.is_exact)
        PG_RETURN_FLOAT8(mrs_raw_to_double(sketch.code, sketch.values[rank]));
    if (!mrs_bucket_of_rank(&sketch, bytes.at, bytes.size, rank, &key))
        elog(ERROR, "percentile: buckets end before the rank does");
    PG_RETURN_FLOAT8(mrs_quantiles_at_key(&sketch, key, bound));
}

Datum
mrs_sql_percentile(PG_FUNCTION_ARGS)
{
    return percentile(fcinfo, 0);
}

Datum
mrs_sql_percentile_low(PG_FUNCTION_ARGS)
{
    return percentile(fcinfo, -1);
}

Datum
mrs_sql_percentile_high(PG_FUNCTION_ARGS)
{
    return percentile(fcinfo, 1);
}

/* Keys in ascending order, and how many values they and those before them hold. */
typedef struct
{
    int count;
    int keys[MRS_BUCKETS_MAX + 1];
    uint64_t upto[MRS_BUCKETS_MAX + 1];
} cumulated;

static double
value_of_rank(const mrs_quantiles *sketch, const cumulated *all, int64_t rank)
{
    int first = 0, last = all->count - 1;

    if (sketch->is_exact)
        return mrs_raw_to_double(sketch->code, sketch->values[rank]);
    while (first < last)
    {
        int middle = (first + last) / 2;

        if (all->upto[middle] > (uint64_t) rank)
            last = middle;
        else
            first = middle + 1;
    }
    return mrs_quantiles_at_key(sketch, all->keys[first], 0);
}

static void
cumulate(const mrs_quantiles *sketch, bytes_of bytes, cumulated *all)
{
    mrs_buckets walk;
    uint64_t count, upto = 0;
    int key;

    all->count = 0;
    mrs_buckets_begin(&walk, sketch, bytes.at, bytes.size);
    while (all->count <= MRS_BUCKETS_MAX && mrs_buckets_next(&walk, &key, &count))
    {
        all->keys[all->count] = key;
        all->upto[all->count++] = upto += count;
    }
}

Datum
mrs_sql_percentiles(PG_FUNCTION_ARGS)
{
    mrs_quantiles sketch;
    bytes_of bytes = quantiles_argument(PG_GETARG_BYTEA_PP(0), &sketch);
    Datum *quantiles, *results;
    bool *nulls;
    int count, sizes[1], starts[1] = {1};
    cumulated all;

    deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &quantiles,
                      &nulls, &count);
    if (count == 0)
        PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT8OID));
    cumulate(&sketch, bytes, &all);
    results = palloc(count * sizeof *results);
    for (int i = 0; i < count; i++)
    {
        int64_t rank;

        CHECK_FOR_INTERRUPTS();
        if (nulls[i])
            continue;
        rank = rank_of(DatumGetFloat8(quantiles[i]), sketch.n);
        nulls[i] = sketch.n == 0;
        if (!nulls[i])
            results[i] = Float8GetDatum(value_of_rank(&sketch, &all, rank));
    }
    sizes[0] = count;
    PG_RETURN_ARRAYTYPE_P(construct_md_array(results, nulls, 1, sizes, starts, FLOAT8OID, sizeof(float8),
                                             FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

Datum
mrs_sql_quantile_count(PG_FUNCTION_ARGS)
{
    mrs_quantiles sketch;

    quantiles_argument(PG_GETARG_BYTEA_PP(0), &sketch);
    PG_RETURN_INT64(sketch.n);
}

Datum
mrs_sql_quantile_min(PG_FUNCTION_ARGS)
{
    mrs_quantiles sketch;

    quantiles_argument(PG_GETARG_BYTEA_PP(0), &sketch);
    if (sketch.n == 0)
        PG_RETURN_NULL();
    PG_RETURN_FLOAT8(mrs_raw_to_double(sketch.code, sketch.low));
}

Datum
mrs_sql_quantile_max(PG_FUNCTION_ARGS)
{
    mrs_quantiles sketch;

    quantiles_argument(PG_GETARG_BYTEA_PP(0), &sketch);
    if (sketch.n == 0)
        PG_RETURN_NULL();
    PG_RETURN_FLOAT8(mrs_raw_to_double(sketch.code, sketch.high));
}

Datum
mrs_sql_quantile_sum(PG_FUNCTION_ARGS)
{
    mrs_quantiles sketch;
    char digits[80], text[96];

    quantiles_argument(PG_GETARG_BYTEA_PP(0), &sketch);
    if (!mrs_quantiles_has_sum(&sketch))
        PG_RETURN_NULL();
    mrs_wide_text(&sketch.total, digits);
    snprintf(text, sizeof text, "%se-%d", digits, sketch.code & 31);
    PG_RETURN_DATUM(DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
                                        Int32GetDatum(-1)));
}

static Datum
share_below(FunctionCallInfo fcinfo, int bound)
{
    mrs_quantiles sketch;
    bytes_of bytes = quantiles_argument(PG_GETARG_BYTEA_PP(0), &sketch);
    double x = PG_GETARG_FLOAT8(1);

    if (isnan(x))
        ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
                        errmsg_internal("share_below: found NaN, expected a number")));
    if (sketch.n == 0)
        PG_RETURN_NULL();
    PG_RETURN_FLOAT8(mrs_share_below(&sketch, bytes.at, bytes.size, x, bound));
}

Datum
mrs_sql_share_below(PG_FUNCTION_ARGS)
{
    return share_below(fcinfo, 0);
}

Datum
mrs_sql_share_below_low(PG_FUNCTION_ARGS)
{
    return share_below(fcinfo, -1);
}

Datum
mrs_sql_share_below_high(PG_FUNCTION_ARGS)
{
    return share_below(fcinfo, 1);
}
