/* The index of a model in several files, and whether each file holds what the index says. */
#include <stdlib.h>

#include "loader.h"

/* A name that can be put behind a folder's or an address's without leading anywhere else. */
static bool is_plain(const char *name)
{
    static const char end[] = ".safetensors";
    size_t n = strlen(name), n_end = sizeof end - 1;
    if (n <= n_end || n > TRITX_MAX_SHARD_NAME || name[0] == '.' ||
        strcmp(name + n - n_end, end) != 0)
        return false;
    for (const char *p = name; *p; p++)
        if (!((*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z') ||
              *p == '-' || *p == '_' || *p == '.'))
            return false;
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const tritx_index_entry *)a)->name, ((const tritx_index_entry *)b)->name);
}

static trit_status read_map(trit_loader *l, trit_error *err)
{
    const cJSON *map = cJSON_GetObjectItemCaseSensitive(l->index_json.root, "weight_map");
    int n = cJSON_IsObject(map) ? cJSON_GetArraySize(map) : 0;
    if (n < 1 || n > TRIT_MAX_TENSORS)
        return tritx_fail(err, TRIT_BAD_INDEX, 0,
                          "the index's weight_map is missing or does not name 1 ... %d tensors",
                          TRIT_MAX_TENSORS);
    l->index = calloc((size_t)n, sizeof *l->index);
    if (!l->index) return tritx_fail(err, TRIT_OOM, 0, "no memory for the index");
    for (const cJSON *item = map->child; item; item = item->next) {
        if (!cJSON_IsString(item) || !is_plain(item->valuestring))
            return tritx_fail(err, TRIT_BAD_INDEX, 0,
                              "tensor %.60s: the index does not name a plain .safetensors file",
                              item->string);
        l->index[l->n_index++] = (tritx_index_entry){item->string, item->valuestring, false};
    }
    qsort(l->index, l->n_index, sizeof *l->index, by_name);
    return TRIT_OK;
}

trit_status tritx_index_read(trit_loader *l, const char *text, size_t n_bytes, trit_error *err)
{
    if (l->index_json.root) return tritx_fail(err, TRIT_STATE, 0, "the index was given twice");
    TRIT_TRY(tritx_json_parse(text, n_bytes, &l->index_json, err));
    return read_map(l, err);
}

void tritx_index_free(trit_loader *l)
{
    free(l->index);
    if (l->index_json.root) tritx_json_free(&l->index_json);
}

trit_status tritx_index_begin(trit_loader *l, const char *shard, trit_error *err)
{
    const char *name = NULL;
    for (size_t i = 0; i < l->n_index; i++) {
        const tritx_index_entry *entry = &l->index[i];
        if (strcmp(entry->shard, shard) != 0) continue;
        if (entry->found)
            return tritx_fail(err, TRIT_STATE, 0, "the shard %.60s was given twice", shard);
        name = entry->shard;
    }
    if (!name) return tritx_fail(err, TRIT_BAD_INDEX, 0, "the index names no shard %.60s", shard);
    l->shard = name;
    return TRIT_OK;
}

trit_status tritx_index_take(trit_loader *l, trit_error *err)
{
    for (size_t i = 0; i < l->n_tensors; i++) {
        const tritx_index_entry key = {.name = l->tensors[i].name};
        tritx_index_entry *entry = bsearch(&key, l->index, l->n_index, sizeof *l->index, by_name);
        if (!entry)
            return tritx_fail(err, TRIT_BAD_INDEX, 0, "tensor %.60s: the index does not name it",
                              key.name);
        if (strcmp(entry->shard, l->shard) != 0)
            return tritx_fail(err, TRIT_BAD_INDEX, 0, "tensor %.60s: by the index it is in %.60s",
                              key.name, entry->shard);
        entry->found = true;
    }
    for (size_t i = 0; i < l->n_index; i++)
        if (!l->index[i].found && strcmp(l->index[i].shard, l->shard) == 0)
            return tritx_fail(err, TRIT_BAD_INDEX, 0,
                              "tensor %.60s: by the index it is here, but it is not",
                              l->index[i].name);
    return TRIT_OK;
}

trit_status tritx_index_end(const trit_loader *l, trit_error *err)
{
    for (size_t i = 0; i < l->n_index; i++)
        if (!l->index[i].found)
            return tritx_fail(err, TRIT_MISSING_TENSOR, 0, "the shard %.60s was not given",
                              l->index[i].shard);
    return TRIT_OK;
}
