/* sum_… for Postgres. */
#include "glue.h"

#include "utils/builtins.h"

#include "sums.h"

PG_FUNCTION_INFO_V1(mrs_sql_sum_exact);
PG_FUNCTION_INFO_V1(mrs_sql_sum_union);
PG_FUNCTION_INFO_V1(mrs_sql_sum_step);
PG_FUNCTION_INFO_V1(mrs_sql_sum_combine);
PG_FUNCTION_INFO_V1(mrs_sql_sum_final);
PG_FUNCTION_INFO_V1(mrs_sql_sum_serialize);
PG_FUNCTION_INFO_V1(mrs_sql_sum_deserialize);

static void
add(mrs_sum *sum, bytea *state)
{
    bytes_of bytes = glue_argument(state);
    mrs_error error;

    if (!mrs_sum_add(sum, bytes.at, bytes.size, &error))
        glue_raise(&error);
}

static bytea *
written(const mrs_sum *sum)
{
    bytea *result = glue_bytea(MRS_SUM_BYTES_MAX);
    mrs_error error;
    size_t size;

    if (!mrs_sum_write(sum, GLUE_BYTES(result), &size, &error))
        glue_raise(&error);
    glue_close(result, size);
    return result;
}

Datum
mrs_sql_sum_exact(PG_FUNCTION_ARGS)
{
    bytes_of bytes = glue_argument(PG_GETARG_BYTEA_PP(0));
    char text[MRS_SUM_TEXT_MAX];
    mrs_error error;

    if (!mrs_sum_text(bytes.at, bytes.size, text, &error))
        glue_raise(&error);
    PG_RETURN_DATUM(DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
                                        Int32GetDatum(-1)));
}

Datum
mrs_sql_sum_union(PG_FUNCTION_ARGS)
{
    mrs_sum sum = {{0}};

    add(&sum, PG_GETARG_BYTEA_PP(0));
    add(&sum, PG_GETARG_BYTEA_PP(1));
    PG_RETURN_BYTEA_P(written(&sum));
}

Datum
mrs_sql_sum_step(PG_FUNCTION_ARGS)
{
    MemoryContext context = glue_aggregate(fcinfo);
    mrs_sum *sum = PG_ARGISNULL(0) ? NULL : (mrs_sum *) PG_GETARG_POINTER(0);

    if (PG_ARGISNULL(1))
    {
        if (sum == NULL)
            PG_RETURN_NULL();
        PG_RETURN_POINTER(sum);
    }
    if (sum == NULL)
        sum = MemoryContextAllocZero(context, sizeof *sum);
    add(sum, PG_GETARG_BYTEA_PP(1));
    PG_RETURN_POINTER(sum);
}

Datum
mrs_sql_sum_combine(PG_FUNCTION_ARGS)
{
    MemoryContext context = glue_aggregate(fcinfo);
    mrs_sum *sum = PG_ARGISNULL(0) ? NULL : (mrs_sum *) PG_GETARG_POINTER(0);

    if (PG_ARGISNULL(1))
    {
        if (sum == NULL)
            PG_RETURN_NULL();
        PG_RETURN_POINTER(sum);
    }
    if (sum == NULL)
        sum = MemoryContextAllocZero(context, sizeof *sum);
    mrs_sum_join(sum, (mrs_sum *) PG_GETARG_POINTER(1));
    PG_RETURN_POINTER(sum);
}

Datum
mrs_sql_sum_final(PG_FUNCTION_ARGS)
{
    (void) glue_aggregate(fcinfo);
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    PG_RETURN_BYTEA_P(written((mrs_sum *) PG_GETARG_POINTER(0)));
}

/* Between processes of one server; the stored form would refuse a part that leaves the range which the whole keeps. */
Datum
mrs_sql_sum_serialize(PG_FUNCTION_ARGS)
{
    bytea *result;

    (void) glue_aggregate(fcinfo);
    result = glue_bytea(sizeof(mrs_sum));
    memcpy(GLUE_BYTES(result), PG_GETARG_POINTER(0), sizeof(mrs_sum));
    glue_close(result, sizeof(mrs_sum));
    PG_RETURN_BYTEA_P(result);
}

Datum
mrs_sql_sum_deserialize(PG_FUNCTION_ARGS)
{
    bytes_of bytes = glue_argument(PG_GETARG_BYTEA_PP(0));
    mrs_sum *sum;

    (void) glue_aggregate(fcinfo);
    if (bytes.size != sizeof *sum)
        elog(ERROR, "sum_merge: a part of a sum has %zu bytes, expected %zu", bytes.size, sizeof *sum);
    sum = palloc(sizeof *sum);
    memcpy(sum, bytes.at, sizeof *sum);
    PG_RETURN_POINTER(sum);
}
