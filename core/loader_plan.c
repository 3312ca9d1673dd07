/* What each tensor of a file must look like, and whether all are there. */
#include <stdlib.h>

#include "loader.h"
#include "pack.h"

static bool is_float(tritx_dtype d)
{
    return d == TRIT_DTYPE_F16 || d == TRIT_DTYPE_BF16 || d == TRIT_DTYPE_F32;
}

/* Blocks of GGUF. */
static bool is_ternary(tritx_dtype d)
{
    return d == TRIT_DTYPE_TQ1_0 || d == TRIT_DTYPE_TQ2_0 || d == TRIT_DTYPE_I2_S;
}
static bool is_quantised(tritx_dtype d) { return d == TRIT_DTYPE_Q8_0 || d == TRIT_DTYPE_Q6_K; }

static trit_status bad_type(const tritx_tensor *t, trit_error *err)
{
    return tritx_fail(err, TRIT_BAD_TENSOR_TYPE, 0,
                      "tensor %.60s: its data type is not the one expected", t->name);
}

/* [rows, cols], or [rows] when cols is 0. */
static trit_status expect_shape(const tritx_tensor *t, size_t rows, size_t cols, trit_error *err)
{
    bool fits = cols == 0 ? t->n_dims == 1 && t->shape[0] == rows
                          : t->n_dims == 2 && t->shape[0] == rows && t->shape[1] == cols;
    if (fits) return TRIT_OK;
    return tritx_fail(err, TRIT_BAD_TENSOR_SHAPE, 0,
                      "tensor %.60s: its shape does not fit the configuration", t->name);
}

/* The tokenizer's arrays are allocated when their sizes are known from the directory. */
static trit_status plan_tokenizer(trit_loader *l, const tritx_tensor *t, tritx_slot slot,
                                  trit_error *err)
{
    size_t bytes = (size_t)(t->end - t->begin);
    bool i32 = slot == TRIT_SLOT_TOKENIZER_ENDS || slot == TRIT_SLOT_TOKENIZER_MERGES;
    if (t->dtype != (i32 ? TRIT_DTYPE_I32 : TRIT_DTYPE_U8)) return bad_type(t, err);
    if (bytes > 64u << 20)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "tensor %.60s: too large", t->name);
    /* a tokenizer without merges has an empty table; the flags are no table */
    bool empty = bytes == 0 || slot == TRIT_SLOT_TOKENIZER_FLAGS;
    void *memory = empty ? NULL : malloc(bytes);
    if (!memory && !empty) return tritx_fail(err, TRIT_OOM, 0, "no memory for the tokenizer");
    switch (slot) {
    case TRIT_SLOT_TOKENIZER_ENDS:
        l->tables.token_ends = memory;
        return expect_shape(t, (size_t)l->config.n_vocab, 0, err);
    case TRIT_SLOT_TOKENIZER_SPECIAL:
        l->tables.token_kinds = memory;
        return expect_shape(t, (size_t)l->config.n_vocab, 0, err);
    case TRIT_SLOT_TOKENIZER_BYTES:
        l->tables.token_bytes = memory;
        l->tables.n_token_bytes = (uint32_t)bytes;
        return expect_shape(t, bytes, 0, err);
    case TRIT_SLOT_TOKENIZER_MERGES:
        l->tables.merges = memory;
        l->tables.n_merges = (uint32_t)(bytes / 12);
        return expect_shape(t, bytes / 12, 3, err);
    default: return expect_shape(t, 1, 0, err);
    }
}

/* Of ternary matrices; masters have none, GGUF may have. */
static bool has_scales(const trit_loader *l) { return l->packed || l->hf; }

/* Checks one tensor against the model. */
static trit_status plan_tensor(trit_loader *l, const tritx_tensor *t, tritx_slot slot, int layer,
                               trit_error *err)
{
    size_t n = 0;
    if (slot <= TRIT_SLOT_TOKENIZER_FLAGS) return plan_tokenizer(l, t, slot, err);
    const tritx_ternary *m =
        tritx_slot_in_layer(slot) ? tritx_model_ternary(l->model, slot, layer) : NULL;
    if (m && l->packed) {
        if (t->dtype != TRIT_DTYPE_U8) return bad_type(t, err);
        return expect_shape(t, (size_t)m->rows, trit_wire_bytes((size_t)m->cols), err);
    }
    if (m && l->hf) {
        if (t->dtype != TRIT_DTYPE_U8) return bad_type(t, err);
        return expect_shape(t, ((size_t)m->rows + 3) / 4, (size_t)m->cols, err);
    }
    if (m && t->dtype == TRIT_DTYPE_U8)
        return tritx_fail(err, TRIT_BAD_TENSOR_TYPE, 0,
                          "tensor %.60s: it is packed, but config.json speaks of masters or has no "
                          "quantization_config, which tells what its scale means",
                          t->name);
    if (m)
        return is_float(t->dtype) || is_ternary(t->dtype)
                   ? expect_shape(t, (size_t)m->rows, (size_t)m->cols, err)
                   : bad_type(t, err);
    const tritx_rows *r = tritx_model_rows(l->model, slot);
    if (r) {
        bool fits = l->packed ? t->dtype == (r->f16 ? TRIT_DTYPE_F16 : TRIT_DTYPE_I8)
                              : is_float(t->dtype) || is_quantised(t->dtype);
        return fits ? expect_shape(t, (size_t)r->rows, (size_t)r->cols, err) : bad_type(t, err);
    }
    if (slot == TRIT_SLOT_EMBED_SUM || slot == TRIT_SLOT_HEAD_SUM) {
        const tritx_rows *of = tritx_model_rows(l->model, (tritx_slot)(slot - 2));
        if (of && of->i8)
            return t->dtype == TRIT_DTYPE_I32 ? expect_shape(t, (size_t)of->rows, 0, err)
                                              : bad_type(t, err);
    } else if (tritx_model_floats(l->model, slot, layer, &n) &&
               (n > 1 || has_scales(l) || l->gguf)) {
        bool fits = l->packed ? t->dtype == TRIT_DTYPE_F32 : is_float(t->dtype);
        return fits ? expect_shape(t, n, 0, err) : bad_type(t, err);
    }
    return tritx_fail(err, TRIT_UNKNOWN_TENSOR, 0, "tensor %.60s: this model has no such tensor",
                      t->name);
}

size_t tritx_loader_rows(trit_loader *l, const tritx_tensor *t, tritx_slot slot)
{
    bool by_row = l->packed ? t->n_dims == 2 && slot != TRIT_SLOT_TOKENIZER_MERGES
                            : tritx_model_rows(l->model, slot) != NULL;
    return by_row ? (size_t)t->shape[0] : 1;
}

trit_status tritx_loader_find(const trit_loader *l, const tritx_tensor *t, tritx_slot *slot,
                              int *layer, trit_error *err)
{
    bool known = l->packed ? tritx_name_packed(t->name, slot, layer)
                 : l->gguf ? tritx_name_gguf(t->name, slot, layer)
                           : tritx_name_hf(t->name, slot, layer);
    if (!known || *layer >= l->config.n_layer)
        return tritx_fail(err, TRIT_UNKNOWN_TENSOR, 0,
                          "tensor %.60s: the configuration does not explain it", t->name);
    return TRIT_OK;
}

static trit_status need(trit_loader *l, tritx_slot slot, int layer, trit_error *err)
{
    char name[64];
    if (l->seen[(size_t)layer * TRIT_SLOT_COUNT + (size_t)slot]) return TRIT_OK;
    tritx_name_write(slot, layer, name, sizeof name);
    return tritx_fail(err, TRIT_MISSING_TENSOR, 0, "the file has no tensor for %s", name);
}

static trit_status need_all(trit_loader *l, trit_error *err)
{
    size_t n;
    for (int s = 0; s < TRIT_SLOT_COUNT; s++) {
        tritx_slot slot = (tritx_slot)s;
        for (int i = 0; i < (tritx_slot_in_layer(slot) ? l->config.n_layer : 1); i++) {
            bool wanted;
            if (s <= TRIT_SLOT_TOKENIZER_FLAGS) wanted = l->packed;
            else if (tritx_slot_in_layer(slot) && tritx_model_ternary(l->model, slot, i))
                wanted = true;
            else if (tritx_model_rows(l->model, slot)) wanted = true;
            else if (slot == TRIT_SLOT_EMBED_SUM) wanted = l->packed && l->model->embed.i8;
            else if (slot == TRIT_SLOT_HEAD_SUM) wanted = l->packed && l->model->head.i8;
            else {
                const float *floats = tritx_model_floats(l->model, slot, i, &n);
                bool row_scales = slot == TRIT_SLOT_EMBED_SCALE || slot == TRIT_SLOT_HEAD_SCALE;
                wanted = floats && (row_scales ? l->packed : n > 1 || has_scales(l));
            }
            if (wanted) TRIT_TRY(need(l, slot, i, err));
        }
    }
    return TRIT_OK;
}

/* Ascends through a packed file: a sum must follow the rows it is compared with. */
static size_t place_of(const trit_loader *l, tritx_slot slot, int layer)
{
    int group = slot < TRIT_SLOT_LAYER_FIRST ? 0
                : tritx_slot_in_layer(slot)  ? layer + 1
                                             : l->config.n_layer + 1;
    return (size_t)group * TRIT_SLOT_COUNT + (size_t)slot;
}

/* For groups of rows that come in pieces. */
static trit_status allocate_group(trit_loader *l, size_t n_bytes, trit_error *err)
{
    free(l->group);
    l->group = malloc(n_bytes + !n_bytes); /* a part may have no tensors */
    return l->group ? TRIT_OK : tritx_fail(err, TRIT_OOM, 0, "no memory to load the model");
}

static int count_lanes(const trit_loader *l)
{
    int n = tritx_pool_threads(l->pool);
    return n < TRITX_LOADER_LANES ? n : TRITX_LOADER_LANES;
}

size_t trit_loader_bytes(const trit_loader *l)
{
    if (!l || !l->model) return 0;
    size_t widest = tritx_config_widest(&l->config),
           lane = TRIT_T2_ROWS * trit_t2_cols(widest) + widest * (sizeof(float) + 1);
    return l->group_bytes + (size_t)count_lanes(l) * lane;
}

static trit_status allocate_lanes(trit_loader *l, trit_error *err)
{
    size_t widest = tritx_config_widest(&l->config);
    l->n_lanes = count_lanes(l);
    bool fine = true;
    for (int i = 0; i < l->n_lanes; i++) {
        tritx_lane *lane = &l->lanes[i];
        lane->codes = calloc(1, TRIT_T2_ROWS * trit_t2_cols(widest) + 4);
        lane->floats = malloc(widest * sizeof *lane->floats);
        if (!l->packed) lane->int8 = malloc(widest);
        fine = fine && lane->codes && lane->floats && (l->packed || lane->int8);
    }
    return fine ? TRIT_OK : tritx_fail(err, TRIT_OOM, 0, "no memory to load the model");
}

static trit_status see(trit_loader *l, const tritx_tensor *t, trit_error *err)
{
    tritx_slot slot;
    int layer;
    TRIT_TRY(tritx_loader_find(l, t, &slot, &layer, err));
    uint8_t *seen = &l->seen[(size_t)layer * TRIT_SLOT_COUNT + (size_t)slot];
    if (*seen)
        return tritx_fail(err, TRIT_BAD_HEADER, 0, "tensor %.60s: stands twice in the file",
                          t->name);
    *seen = 1;
    return TRIT_OK;
}

static trit_status begin_model(trit_loader *l, trit_error *err)
{
    TRIT_TRY(tritx_model_plan(&l->config, l->kernels, &l->model, err));
    l->seen = calloc((size_t)l->config.n_layer, TRIT_SLOT_COUNT);
    l->taken = calloc((size_t)l->config.n_layer, TRIT_SLOT_COUNT);
    if (!l->seen || !l->taken) return tritx_fail(err, TRIT_OOM, 0, "no memory to load the model");
    if (l->packed) l->tables.n_vocab = l->config.n_vocab;
    /* an index tells before the first file whether something is missing */
    for (size_t i = 0; i < l->n_index; i++)
        TRIT_TRY(see(l, &(tritx_tensor){.name = l->index[i].name}, err));
    return l->index ? need_all(l, err) : TRIT_OK;
}

trit_status tritx_loader_plan(trit_loader *l, trit_error *err)
{
    size_t last_place = 0, largest_group = 0;
    if (!l->model) TRIT_TRY(begin_model(l, err));
    if (l->index) TRIT_TRY(tritx_index_take(l, err));
    for (size_t i = 0; i < l->n_tensors; i++) {
        tritx_slot slot;
        int layer;
        const tritx_tensor *t = &l->tensors[i];
        if (!l->index) TRIT_TRY(see(l, t, err));
        TRIT_TRY(tritx_loader_find(l, t, &slot, &layer, err));
        size_t place = place_of(l, slot, layer);
        if (l->packed && place < last_place)
            return tritx_fail(err, TRIT_BAD_HEADER, 0,
                              "tensor %.60s: stands behind one that comes after it", t->name);
        last_place = place;
        TRIT_TRY(plan_tensor(l, t, slot, layer, err));
        size_t n_rows = tritx_loader_rows(l, t, slot),
               bytes = (size_t)(t->end - t->begin) / n_rows *
                       (n_rows < TRIT_T2_ROWS ? n_rows : TRIT_T2_ROWS);
        if (bytes > largest_group) largest_group = bytes;
    }
    if (!l->index && l->part + 1 >= l->n_parts) TRIT_TRY(need_all(l, err));
    l->group_bytes = largest_group;
    if (l->plan_only) return TRIT_OK;
    /* Now the file backs the shape: whatever a configuration claims, it takes no memory before. */
    if (!l->model->arena) {
        TRIT_TRY(tritx_model_allocate(l->model, err));
        TRIT_TRY(allocate_lanes(l, err));
    }
    return allocate_group(l, largest_group, err);
}
