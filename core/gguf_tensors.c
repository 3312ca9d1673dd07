/* Which type of tensor a number of GGUF means, and whether the tensors lie as their types ask for. */
#include "gguf.h"

#include <stdlib.h>

/* By ggml's number. 31 and 36 were given to I2_S by the engine of BitNet's authors, after ggml had
 * given them up; what a file means shows in the room that the tensor takes. */
typedef struct {
    uint32_t id;
    const char *name;
    uint32_t weights, bytes; /* of a block, 0 = a type that is not read */
    tritx_dtype dtype;
} type_info;

static const type_info types[] = {
    {0, "F32", 1, 4, TRIT_DTYPE_F32},
    {1, "F16", 1, 2, TRIT_DTYPE_F16},
    {2, "Q4_0", 0, 0, 0},
    {3, "Q4_1", 0, 0, 0},
    {6, "Q5_0", 0, 0, 0},
    {7, "Q5_1", 0, 0, 0},
    {8, "Q8_0", 32, 34, TRIT_DTYPE_Q8_0},
    {9, "Q8_1", 0, 0, 0},
    {10, "Q2_K", 0, 0, 0},
    {11, "Q3_K", 0, 0, 0},
    {12, "Q4_K", 0, 0, 0},
    {13, "Q5_K", 0, 0, 0},
    {14, "Q6_K", 256, 210, TRIT_DTYPE_Q6_K},
    {15, "Q8_K", 0, 0, 0},
    {30, "BF16", 1, 2, TRIT_DTYPE_BF16},
    {31, "I2_S (or Q4_0_4_4)", 128, 32, TRIT_DTYPE_I2_S},
    {34, "TQ1_0", 256, 54, TRIT_DTYPE_TQ1_0},
    {35, "TQ2_0", 256, 66, TRIT_DTYPE_TQ2_0},
    {36, "I2_S (or IQ4_NL_4_4)", 128, 32, TRIT_DTYPE_I2_S},
    {37, "I8_S", 0, 0, 0},
    {38, "TL1", 0, 0, 0},
    {39, "TL2 (or MXFP4)", 0, 0, 0},
    {134, "IQ1_BN", 0, 0, 0},
    {135, "IQ2_BN", 0, 0, 0},
};
enum { N_TYPES = sizeof types / sizeof *types, I2_S_TAIL = 32 };

#define MAX_PLACE ((uint64_t)1 << 48)

/* NULL for a number that nothing is known of. */
static const type_info *find_type(uint32_t id)
{
    for (size_t i = 0; i < N_TYPES; i++)
        if (types[i].id == id) return &types[i];
    return NULL;
}

trit_status tritx_gguf_tensor_type(tritx_tensor *t, uint32_t type, uint64_t offset, trit_error *err)
{
    size_t n_bytes = 1;
    const type_info *info = find_type(type);
    if (!info || !info->bytes)
        return tritx_fail(
            err, TRIT_UNSUPPORTED, 0,
            "tensor %.60s: its type %u (%s) is not one of those read: F32, F16, BF16, "
            "Q8_0, Q6_K, TQ1_0, TQ2_0, I2_S",
            t->name, (unsigned)type, info ? info->name : "unknown");
    size_t cols = t->shape[t->n_dims - 1];
    if (cols % info->weights)
        return tritx_fail(err, TRIT_BAD_TENSOR_SHAPE, 0,
                          "tensor %.60s: a row of %zu is no multiple of the %u of %s", t->name,
                          cols, (unsigned)info->weights, info->name);
    for (int d = 0; d < t->n_dims; d++)
        if (!tritx_mul_ok(n_bytes, d + 1 < t->n_dims ? t->shape[d] : cols / info->weights,
                          &n_bytes))
            n_bytes = SIZE_MAX;
    if (!tritx_mul_ok(n_bytes, info->bytes, &n_bytes) ||
        (info->dtype == TRIT_DTYPE_I2_S && !tritx_add_ok(n_bytes, I2_S_TAIL, &n_bytes)) ||
        (uint64_t)n_bytes > MAX_PLACE || offset > MAX_PLACE)
        return tritx_fail(err, TRIT_BAD_HEADER, 0, "tensor %.60s: impossible shape or place",
                          t->name);
    t->dtype = info->dtype;
    t->gguf_type = type;
    t->begin = offset;
    t->end = offset + n_bytes;
    return TRIT_OK;
}

static int by_begin(const void *a, const void *b)
{
    uint64_t x = ((const tritx_tensor *)a)->begin, y = ((const tritx_tensor *)b)->begin;
    return (x > y) - (x < y);
}

trit_status tritx_gguf_check_places(tritx_gguf *g, trit_error *err)
{
    qsort(g->tensors, g->n_tensors, sizeof *g->tensors, by_begin);
    if (g->n_tensors && g->tensors[0].begin != 0)
        return tritx_fail(err, TRIT_BAD_HEADER, 0, "tensor %.60s: bytes of no tensor before it",
                          g->tensors[0].name);
    for (size_t i = 0; i + 1 < g->n_tensors; i++) {
        const tritx_tensor *t = &g->tensors[i];
        uint64_t end = (t->end + g->alignment - 1) / g->alignment * g->alignment;
        if (t[1].begin != end)
            return tritx_fail(
                err, TRIT_BAD_HEADER, 0,
                "tensor %.60s: %llu bytes to the next one are not those of its type %u, %s",
                t->name, (unsigned long long)(t[1].begin - t->begin), (unsigned)t->gguf_type,
                find_type(t->gguf_type)->name);
    }
    return TRIT_OK;
}
