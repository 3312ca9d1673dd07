/* Cutting one allocation into arrays. The same code runs twice: a base of 0 measures, then the arena
 * is cut. */
#ifndef TRIT_ARENA_H
#define TRIT_ARENA_H

#include "base.h"

enum { TRIT_ARENA_ALIGNMENT = 64 };

typedef struct {
    /* an integer: arenas may be larger than half of a 32-bit address space, pointer arithmetic not */
    uintptr_t base;
    size_t used;
    bool overflow;
} tritx_cutter;

/* An array [rows][cols] of elements of this size; NULL while measuring. */
static inline void *tritx_cut(tritx_cutter *c, size_t rows, size_t cols, size_t size)
{
    size_t bytes = 0, end = 0;
    if (!tritx_mul_ok(rows, cols, &bytes) || !tritx_mul_ok(bytes, size, &bytes) ||
        !tritx_add_ok(c->used, bytes, &end) || !tritx_add_ok(end, TRIT_ARENA_ALIGNMENT, &end)) {
        c->overflow = true;
        return NULL;
    }
    void *p = c->base ? (void *)(c->base + c->used) : NULL;
    c->used =
        (c->used + bytes + TRIT_ARENA_ALIGNMENT - 1) / TRIT_ARENA_ALIGNMENT * TRIT_ARENA_ALIGNMENT;
    return p;
}

#endif
