/* What the functions for Postgres share. */
#ifndef MRS_GLUE_H
#define MRS_GLUE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/memutils.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#include "core.h"

/* The bytes of an argument: not compressed, and not stored elsewhere. */
typedef struct
{
    const uint8_t *at;
    size_t size;
} bytes_of;

extern bytes_of glue_argument(bytea *value);
/* Raises what the core found. */
extern void glue_raise(const mrs_error *error) __attribute__((noreturn));
/* The context that an aggregate's state lives in. */
extern MemoryContext glue_aggregate(FunctionCallInfo fcinfo);

/* A bytea with room for so many bytes, and its final size. */
extern bytea *glue_bytea(size_t room);
extern void glue_close(bytea *value, size_t size);
#define GLUE_BYTES(value) ((uint8_t *) VARDATA(value))

#endif
