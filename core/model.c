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

trit_status tritx_model_plan(const trit_config *config, const char *kernels, trit_model **model,
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
    /* Nothing is NULL but what this model has not. */
    tritx_cutter plan = {.base = TRIT_ARENA_ALIGNMENT};
    if (m->layers) cut_model(&plan, m);
    if (!m->layers || !m->card || plan.overflow) {
        trit_model_free(m);
        return tritx_fail(err, TRIT_OOM, 0, "no memory for the model's weights");
    }
    m->n_bytes = plan.used + (size_t)config->n_layer * sizeof *m->layers;
    *model = m;
    return TRIT_OK;
}

trit_status tritx_model_allocate(trit_model *m, trit_error *err)
{
    tritx_cutter measure = {0};
    cut_model(&measure, m);
    if (!measure.overflow) m->arena = aligned_alloc(TRIT_ARENA_ALIGNMENT, measure.used);
    if (!m->arena)
        return tritx_fail(err, TRIT_OOM, 0, "no memory for the model's weights, %zu MB",
                          measure.used / 1000000);
    tritx_cutter c = {.base = (uintptr_t)m->arena};
    cut_model(&c, m);
    m->n_bytes = measure.used + (size_t)m->config.n_layer * sizeof *m->layers;
    return TRIT_OK;
}

trit_status tritx_model_new(const trit_config *config, const char *kernels, trit_model **model,
                            trit_error *err)
{
    trit_model *m = NULL;
    TRIT_TRY(tritx_model_plan(config, kernels, &m, err));
    trit_status status = tritx_model_allocate(m, err);
    if (status == TRIT_OK) *model = m;
    else trit_model_free(m);
    return status;
}

void trit_model_free(trit_model *m)
{
    if (!m) return;
    tritx_vocabulary_free(&m->vocabulary);
    tritx_tokenizer_free(m->tokenizer);
    free(m->card);
    free(m->chat_template);
    free(m->arena);
    free(m->layers);
    free(m);
}

const trit_config *trit_model_config(const trit_model *m) { return &m->config; }

bool trit_model_is_i2_s(const trit_model *model) { return model && model->is_i2_s; }

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
