#include "safetensors.h"

#include <stdlib.h>

static bool read_dtype(const cJSON *item, tritx_dtype *dtype)
{
    static const char *const words[TRIT_DTYPE_COUNT] = {"U8", "I8", "F16", "BF16", "F32", "I32"};
    for (int i = 0; cJSON_IsString(item) && i < TRIT_DTYPE_COUNT; i++)
        if (strcmp(words[i], item->valuestring) == 0) {
            *dtype = (tritx_dtype)i;
            return true;
        }
    return false;
}

/* an exact integer of at most 2^53, the largest that JSON readers agree on */
static bool read_size(const cJSON *item, uint64_t *out)
{
    if (!cJSON_IsNumber(item) ||
        !(item->valuedouble >= 0 && item->valuedouble <= 9007199254740992.0))
        return false;
    *out = (uint64_t)item->valuedouble;
    return (double)*out == item->valuedouble;
}

static trit_status read_tensor(const cJSON *item, tritx_tensor *t, trit_error *err)
{
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    t->name = item->string;
    if (!cJSON_IsObject(item) || cJSON_GetArraySize(item) != 3 ||
        !read_dtype(cJSON_GetObjectItemCaseSensitive(item, "dtype"), &t->dtype))
        return tritx_fail(
            err, TRIT_BAD_HEADER, 0,
            "tensor %.60s: no dtype, shape and data_offsets, or a type this engine does not read",
            t->name);
    t->n_dims = cJSON_IsArray(shape) ? cJSON_GetArraySize(shape) : -1;
    if (t->n_dims < 1 || t->n_dims > TRIT_MAX_DIMS)
        return tritx_fail(err, TRIT_BAD_HEADER, 0, "tensor %.60s: shape has %d dimensions", t->name,
                          t->n_dims);
    size_t bytes = tritx_dtype_bytes(t->dtype);
    const cJSON *dim = shape->child;
    for (int i = 0; i < t->n_dims; i++, dim = dim->next) {
        uint64_t d;
        if (!read_size(dim, &d) || d > SIZE_MAX || !tritx_mul_ok(bytes, (size_t)d, &bytes))
            return tritx_fail(err, TRIT_BAD_HEADER, 0, "tensor %.60s: impossible shape", t->name);
        t->shape[i] = (size_t)d;
    }
    if (!cJSON_IsArray(offsets) || cJSON_GetArraySize(offsets) != 2 ||
        !read_size(offsets->child, &t->begin) || !read_size(offsets->child->next, &t->end) ||
        t->end < t->begin || t->end - t->begin != bytes)
        return tritx_fail(err, TRIT_BAD_HEADER, 0,
                          "tensor %.60s: data_offsets do not fit its shape", t->name);
    return TRIT_OK;
}

/* By end where two begin together: the first is empty. */
static int by_place(const void *a, const void *b)
{
    const tritx_tensor *s = a, *t = b;
    if (s->begin != t->begin) return s->begin < t->begin ? -1 : 1;
    return (s->end > t->end) - (s->end < t->end);
}

trit_status tritx_safetensors_read(const cJSON *root, tritx_tensor **tensors, size_t *n,
                                   trit_error *err)
{
    size_t count = 0;
    if (!cJSON_IsObject(root))
        return tritx_fail(err, TRIT_BAD_HEADER, 0, "the header is not a JSON object");
    for (const cJSON *item = root->child; item; item = item->next)
        count += strcmp(item->string, "__metadata__") != 0;
    if (count == 0 || count > TRIT_MAX_TENSORS)
        return tritx_fail(err, TRIT_BAD_HEADER, 0, "the header lists %zu tensors, not 1 ... %d",
                          count, TRIT_MAX_TENSORS);
    tritx_tensor *list = calloc(count, sizeof *list);
    if (!list) return tritx_fail(err, TRIT_OOM, 0, "no memory for the tensor list");
    trit_status status = TRIT_OK;
    size_t i = 0;
    for (const cJSON *item = root->child; item && status == TRIT_OK; item = item->next)
        if (strcmp(item->string, "__metadata__") != 0) status = read_tensor(item, &list[i++], err);
    if (status == TRIT_OK) qsort(list, count, sizeof *list, by_place);
    uint64_t end = 0;
    for (i = 0; i < count && status == TRIT_OK; end = list[i++].end)
        if (list[i].begin != end)
            status = tritx_fail(err, TRIT_BAD_HEADER, end,
                                "tensor %.60s: a hole or an overlap before its data", list[i].name);
    if (status != TRIT_OK) {
        free(list);
        return status;
    }
    *tensors = list;
    *n = count;
    return TRIT_OK;
}
