#include "model.h"

#include <stdlib.h>

#include "arena.h"
#include "kernels.h"
#include "tune.h"

static void cut_ternary(tritx_cutter *c, tritx_ternary *t, int rows, int cols)
{
    t->rows = rows;
    t->cols = cols;
    t->codes = tritx_cut(c, trit_t2_bytes((size_t)rows, (size_t)cols), 1, 1);
    t->scale = tritx_cut(c, 1, 1, sizeof(float));
}

static void cut_rows(tritx_cutter *c, tritx_rows *r, int rows, int cols, uint8_t weight)
{
    r->rows = rows;
    r->cols = cols;
    if (weight == TRIT_WEIGHT_F16) {
        r->f16 = tritx_cut(c, (size_t)rows, (size_t)cols, sizeof(uint16_t));
        return;
    }
    r->i8 = tritx_cut(c, tritx_round_up((size_t)rows, 2), (size_t)cols, 1);
    r->scale = tritx_cut(c, (size_t)rows, 1, sizeof(float));
    r->sum = tritx_cut(c, (size_t)rows, 1, sizeof(int32_t));
}

static void cut_model(tritx_cutter *c, trit_model *m)
{
    const trit_config *g = &m->config;
    int q = g->n_head * g->head_dim, kv = g->n_head_kv * g->head_dim;
    cut_rows(c, &m->embed, g->n_vocab, g->dim, g->site[TRIT_SITE_HEAD].weight);
    for (int i = 0; i < g->n_layer; i++) {
        tritx_layer *l = &m->layers[i];
        l->attn_norm = tritx_cut(c, (size_t)g->dim, 1, sizeof(float));
        cut_ternary(c, &l->q, q, g->dim);
        cut_ternary(c, &l->k, kv, g->dim);
        cut_ternary(c, &l->v, kv, g->dim);
        if (g->site[TRIT_SITE_O].norm == TRIT_NORM_RMS)
            l->attn_sub_norm = tritx_cut(c, (size_t)q, 1, sizeof(float));
        cut_ternary(c, &l->o, g->dim, q);
        l->ffn_norm = tritx_cut(c, (size_t)g->dim, 1, sizeof(float));
        cut_ternary(c, &l->gate, g->ffn_dim, g->dim);
        cut_ternary(c, &l->up, g->ffn_dim, g->dim);
        if (g->site[TRIT_SITE_DOWN].norm == TRIT_NORM_RMS)
            l->ffn_sub_norm = tritx_cut(c, (size_t)g->ffn_dim, 1, sizeof(float));
        cut_ternary(c, &l->down, g->dim, g->ffn_dim);
    }
    m->norm = tritx_cut(c, (size_t)g->dim, 1, sizeof(float));
    if (!g->tied_head) cut_rows(c, &m->head, g->n_vocab, g->dim, g->site[TRIT_SITE_HEAD].weight);
}

trit_status tritx_model_new(const trit_config *config, const char *kernels, trit_model **model,
                            trit_error *err)
{
    TRIT_TRY(trit_config_validate(config, err));
    trit_model *m = calloc(1, sizeof *m);
    if (!m) return tritx_fail(err, TRIT_OOM, 0, "no memory for a model");
    m->config = *config;
    if (!tritx_kernels_choose(kernels, &m->kernels)) {
        free(m);
        return tritx_fail(err, TRIT_PARAM, 0, "this build has no kernels \"%.100s\"", kernels);
    }
    m->layers = calloc((size_t)config->n_layer, sizeof *m->layers);
    m->card = calloc(1, 1);
    if (!m->layers || !m->card) goto fail;
    tritx_cutter measure = {0};
    cut_model(&measure, m);
    if (measure.overflow) goto fail;
    m->arena = aligned_alloc(TRIT_ARENA_ALIGNMENT, measure.used);
    if (!m->arena) goto fail;
    tritx_cutter c = {.base = (uintptr_t)m->arena};
    cut_model(&c, m);
    m->n_bytes = measure.used + (size_t)config->n_layer * sizeof *m->layers;
    *model = m;
    return TRIT_OK;
fail:
    trit_model_free(m);
    return tritx_fail(err, TRIT_OOM, 0, "no memory for the model's weights");
}

void trit_model_free(trit_model *m)
{
    if (!m) return;
    tritx_tokenizer_free(m->tokenizer);
    free(m->card);
    free(m->arena);
    free(m->layers);
    free(m);
}

const trit_config *trit_model_config(const trit_model *m) { return &m->config; }

size_t trit_model_bytes(const trit_model *m) { return m->n_bytes; }

const char *trit_model_card(const trit_model *m) { return m->card; }

tritx_ternary *tritx_model_ternary(trit_model *m, tritx_slot slot, int layer)
{
    tritx_layer *l = &m->layers[layer];
    switch (slot) {
    case TRIT_SLOT_Q: return &l->q;
    case TRIT_SLOT_K: return &l->k;
    case TRIT_SLOT_V: return &l->v;
    case TRIT_SLOT_O: return &l->o;
    case TRIT_SLOT_GATE: return &l->gate;
    case TRIT_SLOT_UP: return &l->up;
    case TRIT_SLOT_DOWN: return &l->down;
    default: return NULL;
    }
}

float *tritx_model_floats(trit_model *m, tritx_slot slot, int layer, size_t *n)
{
    const trit_config *g = &m->config;
    tritx_layer *l = &m->layers[layer];
    *n = (size_t)g->dim;
    switch (slot) {
    case TRIT_SLOT_ATTN_NORM: return l->attn_norm;
    case TRIT_SLOT_FFN_NORM: return l->ffn_norm;
    case TRIT_SLOT_NORM: return m->norm;
    case TRIT_SLOT_ATTN_SUB_NORM:
        *n = (size_t)g->n_head * (size_t)g->head_dim;
        return l->attn_sub_norm;
    case TRIT_SLOT_FFN_SUB_NORM: *n = (size_t)g->ffn_dim; return l->ffn_sub_norm;
    case TRIT_SLOT_EMBED_SCALE: *n = (size_t)g->n_vocab; return m->embed.scale;
    case TRIT_SLOT_HEAD_SCALE: *n = (size_t)g->n_vocab; return m->head.scale;
    default: break;
    }
    *n = 1;
    /* in the list of slots a matrix is followed by its scale */
    const tritx_ternary *t =
        tritx_slot_in_layer(slot) ? tritx_model_ternary(m, (tritx_slot)(slot - 1), layer) : NULL;
    return t ? t->scale : NULL;
}

tritx_rows *tritx_model_rows(trit_model *m, tritx_slot slot)
{
    if (slot == TRIT_SLOT_EMBED) return &m->embed;
    return slot == TRIT_SLOT_HEAD && !m->config.tied_head ? &m->head : NULL;
}

const tritx_rows *tritx_model_head(const trit_model *m)
{
    return m->config.tied_head ? &m->embed : &m->head;
}

/* One token a byte and one merge, so that a synthetic model can be packed and given text; the other
 * ids are empty. */
static trit_status add_byte_tokenizer(trit_model *m, trit_error *err)
{
    size_t n = (size_t)m->config.n_vocab;
    tritx_tokenizer_tables t = {.n_vocab = m->config.n_vocab, .n_token_bytes = 258, .n_merges = 1};
    t.token_ends = malloc(n * sizeof *t.token_ends);
    t.token_bytes = malloc(258);
    t.token_special = malloc(n);
    t.merges = malloc(3 * sizeof *t.merges);
    trit_status status = TRIT_OOM;
    if (t.token_ends && t.token_bytes && t.token_special && t.merges) {
        for (size_t i = 0; i < n; i++) {
            t.token_ends[i] = (uint32_t)(i < 256 ? i + 1 : 258);
            t.token_special[i] = i > 256;
            if (i < 256) t.token_bytes[i] = (uint8_t)i;
        }
        memcpy(t.token_bytes + 256, "th", 2);
        t.merges[0] = 't', t.merges[1] = 'h', t.merges[2] = 256;
        status = tritx_tokenizer_new(&t, &m->tokenizer, err);
    } else tritx_fail(err, TRIT_OOM, 0, "no memory for a tokenizer");
    if (status != TRIT_OK) tritx_tokenizer_tables_free(&t);
    return status;
}

static uint32_t draw(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 32);
}

static trit_status random_codes(const trit_model *m, const tritx_ternary *t, uint64_t *state,
                                trit_error *err)
{
    size_t rows = (size_t)t->rows, cols = (size_t)t->cols, padded = trit_t2_cols(cols);
    uint8_t *codes = malloc(TRIT_T2_ROWS * padded);
    if (!codes) return tritx_fail(err, TRIT_OOM, 0, "no memory for random weights");
    for (size_t row = 0; row < rows; row += TRIT_T2_ROWS) {
        uint32_t bits = 0;
        for (size_t k = 0; k < TRIT_T2_ROWS * padded; k++, bits >>= 8) {
            if (k % 4 == 0) bits = draw(state);
            codes[k] = (uint8_t)((bits & 255) * 3 >> 8);
        }
        trit_t2_put(m->kernels.layout, t->codes, codes, row, rows, cols);
    }
    free(codes);
    return TRIT_OK;
}

static void random_rows(tritx_rows *r, uint64_t *state)
{
    size_t rows = (size_t)r->rows, cols = (size_t)r->cols;
    for (size_t k = 0; r->f16 && k < rows * cols; k++)
        r->f16[k] = (uint16_t)((draw(state) & 0x83ff) | 0x3400);
    for (size_t row = 0; r->i8 && row < rows; row++) {
        uint32_t bits = 0;
        r->scale[row] = 0.01f;
        r->sum[row] = 0;
        for (size_t k = 0; k < cols; k++, bits >>= 8) {
            if (k % 4 == 0) bits = draw(state);
            int8_t code = (int8_t)((int)(bits & 255) * 255 / 256 - 127);
            r->i8[trit_i8_offset(row, k, cols)] = code;
            r->sum[row] += code;
        }
    }
}

trit_status trit_model_synthetic(const trit_config *config, uint64_t seed, const char *kernels,
                                 trit_model **model, trit_error *err)
{
    trit_model *m;
    if (!model) return tritx_fail(err, TRIT_PARAM, 0, "model is NULL");
    TRIT_TRY(tritx_model_new(config, kernels, &m, err));
    uint64_t state = seed;
    trit_status status = TRIT_OK;
    for (int i = 0; i < config->n_layer; i++)
        for (int s = TRIT_SLOT_LAYER_FIRST; s <= TRIT_SLOT_LAYER_LAST; s++) {
            size_t n = 0;
            const tritx_ternary *t = tritx_model_ternary(m, (tritx_slot)s, i);
            float *x = t ? NULL : tritx_model_floats(m, (tritx_slot)s, i, &n);
            for (size_t k = 0; x && k < n; k++) x[k] = n == 1 ? 0.05f : 1.0f;
            if (t && status == TRIT_OK) status = random_codes(m, t, &state, err);
        }
    for (int32_t i = 0; i < config->dim; i++) m->norm[i] = 1.0f;
    random_rows(&m->embed, &state);
    if (!config->tied_head) random_rows(&m->head, &state);
    if (status == TRIT_OK && config->n_vocab > 256) status = add_byte_tokenizer(m, err);
    if (status != TRIT_OK) {
        trit_model_free(m);
        return status;
    }
    *model = m;
    return TRIT_OK;
}
