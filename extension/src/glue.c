/* What the functions for Postgres share. */
#include "glue.h"

PG_MODULE_MAGIC;

void *
mrs_allocate(void *memory, size_t size)
{
    return MemoryContextAlloc((MemoryContext) memory, size);
}

void
mrs_release(void *block)
{
    pfree(block);
}

bytes_of
glue_argument(bytea *value)
{
    return (bytes_of){(const uint8_t *) VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

void
glue_raise(const mrs_error *error)
{
    int code = error->fate == MRS_MALFORMED  ? ERRCODE_INVALID_BINARY_REPRESENTATION
               : error->fate == MRS_MISMATCH ? ERRCODE_DATATYPE_MISMATCH
                                             : ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;

    ereport(ERROR, (errcode(code), errmsg_internal("%s", error->text)));
}

MemoryContext
glue_aggregate(FunctionCallInfo fcinfo)
{
    MemoryContext context;

    if (!AggCheckCallContext(fcinfo, &context))
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                        errmsg_internal("millrace_sketches: this function is a part of an aggregate, and not to be called")));
    return context;
}

bytea *
glue_bytea(size_t room)
{
    return palloc(VARHDRSZ + room);
}

void
glue_close(bytea *value, size_t size)
{
    SET_VARSIZE(value, VARHDRSZ + size);
}
