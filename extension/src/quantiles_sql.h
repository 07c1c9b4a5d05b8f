/* What the functions over percentile sketches share. */
#ifndef MRS_QUANTILES_SQL_H
#define MRS_QUANTILES_SQL_H

#include "glue.h"
#include "quantiles.h"

/* Reads an argument, or raises what is wrong with it. */
extern bytes_of quantiles_argument(bytea *value, mrs_quantiles *sketch);

#endif
