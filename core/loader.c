/* The push loader: bytes of a safetensors file, in any split, become a model.
 *
 * Data is handled in units: a row of a matrix, a whole vector, or the whole of a ternary master,
 * whose mean must be known before its first code. Only one unit is ever held. */
#include <math.h>
#include <stdlib.h>

#include "config.h"
#include "model.h"
#include "pack.h"
#include "safetensors.h"
#include "scalar.h"
#include "tune.h"

typedef enum { STATE_LENGTH, STATE_HEADER, STATE_DATA, STATE_FAILED } loader_state;

struct trit_loader {
    loader_state state;
    trit_head head;
    char kernels[TRIT_CHOICE_BYTES];
    trit_config config;
    bool have_config, packed;
    tritx_tokenizer_tables tables; /* until the tokenizer takes them */
    bool have_tokenizer;
    uint64_t offset; /* bytes pushed so far */
    uint8_t length[8];
    size_t n_filled; /* bytes of the present state's or unit's buffer */
    uint8_t *header;
    size_t n_header;
    tritx_json json;
    tritx_tensor *tensors;
    size_t n_tensors, tensor; /* the one being read */
    tritx_slot slot;
    int layer;
    uint8_t *unit; /* [unit_capacity] */
    size_t unit_capacity, unit_bytes, unit_index;
    uint8_t *codes; /* scratch: TRIT_T2_ROWS padded rows of codes */
    float *floats;  /* scratch: one row of floats */
    uint8_t *seen;  /* [n_layer][TRIT_SLOT_COUNT] */
    trit_model *model;
};

trit_status trit_loader_new(trit_loader **loader, trit_head head, const char *kernels,
                            trit_error *err)
{
    trit_kernels chosen;
    if (!loader || head < TRIT_HEAD_AS_IS || head > TRIT_HEAD_F16)
        return tritx_fail(err, TRIT_PARAM, 0, "loader: bad argument");
    if (!tritx_kernels_choose(kernels, &chosen))
        return tritx_fail(err, TRIT_PARAM, 0, "this build has no kernels \"%.100s\"", kernels);
    trit_loader *l = calloc(1, sizeof *l);
    if (!l) return tritx_fail(err, TRIT_OOM, 0, "no memory for a loader");
    l->head = head;
    if (kernels) memcpy(l->kernels, kernels, strlen(kernels) + 1);
    *loader = l;
    return TRIT_OK;
}

void trit_loader_free(trit_loader *l)
{
    if (!l) return;
    tritx_tokenizer_tables_free(&l->tables);
    if (l->json.root) tritx_json_free(&l->json);
    free(l->header);
    free(l->tensors);
    free(l->unit);
    free(l->codes);
    free(l->floats);
    free(l->seen);
    trit_model_free(l->model);
    free(l);
}

trit_status trit_loader_side(trit_loader *l, trit_side side, const char *text, size_t n_bytes,
                             trit_error *err)
{
    if (!l || !text) return tritx_fail(err, TRIT_PARAM, 0, "loader: NULL argument");
    if (l->offset) return tritx_fail(err, TRIT_STATE, 0, "side files come before the tensors");
    if (side != TRIT_SIDE_CONFIG && !l->have_config)
        return tritx_fail(err, TRIT_STATE, 0, "config.json comes before the other side files");
    if (n_bytes > (side == TRIT_SIDE_TOKENIZER ? 32u << 20 : 1u << 20))
        return tritx_fail(err, TRIT_BAD_JSON, 0,
                          "a side file is larger than 1 MiB, or tokenizer.json than 32 MiB");
    bool add_bos = false;
    int32_t bos_id = -1;
    switch (side) {
    case TRIT_SIDE_CONFIG:
        if (l->have_config) return tritx_fail(err, TRIT_STATE, 0, "config.json was given twice");
        TRIT_TRY(tritx_config_hf(text, n_bytes, &l->config, err));
        l->config.site[TRIT_SITE_HEAD].weight =
            l->head == TRIT_HEAD_F16 ? TRIT_WEIGHT_F16 : TRIT_WEIGHT_INT8;
        TRIT_TRY(trit_config_validate(&l->config, err));
        l->have_config = true;
        return TRIT_OK;
    case TRIT_SIDE_TOKENIZER:
        if (l->have_tokenizer)
            return tritx_fail(err, TRIT_STATE, 0, "tokenizer.json was given twice");
        TRIT_TRY(tritx_tokenizer_json(text, n_bytes, l->config.n_vocab, &l->tables, &add_bos,
                                      &bos_id, err));
        l->have_tokenizer = true;
        l->config.add_bos = add_bos;
        if (add_bos) l->config.bos_id = bos_id;
        return TRIT_OK;
    case TRIT_SIDE_TOKENIZER_CONFIG: return tritx_config_template(text, n_bytes, &l->config, err);
    case TRIT_SIDE_GENERATION_CONFIG:
        return tritx_config_generation(text, n_bytes, &l->config, err);
    }
    return tritx_fail(err, TRIT_PARAM, 0, "loader: unknown side file");
}

/* ---- what each tensor must look like ---- */

static bool is_float(tritx_dtype d)
{
    return d == TRIT_DTYPE_F16 || d == TRIT_DTYPE_BF16 || d == TRIT_DTYPE_F32;
}

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
        l->tables.token_special = memory;
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

/* Checks one tensor against the model and tells the size of its units. */
static trit_status plan_tensor(trit_loader *l, const tritx_tensor *t, tritx_slot slot, int layer,
                               size_t *unit_bytes, trit_error *err)
{
    size_t n = 0;
    *unit_bytes = (size_t)(t->end - t->begin);
    if (slot <= TRIT_SLOT_TOKENIZER_FLAGS) return plan_tokenizer(l, t, slot, err);
    const tritx_ternary *m =
        tritx_slot_in_layer(slot) ? tritx_model_ternary(l->model, slot, layer) : NULL;
    if (m && l->packed) {
        *unit_bytes = tritx_wire_bytes((size_t)m->cols);
        if (t->dtype != TRIT_DTYPE_U8) return bad_type(t, err);
        return expect_shape(t, (size_t)m->rows, *unit_bytes, err);
    }
    if (m)
        return is_float(t->dtype) ? expect_shape(t, (size_t)m->rows, (size_t)m->cols, err)
                                  : bad_type(t, err);
    const tritx_rows *r = tritx_model_rows(l->model, slot);
    if (r) {
        bool fits =
            l->packed ? t->dtype == (r->f16 ? TRIT_DTYPE_F16 : TRIT_DTYPE_I8) : is_float(t->dtype);
        *unit_bytes = (size_t)r->cols * tritx_dtype_bytes(t->dtype);
        return fits ? expect_shape(t, (size_t)r->rows, (size_t)r->cols, err) : bad_type(t, err);
    }
    if (slot == TRIT_SLOT_EMBED_SUM || slot == TRIT_SLOT_HEAD_SUM) {
        const tritx_rows *of = tritx_model_rows(l->model, (tritx_slot)(slot - 2));
        if (of && of->i8)
            return t->dtype == TRIT_DTYPE_I32 ? expect_shape(t, (size_t)of->rows, 0, err)
                                              : bad_type(t, err);
    } else if (tritx_model_floats(l->model, slot, layer, &n)) {
        bool fits = l->packed ? t->dtype == TRIT_DTYPE_F32 : is_float(t->dtype);
        return fits ? expect_shape(t, n, 0, err) : bad_type(t, err);
    }
    return tritx_fail(err, TRIT_UNKNOWN_TENSOR, 0, "tensor %.60s: this model has no such tensor",
                      t->name);
}

static trit_status find_slot(trit_loader *l, const tritx_tensor *t, tritx_slot *slot, int *layer,
                             trit_error *err)
{
    bool known =
        l->packed ? tritx_name_packed(t->name, slot, layer) : tritx_name_hf(t->name, slot, layer);
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
                bool scale =
                    n == 1 || slot == TRIT_SLOT_EMBED_SCALE || slot == TRIT_SLOT_HEAD_SCALE;
                wanted = floats && (l->packed || !scale);
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

static trit_status plan(trit_loader *l, trit_error *err)
{
    const trit_config *c = &l->config;
    size_t last_place = 0;
    TRIT_TRY(tritx_model_new(c, l->kernels, &l->model, err));
    size_t widest = (size_t)(c->dim > c->ffn_dim ? c->dim : c->ffn_dim);
    if (widest < (size_t)c->n_head * (size_t)c->head_dim)
        widest = (size_t)c->n_head * (size_t)c->head_dim;
    l->codes = calloc(TRIT_T2_ROWS, trit_t2_cols(widest));
    l->floats = malloc(widest * sizeof *l->floats);
    l->seen = calloc((size_t)c->n_layer, TRIT_SLOT_COUNT);
    if (!l->codes || !l->floats || !l->seen)
        return tritx_fail(err, TRIT_OOM, 0, "no memory to load the model");
    if (l->packed) l->tables.n_vocab = c->n_vocab;
    for (size_t i = 0; i < l->n_tensors; i++) {
        tritx_slot slot;
        int layer;
        size_t unit_bytes;
        TRIT_TRY(find_slot(l, &l->tensors[i], &slot, &layer, err));
        uint8_t *seen = &l->seen[(size_t)layer * TRIT_SLOT_COUNT + (size_t)slot];
        if (*seen)
            return tritx_fail(err, TRIT_BAD_HEADER, 0, "tensor %.60s: stands twice in the file",
                              l->tensors[i].name);
        *seen = 1;
        size_t place = place_of(l, slot, layer);
        if (l->packed && place < last_place)
            return tritx_fail(err, TRIT_BAD_HEADER, 0,
                              "tensor %.60s: stands behind one that comes after it",
                              l->tensors[i].name);
        last_place = place;
        TRIT_TRY(plan_tensor(l, &l->tensors[i], slot, layer, &unit_bytes, err));
        if (unit_bytes > l->unit_capacity) l->unit_capacity = unit_bytes;
    }
    TRIT_TRY(need_all(l, err));
    l->unit = malloc(l->unit_capacity);
    return l->unit ? TRIT_OK : tritx_fail(err, TRIT_OOM, 0, "no memory to load the model");
}

/* ---- units of data ---- */

static trit_status bad_scale(trit_loader *l, trit_error *err)
{
    return tritx_fail(err, TRIT_BAD_SCALE, l->offset,
                      "tensor %.60s: a number is not finite or a scale is negative",
                      l->tensors[l->tensor].name);
}

static uint8_t *codes_of_row(trit_loader *l, const tritx_ternary *m, size_t row)
{
    return l->codes + row % TRIT_T2_ROWS * trit_t2_cols((size_t)m->cols);
}

/* After the last row of a group: lays the group out. Padding holds what was there before. */
static void finish_row(trit_loader *l, tritx_ternary *m, size_t row)
{
    size_t first = row / TRIT_T2_ROWS * TRIT_T2_ROWS;
    if ((row + 1) % TRIT_T2_ROWS && row + 1 < (size_t)m->rows) return;
    trit_t2_put(l->model->kernels.layout, m->codes, l->codes, first, (size_t)m->rows,
                (size_t)m->cols);
}

static trit_status take_master(trit_loader *l, tritx_ternary *m, tritx_dtype dtype, trit_error *err)
{
    size_t cols = (size_t)m->cols, row_bytes = cols * tritx_dtype_bytes(dtype);
    if (tritx_absmean(l->unit, (size_t)m->rows * cols, dtype, m->scale) != TRIT_OK)
        return bad_scale(l, err);
    for (size_t r = 0; r < (size_t)m->rows; r++) {
        tritx_ternarise(codes_of_row(l, m, r), l->unit + r * row_bytes, cols, dtype, *m->scale);
        finish_row(l, m, r);
    }
    return TRIT_OK;
}

static trit_status take_codes(trit_loader *l, tritx_ternary *m, trit_error *err)
{
    if (!tritx_wire_decode(codes_of_row(l, m, l->unit_index), l->unit, (size_t)m->cols))
        return tritx_fail(err, TRIT_BAD_CODES, l->offset,
                          "tensor %.60s: row %zu has impossible codes", l->tensors[l->tensor].name,
                          l->unit_index);
    finish_row(l, m, l->unit_index);
    return TRIT_OK;
}

static trit_status take_row(trit_loader *l, tritx_rows *r, tritx_dtype dtype, trit_error *err)
{
    size_t cols = (size_t)r->cols, row = l->unit_index;
    if (dtype == TRIT_DTYPE_I8) {
        const int8_t *codes = (const int8_t *)l->unit;
        r->sum[row] = 0;
        for (size_t k = 0; k < cols; k++) {
            if (codes[k] == -128)
                return tritx_fail(err, TRIT_BAD_CODES, l->offset,
                                  "row %zu of an int8 matrix holds -128", row);
            r->sum[row] += codes[k];
        }
        tritx_i8_put_row(r->i8, row, codes, cols);
        return TRIT_OK;
    }
    for (size_t k = 0; k < cols; k++) {
        l->floats[k] = tritx_source_float(l->unit, k, dtype);
        if (!(fabsf(l->floats[k]) <= 65504.0f)) return bad_scale(l, err);
        if (r->f16) r->f16[row * cols + k] = tritx_f16_of_f32(l->floats[k]);
    }
    if (!r->i8) return TRIT_OK;
    int8_t *codes = (int8_t *)l->codes;
    if (!tritx_int8_row(codes, &r->scale[row], &r->sum[row], l->floats, cols))
        return bad_scale(l, err);
    tritx_i8_put_row(r->i8, row, codes, cols);
    return TRIT_OK;
}

static trit_status take_floats(trit_loader *l, float *out, size_t n, tritx_dtype dtype,
                               trit_error *err)
{
    bool scale = n == 1 || l->slot == TRIT_SLOT_EMBED_SCALE || l->slot == TRIT_SLOT_HEAD_SCALE;
    for (size_t i = 0; i < n; i++) {
        out[i] = tritx_source_float(l->unit, i, dtype);
        if (!(fabsf(out[i]) <= 3.4e38f) || (scale && out[i] < 0)) return bad_scale(l, err);
    }
    return TRIT_OK;
}

/* The sums were computed from the rows, which stand earlier in the file. */
static trit_status check_sums(trit_loader *l, const tritx_rows *r, trit_error *err)
{
    for (size_t i = 0; i < (size_t)r->rows; i++)
        if ((int32_t)tritx_load_u32(l->unit + 4 * i) != r->sum[i])
            return tritx_fail(err, TRIT_BAD_CODES, l->offset,
                              "tensor %.60s: the sum of row %zu is wrong",
                              l->tensors[l->tensor].name, i);
    return TRIT_OK;
}

static trit_status take_tokenizer(trit_loader *l, trit_error *err)
{
    tritx_tokenizer_tables *t = &l->tables;
    uint32_t *words = l->slot == TRIT_SLOT_TOKENIZER_ENDS ? t->token_ends : t->merges;
    switch (l->slot) {
    case TRIT_SLOT_TOKENIZER_BYTES: memcpy(t->token_bytes, l->unit, l->unit_bytes); return TRIT_OK;
    case TRIT_SLOT_TOKENIZER_SPECIAL:
        memcpy(t->token_special, l->unit, l->unit_bytes);
        return TRIT_OK;
    case TRIT_SLOT_TOKENIZER_FLAGS:
        if (l->unit[0] > 1)
            return tritx_fail(err, TRIT_BAD_TOKENIZER, l->offset, "tokenizer.flags: unknown bits");
        t->ignore_merges = l->unit[0];
        return TRIT_OK;
    default:
        for (size_t i = 0; i < l->unit_bytes / 4; i++) words[i] = tritx_load_u32(l->unit + 4 * i);
        return TRIT_OK;
    }
}

static trit_status take_unit(trit_loader *l, trit_error *err)
{
    size_t n;
    tritx_dtype dtype = l->tensors[l->tensor].dtype;
    if (l->slot <= TRIT_SLOT_TOKENIZER_FLAGS) return take_tokenizer(l, err);
    tritx_ternary *m =
        tritx_slot_in_layer(l->slot) ? tritx_model_ternary(l->model, l->slot, l->layer) : NULL;
    if (m) return l->packed ? take_codes(l, m, err) : take_master(l, m, dtype, err);
    tritx_rows *r = tritx_model_rows(l->model, l->slot);
    if (r) return take_row(l, r, dtype, err);
    if (l->slot == TRIT_SLOT_EMBED_SUM || l->slot == TRIT_SLOT_HEAD_SUM)
        return check_sums(l, l->slot == TRIT_SLOT_EMBED_SUM ? &l->model->embed : &l->model->head,
                          err);
    float *out = tritx_model_floats(l->model, l->slot, l->layer, &n);
    return take_floats(l, out, n, dtype, err);
}

/* ---- the state machine ---- */

/* Goes to the next tensor that has bytes. */
static trit_status begin_tensor(trit_loader *l, trit_error *err)
{
    l->unit_index = l->n_filled = 0;
    while (l->tensor < l->n_tensors && l->tensors[l->tensor].begin == l->tensors[l->tensor].end)
        l->tensor++;
    if (l->tensor == l->n_tensors) return TRIT_OK;
    TRIT_TRY(find_slot(l, &l->tensors[l->tensor], &l->slot, &l->layer, err));
    const tritx_tensor *t = &l->tensors[l->tensor];
    bool by_row = l->packed ? t->n_dims == 2 && l->slot != TRIT_SLOT_TOKENIZER_MERGES
                            : tritx_model_rows(l->model, l->slot) != NULL;
    l->unit_bytes = (size_t)(t->end - t->begin) / (by_row ? t->shape[0] : 1);
    return TRIT_OK;
}

static trit_status read_packed_metadata(trit_loader *l, const cJSON *metadata, trit_error *err)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "trit"));
    if (!text) return tritx_fail(err, TRIT_BAD_CONFIG, 0, "the header's metadata has no \"trit\"");
    tritx_json json;
    int64_t version = 0;
    TRIT_TRY(tritx_json_parse(text, strlen(text), &json, err));
    trit_status status = TRIT_OK;
    if (!tritx_json_int(json.root, "version", 0, INT32_MAX, &version) || version != 1)
        status = tritx_fail(err, TRIT_BAD_VERSION, 0, "the packed file's version is not 1");
    if (status == TRIT_OK)
        status = tritx_config_read(cJSON_GetObjectItemCaseSensitive(json.root, "config"),
                                   &l->config, err);
    if (status == TRIT_OK && l->head &&
        l->config.site[TRIT_SITE_HEAD].weight !=
            (l->head == TRIT_HEAD_F16 ? TRIT_WEIGHT_F16 : TRIT_WEIGHT_INT8))
        status = tritx_fail(err, TRIT_UNSUPPORTED, 0,
                            "a packed file keeps its head: pack the masters again for another");
    if (status == TRIT_OK) status = plan(l, err);
    const cJSON *card =
        status == TRIT_OK ? cJSON_GetObjectItemCaseSensitive(json.root, "card") : NULL;
    if (status == TRIT_OK && !cJSON_IsObject(card))
        status = tritx_fail(err, TRIT_BAD_CONFIG, 0, "the header's metadata has no card");
    if (status == TRIT_OK) {
        char *printed = cJSON_PrintUnformatted(card);
        if (printed) {
            free(l->model->card);
            l->model->card = printed;
        } else status = tritx_fail(err, TRIT_OOM, 0, "no memory for the card");
    }
    tritx_json_free(&json);
    return status;
}

static trit_status read_header(trit_loader *l, trit_error *err)
{
    if (l->header[0] != '{')
        return tritx_fail(err, TRIT_NOT_A_MODEL, 8,
                          "the file is neither a packed model nor safetensors");
    TRIT_TRY(tritx_json_parse((const char *)l->header, l->n_header, &l->json, err));
    TRIT_TRY(tritx_safetensors_read(l->json.root, &l->tensors, &l->n_tensors, err));
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(l->json.root, "__metadata__");
    for (const cJSON *item = metadata ? metadata->child : NULL; item; item = item->next)
        if (!cJSON_IsString(item))
            return tritx_fail(err, TRIT_BAD_HEADER, 0, "the header's metadata is not all strings");
    const char *format = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(metadata, "format"));
    l->packed = format && strcmp(format, "trit") == 0;
    if (l->packed) {
        if ((8 + l->n_header) % 64)
            return tritx_fail(err, TRIT_BAD_HEADER, 0,
                              "a packed file's data begins at a multiple of 64");
        if (l->have_config)
            return tritx_fail(err, TRIT_STATE, 0,
                              "a packed file brings its own configuration: give no side files");
        TRIT_TRY(read_packed_metadata(l, metadata, err));
    } else {
        if (!l->have_config || !l->have_tokenizer)
            return tritx_fail(err, TRIT_NOT_A_MODEL, 0,
                              "safetensors masters need config.json and tokenizer.json first: give "
                              "the directory");
        TRIT_TRY(plan(l, err));
    }
    l->state = STATE_DATA;
    return begin_tensor(l, err);
}

static trit_status read_length(trit_loader *l, trit_error *err)
{
    uint64_t n = tritx_load_u64(l->length);
    if (n < 2 || n > TRIT_MAX_HEADER)
        return tritx_fail(err, TRIT_NOT_A_MODEL, 0,
                          "the file is neither a packed model nor safetensors");
    l->n_header = (size_t)n;
    l->header = malloc(l->n_header);
    if (!l->header) return tritx_fail(err, TRIT_OOM, 0, "no memory for the header");
    l->state = STATE_HEADER;
    l->n_filled = 0;
    return TRIT_OK;
}

/* Copies into the present buffer; true when it is full. */
static bool fill(trit_loader *l, uint8_t *buffer, size_t capacity, const uint8_t **bytes,
                 size_t *n_bytes)
{
    size_t n = capacity - l->n_filled < *n_bytes ? capacity - l->n_filled : *n_bytes;
    memcpy(buffer + l->n_filled, *bytes, n);
    l->n_filled += n;
    l->offset += n;
    *bytes += n;
    *n_bytes -= n;
    return l->n_filled == capacity;
}

static trit_status push(trit_loader *l, const uint8_t *bytes, size_t n_bytes, trit_error *err)
{
    while (n_bytes) {
        if (l->state == STATE_LENGTH) {
            if (fill(l, l->length, sizeof l->length, &bytes, &n_bytes))
                TRIT_TRY(read_length(l, err));
        } else if (l->state == STATE_HEADER) {
            if (fill(l, l->header, l->n_header, &bytes, &n_bytes)) TRIT_TRY(read_header(l, err));
        } else {
            if (l->tensor == l->n_tensors)
                return tritx_fail(err, TRIT_TRAILING_BYTES, l->offset,
                                  "%zu bytes or more after the last tensor", n_bytes);
            if (!fill(l, l->unit, l->unit_bytes, &bytes, &n_bytes)) continue;
            TRIT_TRY(take_unit(l, err));
            l->n_filled = 0;
            const tritx_tensor *t = &l->tensors[l->tensor];
            if (++l->unit_index * l->unit_bytes == t->end - t->begin) {
                l->tensor++;
                TRIT_TRY(begin_tensor(l, err));
            }
        }
    }
    return TRIT_OK;
}

trit_status trit_loader_push(trit_loader *l, const uint8_t *bytes, size_t n_bytes, trit_error *err)
{
    if (!l || (!bytes && n_bytes)) return tritx_fail(err, TRIT_PARAM, 0, "loader: NULL argument");
    if (l->state == STATE_FAILED)
        return tritx_fail(err, TRIT_STATE, 0, "this loader has already failed");
    trit_status status = push(l, bytes, n_bytes, err);
    if (status != TRIT_OK) l->state = STATE_FAILED;
    return status;
}

trit_status trit_loader_finish(trit_loader *l, trit_model **model, trit_error *err)
{
    if (!l || !model) return tritx_fail(err, TRIT_PARAM, 0, "loader: NULL argument");
    if (l->state == STATE_FAILED)
        return tritx_fail(err, TRIT_STATE, 0, "this loader has already failed");
    if (l->state != STATE_DATA || l->tensor < l->n_tensors)
        return tritx_fail(
            err, TRIT_TRUNCATED, l->offset, "the file ends after %llu bytes, inside its %s",
            (unsigned long long)l->offset, l->state == STATE_DATA ? "tensors" : "header");
    if (!l->model) return tritx_fail(err, TRIT_STATE, 0, "the model was already handed over");
    TRIT_TRY(tritx_tokenizer_new(&l->tables, &l->model->tokenizer, err));
    memset(&l->tables, 0, sizeof l->tables); /* the tokenizer owns them now */
    *model = l->model;
    l->model = NULL;
    return TRIT_OK;
}
