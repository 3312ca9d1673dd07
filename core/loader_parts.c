/* GGUF files in parts, as llama-gguf-split cuts them: the first has all keys, each its own tensors. */
#include <stdlib.h>

#include "loader.h"

enum { MAX_PARTS = 65535 };

static bool read_key(const tritx_gguf *g, const char *key, int64_t high, int64_t *value)
{
    const tritx_gguf_pair *pair = tritx_gguf_find(g, key);
    return pair && tritx_gguf_int(g, pair, 0, high, value);
}

trit_status tritx_parts_read(trit_loader *l, trit_error *err)
{
    int64_t no = 0, count = 1, total = (int64_t)l->gguf->n_tensors;
    bool split = tritx_gguf_find(l->gguf, "split.count") != NULL;
    if (split && (!read_key(l->gguf, "split.count", MAX_PARTS, &count) ||
                  !read_key(l->gguf, "split.no", MAX_PARTS, &no) ||
                  !read_key(l->gguf, "split.tensors.count", TRITX_GGUF_MAX_TENSORS, &total)))
        return tritx_fail(
            err, TRIT_BAD_INDEX, 0,
            "GGUF: split.no, split.count or split.tensors.count is missing or no number");
    if (count < 1) count = 1;
    if (l->n_parts && count != l->n_parts)
        return tritx_fail(err, TRIT_BAD_INDEX, 0,
                          "GGUF: a part of %d, where the first is one of %d", (int)count,
                          l->n_parts);
    if (no != l->part)
        return tritx_fail(err, TRIT_BAD_INDEX, 0,
                          "GGUF: this is part %d of %d, where part %d belongs", (int)no + 1,
                          (int)count, l->part + 1);
    if (l->n_parts && (size_t)total != l->n_all_tensors)
        return tritx_fail(err, TRIT_BAD_INDEX, 0, "GGUF: parts of different models");
    if (count > 1 && !l->shard)
        return tritx_fail(err, TRIT_MISSING_TENSOR, 0,
                          "GGUF: this is part 1 of %d: give all of them", (int)count);
    l->n_parts = (int)count;
    l->n_all_tensors = (size_t)total;
    l->n_part_tensors += l->gguf->n_tensors;
    bool last = l->part + 1 == l->n_parts;
    if (last ? l->n_part_tensors != l->n_all_tensors : l->n_part_tensors > l->n_all_tensors)
        return tritx_fail(err, TRIT_BAD_INDEX, 0,
                          "GGUF: the parts have %zu tensors, and should have %zu",
                          l->n_part_tensors, l->n_all_tensors);
    return TRIT_OK;
}

trit_status tritx_parts_begin(trit_loader *l, const char *name, trit_error *err)
{
    size_t n = strlen(name);
    if (n < 1 || n >= sizeof l->part_name)
        return tritx_fail(err, TRIT_PARAM, 0, "the name of a file is empty or too long");
    if (l->have_config && !l->n_parts)
        return tritx_fail(err, TRIT_STATE, 0, "shards come after their index");
    if (l->shard || l->offset) {
        if (l->n_parts <= 1)
            return tritx_fail(err, TRIT_STATE, 0, "the file before was no part of a model");
        if (l->part + 1 == l->n_parts)
            return tritx_fail(err, TRIT_BAD_INDEX, 0, "%.60s: the model has only %d parts", name,
                              l->n_parts);
        l->part++;
        tritx_gguf_free(l->gguf);
        free(l->gguf);
        l->gguf = NULL;
    }
    memcpy(l->part_name, name, n + 1);
    l->shard = l->part_name;
    return TRIT_OK;
}

trit_status tritx_parts_end(const trit_loader *l, trit_error *err)
{
    if (l->part + 1 >= l->n_parts) return TRIT_OK;
    return tritx_fail(err, TRIT_MISSING_TENSOR, 0, "part %d of %d was not given", l->part + 2,
                      l->n_parts);
}
