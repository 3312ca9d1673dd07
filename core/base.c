#include "base.h"

#include <stdio.h>

trit_status tritx_fail(trit_error *err, trit_status status, uint64_t offset, const char *format,
                       ...)
{
    if (err) {
        va_list args;
        err->status = status;
        err->offset = offset;
        va_start(args, format);
        vsnprintf(err->message, sizeof err->message, format, args);
        va_end(args);
        /* A name out of a file may hold what ends a line or drives a terminal. */
        for (char *c = err->message; *c; c++)
            if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
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

size_t tritx_format_list(char *out, size_t capacity, const char *format, va_list args)
{
    int n = vsnprintf(out, capacity, format, args);
    if (n < 0) return 0;
    return (size_t)n < capacity ? (size_t)n : capacity ? capacity - 1 : 0;
}

size_t tritx_format(char *out, size_t capacity, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t n = tritx_format_list(out, capacity, format, args);
    va_end(args);
    return n;
}
