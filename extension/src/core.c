/* Errors of the core. */
#include "core.h"

#include <stdarg.h>
#include <stdio.h>

bool
mrs_refuse(mrs_error *error, mrs_fate fate, const char *format, ...)
{
    va_list arguments;

    error->fate = fate;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}
