/* What every file of the core needs: failing with a place, checked arithmetic, a byte cursor. */
#ifndef TRIT_BASE_H
#define TRIT_BASE_H

#include <stdarg.h>
#include <string.h>

#include "trit.h"

/* Ids below this fit everywhere; the other limits of a shape stand in config.c. */
enum { TRITX_MAX_VOCAB = 1000000 };

/* Fills err (may be NULL) and returns status. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
trit_status
tritx_fail(trit_error *err, trit_status status, uint64_t offset, const char *format, ...);

#define TRIT_TRY(expr)                                                                             \
    do {                                                                                           \
        trit_status try_status = (expr);                                                           \
        if (try_status != TRIT_OK) return try_status;                                              \
    } while (0)

/* *out = a * b or a + b; false when it does not fit. */
static inline bool tritx_mul_ok(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool tritx_add_ok(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

static inline size_t tritx_round_up(size_t n, size_t step) { return (n + step - 1) / step * step; }

static inline uint32_t tritx_load_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t tritx_load_u64(const uint8_t *p)
{
    return (uint64_t)tritx_load_u32(p) | (uint64_t)tritx_load_u32(p + 4) << 32;
}
static inline void tritx_store_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (8 * i));
}

/* snprintf for the core: the one place of formatted text. Returns the length without the NUL. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
size_t
tritx_format(char *out, size_t capacity, const char *format, ...);
size_t tritx_format_list(char *out, size_t capacity, const char *format, va_list args);

#endif
