/* GGUF files: header to configuration, tokenizer and list of tensors; ternary blocks to codes. */
#include <stdlib.h>

#include "blocks.h"
#include "gguf_model.h"
#include "loader.h"
#include "scalar.h"

trit_status tritx_loader_begin_gguf(trit_loader *l, trit_error *err)
{
    if (l->have_config && !l->n_parts)
        return tritx_fail(err, TRIT_STATE, 0,
                          "a GGUF file brings its own configuration: give no side files");
    l->gguf = malloc(sizeof *l->gguf);
    if (!l->gguf) return tritx_fail(err, TRIT_OOM, 0, "no memory for the header");
    tritx_gguf_begin(l->gguf);
    const uint8_t *bytes = l->length;
    size_t n = sizeof l->length;
    return tritx_gguf_push(l->gguf, &bytes, &n, err);
}

/* A scale is the product of what a matrix says and of a tensor of its own, in whichever order. */
static void begin_scales(trit_loader *l)
{
    for (int i = 0; i < l->config.n_layer; i++)
        for (int s = TRIT_SLOT_LAYER_FIRST; s <= TRIT_SLOT_LAYER_LAST; s++) {
            const tritx_ternary *m = tritx_model_ternary(l->model, (tritx_slot)s, i);
            if (m) *m->scale = 1;
        }
}

static trit_status read_model(trit_loader *l, trit_error *err)
{
    tritx_gguf *g = l->gguf;
    TRIT_TRY(tritx_gguf_config(g, l->n_all_tensors, &l->config, &l->pairs_qk, err));
    l->config.site[TRIT_SITE_HEAD].weight =
        l->head == TRIT_HEAD_F16 ? TRIT_WEIGHT_F16 : TRIT_WEIGHT_INT8;
    TRIT_TRY(trit_config_validate(&l->config, err));
    TRIT_TRY(tritx_gguf_template(g, &l->config, &l->chat_template, err));
    TRIT_TRY(tritx_gguf_tokenizer(g, &l->tables, err));
    l->have_config = l->have_tokenizer = true;
    return TRIT_OK;
}

/* What only the first part says, once there is a model. */
static trit_status begin_first(trit_loader *l, trit_error *err)
{
    const tritx_gguf_pair *card = tritx_gguf_find(l->gguf, TRITX_CARD_KEY);
    begin_scales(l);
    if (!card || card->type != TRITX_GGUF_STRING) return TRIT_OK;
    return tritx_loader_card(l, (const char *)l->gguf->bytes + card->value, card->n, err);
}

trit_status tritx_loader_read_gguf(trit_loader *l, trit_error *err)
{
    tritx_gguf *g = l->gguf;
    TRIT_TRY(tritx_parts_read(l, err));
    if (l->part == 0) TRIT_TRY(read_model(l, err));
    l->tensors = g->tensors;
    l->n_tensors = g->n_tensors;
    g->tensors = NULL; /* they are the loader's now, their names stay */
    l->data = g->data;
    l->alignment = g->alignment;
    TRIT_TRY(tritx_loader_plan(l, err));
    if (l->part == 0) TRIT_TRY(begin_first(l, err));
    free(g->bytes);
    g->bytes = NULL;
    return TRIT_OK;
}

/* Which row of the file is row `row` of the matrix. llama.cpp's converter lets the two halves of a
 * head alternate, so that what rotates together are neighbours. */
static size_t row_in_file(const trit_loader *l, size_t row)
{
    if (!l->pairs_qk || (l->slot != TRIT_SLOT_Q && l->slot != TRIT_SLOT_K)) return row;
    size_t n = (size_t)l->config.head_dim, i = row % n;
    return row - i + i % (n / 2) * 2 + i / (n / 2);
}

static trit_status bad_row(const trit_loader *l, tritx_blocks what, size_t row, uint64_t offset,
                           trit_error *err)
{
    if (what == TRITX_BLOCKS_BAD_CODES)
        return tritx_fail(err, TRIT_BAD_CODES, offset, "tensor %.60s: row %zu has impossible codes",
                          tritx_loader_name(l), row);
    return tritx_fail(err, TRIT_BAD_SCALE, offset,
                      "tensor %.60s: row %zu has numbers other than 0 and one scale: not ternary",
                      tritx_loader_name(l), row);
}

static tritx_blocks i2_s_row(const trit_loader *l, uint8_t *codes, const uint8_t *matrix,
                             size_t row, size_t cols)
{
    if (l->i2_s == TRIT_I2_S_ROWS) return tritx_i2_s_rows_row(codes, matrix, row, cols);
    return tritx_i2_s_row(codes, matrix + row * (cols / 4), cols,
                          l->i2_s == TRIT_I2_S_64 ? 16 : 32);
}

trit_status tritx_loader_take_ternary(trit_loader *l, const tritx_ternary *m, const uint8_t *bytes,
                                      uint64_t offset, trit_error *err)
{
    size_t rows = (size_t)m->rows, cols = (size_t)m->cols, padded = trit_t2_cols(cols);
    tritx_dtype dtype = l->tensors[l->tensor].dtype;
    bool i2_s = dtype == TRIT_DTYPE_I2_S;
    size_t row_bytes = i2_s ? cols / 4 : l->row_bytes / rows;
    uint8_t *codes = l->lanes[0].codes;
    float scale = i2_s ? tritx_float(tritx_load_u32(bytes + rows * row_bytes)) : 0;
    if (i2_s && l->i2_s == TRIT_I2_S_ROWS && rows % 4)
        return tritx_fail(err, TRIT_BAD_TENSOR_SHAPE, offset,
                          "tensor %.60s: %zu rows cannot share bytes by four", tritx_loader_name(l),
                          rows);
    if (i2_s && !(scale > 0 && scale <= 3.4e38f))
        return tritx_fail(err, TRIT_BAD_SCALE, offset + rows * row_bytes,
                          "tensor %.60s: its scale is no positive finite number",
                          tritx_loader_name(l));
    for (size_t r = 0; r < rows; r++) {
        size_t from = row_in_file(l, r);
        uint8_t *out = codes + r % TRIT_T2_ROWS * padded;
        tritx_blocks found =
            i2_s ? i2_s_row(l, out, bytes, from, cols)
                 : tritx_ternary_row(out, &scale, bytes + from * row_bytes, cols, dtype);
        if (found != TRITX_BLOCKS_FINE)
            return bad_row(l, found, from, offset + from * row_bytes, err);
        if ((r + 1) % TRIT_T2_ROWS == 0 || r + 1 == rows)
            trit_t2_put(l->model->kernels.layout, m->codes, codes, r / TRIT_T2_ROWS * TRIT_T2_ROWS,
                        rows, cols);
    }
    l->model->is_i2_s |= i2_s;
    *m->scale *= scale;
    if (!(*m->scale <= 3.4e38f))
        return tritx_fail(err, TRIT_BAD_SCALE, offset, "tensor %.60s: its scale is not finite",
                          tritx_loader_name(l));
    return TRIT_OK;
}
