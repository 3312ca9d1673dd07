#include "base.h"

#include <stdarg.h>
#include <stdio.h>

trit_status tritx_fail(trit_error *err, trit_status status, uint64_t offset, const char *format, ...)
{
    if (err) {
        va_list args;
        err->status = status;
        err->offset = offset;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
    }
    return status;
}

const char *trit_status_name(trit_status status)
{
    switch (status) {
#define XX(name, value, text)                                                                      \
    case value: return #name;
        TRIT_STATUS_MAP(XX)
#undef XX
    default: return "UNKNOWN";
    }
}

const char *trit_status_text(trit_status status)
{
    switch (status) {
#define XX(name, value, text)                                                                      \
    case value: return text;
        TRIT_STATUS_MAP(XX)
#undef XX
    default: return "unknown status";
    }
}
