/* percentiles_union and percentiles_merge for Postgres. */
#include "glue.h"
#include "quantiles.h"

PG_FUNCTION_INFO_V1(mrs_sql_percentiles_union);
PG_FUNCTION_INFO_V1(mrs_sql_percentiles_step);
PG_FUNCTION_INFO_V1(mrs_sql_percentiles_combine);
PG_FUNCTION_INFO_V1(mrs_sql_percentiles_final);
PG_FUNCTION_INFO_V1(mrs_sql_percentiles_deserialize);

static void
add(mrs_quantile_union *state, bytea *sketch)
{
    bytes_of bytes = glue_argument(sketch);
    mrs_error error;

    if (!mrs_quantile_union_add(state, bytes.at, bytes.size, &error))
        glue_raise(&error);
}

static bytea *
written(mrs_quantile_union *state)
{
    mrs_error error;
    bytea *result;
    size_t room;

    if (!mrs_quantile_union_size_max(state, &room, &error))
        glue_raise(&error);
    result = glue_bytea(room);
    glue_close(result, mrs_quantile_union_write(state, GLUE_BYTES(result)));
    return result;
}

Datum
mrs_sql_percentiles_union(PG_FUNCTION_ARGS)
{
    mrs_quantile_union state;

    mrs_quantile_union_begin(&state, CurrentMemoryContext);
    add(&state, PG_GETARG_BYTEA_PP(0));
    add(&state, PG_GETARG_BYTEA_PP(1));
    PG_RETURN_BYTEA_P(written(&state));
}

/* MARK: The aggregate. Its state is written as the sketch that it would be: any union of unions has the same bytes. */

static mrs_quantile_union *
new_state(MemoryContext context)
{
    mrs_quantile_union *state = MemoryContextAlloc(context, sizeof *state);

    mrs_quantile_union_begin(state, context);
    return state;
}

Datum
mrs_sql_percentiles_step(PG_FUNCTION_ARGS)
{
    MemoryContext context = glue_aggregate(fcinfo);
    mrs_quantile_union *state = PG_ARGISNULL(0) ? NULL : (mrs_quantile_union *) PG_GETARG_POINTER(0);

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
mrs_sql_percentiles_combine(PG_FUNCTION_ARGS)
{
    MemoryContext context = glue_aggregate(fcinfo);
    mrs_quantile_union *state = PG_ARGISNULL(0) ? NULL : (mrs_quantile_union *) PG_GETARG_POINTER(0);

    if (PG_ARGISNULL(1))
    {
        if (state == NULL)
            PG_RETURN_NULL();
        PG_RETURN_POINTER(state);
    }
    if (state == NULL)
        state = new_state(context);
    add(state, written((mrs_quantile_union *) PG_GETARG_POINTER(1)));
    PG_RETURN_POINTER(state);
}

/* Also serializes. */
Datum
mrs_sql_percentiles_final(PG_FUNCTION_ARGS)
{
    (void) glue_aggregate(fcinfo);
    if (PG_ARGISNULL(0))
        PG_RETURN_NULL();
    PG_RETURN_BYTEA_P(written((mrs_quantile_union *) PG_GETARG_POINTER(0)));
}

Datum
mrs_sql_percentiles_deserialize(PG_FUNCTION_ARGS)
{
    mrs_quantile_union *state;

    (void) glue_aggregate(fcinfo);
    state = new_state(CurrentMemoryContext);
    add(state, PG_GETARG_BYTEA_PP(0));
    PG_RETURN_POINTER(state);
}
