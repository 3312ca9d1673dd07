#include "kernels.h"

#include <string.h>

static const trit_kernels *const tables[] = {
#if TRIT_HAVE_RELAXED
    &trit_kernels_relaxed,
#endif
    &trit_kernels_v128,
    &trit_kernels_ref,
};

const trit_kernels *trit_kernels_by_name(const char *name)
{
    if (!name) return tables[0];
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i]->name, name) == 0) return tables[i];
    return NULL;
}
