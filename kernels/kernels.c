#include "kernels.h"

#include <string.h>

#include "v128.h"
#include "v128_table.h"

const trit_kernels trit_kernels_v128 = {
    .name = "v128",
    .layout = TRIT_LAYOUT_TILES,
#define TRIT_OP(op) .op = tritx_##op##__v128,
#include "kernels.def"
};

#if TRIT_HAVE_RELAXED
#define TRIT_OP_INTEGER(op) .op = tritx_##op##__relaxed,
const trit_kernels trit_kernels_relaxed = {
    .name = "relaxed",
    .layout = TRIT_LAYOUT_PAIRS,
    .gemv_rows_t2_a8 = tritx_gemv_rows_t2_a8__relaxed,
#include "kernels.def"
};

#define TRIT_OP_INTEGER(op) .op = tritx_##op##__relaxed16,
const trit_kernels trit_kernels_relaxed16 = {
    .name = "relaxed16",
    .layout = TRIT_LAYOUT_TILES,
#include "kernels.def"
};
#endif

#ifndef __wasm__
int tritx_relaxed_unsigned;
#endif

static const trit_kernels *const tables[] = {
#if TRIT_HAVE_RELAXED
    &trit_kernels_relaxed,
    &trit_kernels_relaxed16,
#endif
    &trit_kernels_v128,
    &trit_kernels_ref,
};

const trit_kernels *trit_kernels_by_index(int index)
{
    return index < (int)(sizeof tables / sizeof *tables) ? tables[index] : NULL;
}

const trit_kernels *trit_kernels_by_name(const char *name)
{
    if (!name) return tables[0];
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i]->name, name) == 0) return tables[i];
    return NULL;
}
