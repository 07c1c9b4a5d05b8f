/* uniques_… for Postgres. */
#include "glue.h"

#include <math.h>

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "uniques.h"

PG_FUNCTION_INFO_V1(mrs_sql_uniques_estimate);
PG_FUNCTION_INFO_V1(mrs_sql_uniques_estimate_of);
PG_FUNCTION_INFO_V1(mrs_sql_uniques_low);
PG_FUNCTION_INFO_V1(mrs_sql_uniques_high);
PG_FUNCTION_INFO_V1(mrs_sql_uniques_union);
PG_FUNCTION_INFO_V1(mrs_sql_uniques_both);
PG_FUNCTION_INFO_V1(mrs_sql_uniques_step);
PG_FUNCTION_INFO_V1(mrs_sql_uniques_combine);
PG_FUNCTION_INFO_V1(mrs_sql_uniques_final);
PG_FUNCTION_INFO_V1(mrs_sql_uniques_deserialize);

static double
estimate(bytea *sketch, double errors)
{
    bytes_of bytes = glue_argument(sketch);
    double value;
    mrs_error error;

    if (!mrs_uniques_estimate(bytes.at, bytes.size, errors, &value, &error))
        glue_raise(&error);
    return value;
}

static void
add(mrs_uniques *state, bytea *sketch)
{
    bytes_of bytes = glue_argument(sketch);
    mrs_error error;

    if (!mrs_uniques_add(state, bytes.at, bytes.size, &error))
        glue_raise(&error);
}

static bytea *
written(mrs_uniques *state)
{
    bytea *result = glue_bytea(mrs_uniques_size_max(state));

    glue_close(result, mrs_uniques_write(state, GLUE_BYTES(result)));
    return result;
}

static bytea *
united(bytea *a, bytea *b)
{
    bytes_of of_a = glue_argument(a), of_b = glue_argument(b);
    mrs_uniques state;

    if (of_a.size == of_b.size && of_a.size > 0 && of_a.at[0] == (0x10 | MRS_UNIQUES_FULL))
    {
        bytea *result = glue_bytea(of_a.size);

        glue_close(result, of_a.size);
        if (mrs_uniques_unite_full(of_a.at, of_b.at, of_a.size, GLUE_BYTES(result)))
            return result;
        pfree(result);
    }
    mrs_uniques_begin(&state, CurrentMemoryContext);
    add(&state, a);
    add(&state, b);
    return written(&state);
}

Datum
mrs_sql_uniques_estimate(PG_FUNCTION_ARGS)
{
    PG_RETURN_FLOAT8(estimate(PG_GETARG_BYTEA_PP(0), 0));
}

/* Not strict: a null number of values is no bound. */
Datum
mrs_sql_uniques_estimate_of(PG_FUNCTION_ARGS)
{
    double value, most;

    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    value = estimate(PG_GETARG_BYTEA_PP(0), 0);
    if (!PG_ARGISNULL(1))
    {
        most = DatumGetFloat8(DirectFunctionCall1(numeric_float8, PG_GETARG_DATUM(1)));
        value = most < value ? most : value;
    }
    PG_RETURN_FLOAT8(value);
}

Datum
mrs_sql_uniques_low(PG_FUNCTION_ARGS)
{
    PG_RETURN_FLOAT8(estimate(PG_GETARG_BYTEA_PP(0), -2));
}

Datum
mrs_sql_uniques_high(PG_FUNCTION_ARGS)
{
    PG_RETURN_FLOAT8(estimate(PG_GETARG_BYTEA_PP(0), 2));
}

Datum
mrs_sql_uniques_union(PG_FUNCTION_ARGS)
{
    PG_RETURN_BYTEA_P(united(PG_GETARG_BYTEA_PP(0), PG_GETARG_BYTEA_PP(1)));
}

/* Twice the standard error of an estimate; 0 while it is exact. */
static double
error_of(bytea *sketch, double value)
{
    bytes_of bytes = glue_argument(sketch);
    int form = bytes.at[0] & 15;

    if (form == MRS_UNIQUES_EMPTY || form == MRS_UNIQUES_EXPLICIT)
        return 0;
    return 2 * value * (1.04 / sqrt((double) (1 << (bytes.at[1] & 31))));
}

static double
smaller(double a, double b)
{
    return b < a ? b : a;
}

Datum
mrs_sql_uniques_both(PG_FUNCTION_ARGS)
{
    bytea *a = PG_GETARG_BYTEA_PP(0), *b = PG_GETARG_BYTEA_PP(1), *either = united(a, b);
    double of_a = estimate(a, 0), of_b = estimate(b, 0), of_either = estimate(either, 0);
    double error_a = error_of(a, of_a), error_b = error_of(b, of_b), error_either = error_of(either, of_either);
    double value, error, low, high;
    Datum fields[3];
    bool nulls[3] = {false, false, false};
    TupleDesc shape;

    if (get_call_result_type(fcinfo, NULL, &shape) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "uniques_both: called where no record is expected");
    if (error_a == 0 && error_b == 0)
    {
        /* Exact sketches hold the hashes. */
        bytes_of of_hashes = glue_argument(a), others = glue_argument(b);

        value = low = high = mrs_uniques_shared(of_hashes.at, of_hashes.size, others.at, others.size);
    }
    else
    {
        /* The three errors are taken as independent; that of the union goes along with the others. */
        error = sqrt(error_a * error_a + error_b * error_b + error_either * error_either);
        value = of_a + of_b - of_either;
        low = value - error > 0 ? value - error : 0;
        high = smaller(smaller(value + error, of_a + error_a), of_b + error_b);
        high = high > 0 ? high : 0;
        nulls[0] = !(value > error);
        value = smaller(smaller(value, of_a), of_b);
    }
    fields[0] = Float8GetDatum(value);
    fields[1] = Float8GetDatum(low);
    fields[2] = Float8GetDatum(high);
    PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(shape), fields, nulls)));
}

/* MARK: The aggregate. Its state is written as the sketch that it would be: any union of unions has the same bytes. */

static mrs_uniques *
new_state(MemoryContext context)
{
    mrs_uniques *state = MemoryContextAlloc(context, sizeof *state);

    mrs_uniques_begin(state, context);
    return state;
}

Datum
mrs_sql_uniques_step(PG_FUNCTION_ARGS)
{
    MemoryContext context = glue_aggregate(fcinfo);
    mrs_uniques *state = PG_ARGISNULL(0) ? NULL : (mrs_uniques *) PG_GETARG_POINTER(0);

    if (PG_ARGISNULL(1))
    {
        if (state == NULL)
            PG_RETURN_NULL();
        PG_RETURN_POINTER(state);
    }
    if (state == NULL)
        state = new_state(context);
    add(state, PG_GETARG_BYTEA_PP(1));
    PG_RETURN_POINTER(state);
}

Datum
mrs_sql_uniques_combine(PG_FUNCTION_ARGS)
{
    MemoryContext context = glue_aggregate(fcinfo);
    mrs_uniques *state = PG_ARGISNULL(0) ? NULL : (mrs_uniques *) PG_GETARG_POINTER(0);

    if (PG_ARGISNULL(1))
    {
        if (state == NULL)
            PG_RETURN_NULL();
        PG_RETURN_POINTER(state);
    }
    if (state == NULL)
        state = new_state(context);
    add(state, written((mrs_uniques *) PG_GETARG_POINTER(1)));
    PG_RETURN_POINTER(state);
}

/* Also serializes. */
Datum
mrs_sql_uniques_final(PG_FUNCTION_ARGS)
{
    (void) glue_aggregate(fcinfo);
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    PG_RETURN_BYTEA_P(written((mrs_uniques *) PG_GETARG_POINTER(0)));
}

Datum
mrs_sql_uniques_deserialize(PG_FUNCTION_ARGS)
{
    mrs_uniques *state;

    (void) glue_aggregate(fcinfo);
    /* What is read here lives until it is combined. */
    state = new_state(CurrentMemoryContext);
    add(state, PG_GETARG_BYTEA_PP(0));
    PG_RETURN_POINTER(state);
}
