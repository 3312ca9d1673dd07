/* The decoder graph: pre-norm attention and gated FFN with BitLinear sites.
 * Source: BitNet b1.58 2B4T (arXiv 2504.12285, section 2); order of operations as in spec 7.2. */
#include <math.h>

#include "scalar.h"
#include "session.h"

/* Rows of a dispatch to threads: even, as gemv works on pairs of rows. */
enum { ROWS_A_GRAIN = 16 };

static int kv_dim(const trit_config *c) { return c->n_head_kv * c->head_dim; }

static int q_dim(const trit_config *c) { return c->n_head * c->head_dim; }

void tritx_decoder_embed(trit_session *s)
{
    const tritx_rows *e = &s->model->embed;
    for (int t = 0; t < s->n_slice; t++) {
        size_t row = (size_t)s->tokens[s->n_done + (size_t)t], cols = (size_t)e->cols;
        float *h = s->hidden + (size_t)t * cols;
        for (size_t k = 0; k < cols; k++)
            h[k] = e->f16 ? tritx_f32_of_f16(e->f16[row * cols + k])
                          : (float)e->i8[row * cols + k] * e->scale[row];
    }
}

/* ---- a step over tokens: norm (when gain is not NULL), then A8 quantisation ---- */

typedef struct {
    trit_session *s;
    const float *x, *gain;
    int n;
} quant_job;

static void quant_tokens(void *ctx, int begin, int end)
{
    const quant_job *j = ctx;
    trit_session *s = j->s;
    int n_pad = (int)trit_t2_cols((size_t)j->n);
    for (int t = begin; t < end; t++) {
        const float *x = j->x + (size_t)t * (size_t)j->n;
        float *normed = s->wide + (size_t)t * (size_t)s->n_wide;
        if (j->gain) {
            s->kernels->rms_norm(normed, x, j->gain, j->n, s->model->config.norm_eps);
            x = normed;
        }
        s->quant_scale[t] = s->kernels->quant_a8(s->quant + (size_t)t * (size_t)n_pad,
                                                 &s->quant_sum[t], x, j->n, n_pad);
    }
}

/* x [n_slice][n] -> quant, quant_sum, quant_scale. */
static trit_status quantise(trit_session *s, const float *x, const float *gain, int n, int layer,
                            trit_site site, trit_error *err)
{
    quant_job job = {s, x, gain, n};
    tritx_parallel_for(s->pool, quant_tokens, &job, s->n_slice, 1);
    for (int t = 0; t < s->n_slice; t++) {
        if (isnan(s->quant_scale[t]))
            return tritx_fail(err, TRIT_NUMERIC, 0, "layer %d: an activation is not finite", layer);
        if (s->trace)
            s->trace(s->trace_ctx, layer, site, s->n_done + (size_t)t,
                     s->quant + (size_t)t * trit_t2_cols((size_t)n), n, s->quant_scale[t]);
    }
    return TRIT_OK;
}

/* ---- a step over rows: up to three matrices that share the quantised input ---- */

typedef struct {
    trit_session *s;
    const tritx_ternary *w[3];
    int n_w;
    float *y; /* [n_slice][sum of rows], the matrices' rows behind each other */
    int n_rows;
} linear_job;

static void linear_rows(void *ctx, int begin, int end)
{
    const linear_job *j = ctx;
    const trit_session *s = j->s;
    for (int i = 0, first = 0; i < j->n_w; first += j->w[i++]->rows) {
        const tritx_ternary *w = j->w[i];
        int from = begin > first ? begin - first : 0,
            to = end - first < w->rows ? end - first : w->rows;
        if (from >= to) continue;
        if (s->n_slice == 1)
            s->kernels->gemv_t2_a8(j->y + first, w->codes, s->quant, s->quant_sum[0],
                                   s->quant_scale[0], *w->scale, from, to, w->cols);
        else
            s->kernels->gemm_t2_a8(j->y + first, (size_t)j->n_rows, w->codes, s->quant,
                                   s->quant_sum, s->quant_scale, *w->scale, s->n_slice, from, to,
                                   w->cols);
    }
}

static void linear(trit_session *s, float *y, const tritx_ternary *a, const tritx_ternary *b,
                   const tritx_ternary *c)
{
    linear_job job = {.s = s, .w = {a, b, c}, .n_w = c ? 3 : b ? 2 : 1, .y = y};
    for (int i = 0; i < job.n_w; i++) job.n_rows += job.w[i]->rows;
    tritx_parallel_for(s->pool, linear_rows, &job, job.n_rows, ROWS_A_GRAIN);
}

/* ---- attention ---- */

typedef struct {
    trit_session *s;
    int layer;
} layer_job;

static void store_kv(trit_session *s, void *cache, float *scales, int layer, size_t position,
                     const float *x)
{
    const trit_config *c = &s->model->config;
    size_t n = (size_t)kv_dim(c), row = (size_t)layer * (size_t)s->params.n_ctx + position;
    switch (s->params.kv) {
    case TRIT_KV_F32: memcpy((float *)cache + row * n, x, n * sizeof(float)); break;
    case TRIT_KV_F16:
        for (size_t i = 0; i < n; i++) ((uint16_t *)cache)[row * n + i] = tritx_f16_of_f32(x[i]);
        break;
    case TRIT_KV_INT8:
        for (int h = 0; h < c->n_head_kv; h++) {
            int32_t sum;
            size_t at = row * n + (size_t)h * (size_t)c->head_dim;
            float scale =
                s->kernels->quant_a8((int8_t *)cache + at, &sum,
                                     x + (size_t)h * (size_t)c->head_dim, c->head_dim, c->head_dim);
            scales[row * (size_t)c->n_head_kv + (size_t)h] = 1.0f / scale;
        }
        break;
    }
}

static void rotate_and_store(void *ctx, int begin, int end)
{
    const layer_job *j = ctx;
    trit_session *s = j->s;
    const trit_config *c = &s->model->config;
    for (int t = begin; t < end; t++) {
        size_t position = s->n_done + (size_t)t;
        float *q = s->qkv + (size_t)t * (size_t)(q_dim(c) + 2 * kv_dim(c));
        const float *cos = s->rope_cos + position * (size_t)(c->head_dim / 2),
                    *sin = s->rope_sin + position * (size_t)(c->head_dim / 2);
        s->kernels->rope(q, cos, sin, c->n_head + c->n_head_kv,
                         c->head_dim); /* K follows Q in memory */
        store_kv(s, s->k, s->k_scale, j->layer, position, q + q_dim(c));
        store_kv(s, s->v, s->v_scale, j->layer, position, q + q_dim(c) + kv_dim(c));
    }
}

/* index = token * n_head + head */
static void attend(void *ctx, int begin, int end)
{
    const layer_job *j = ctx;
    trit_session *s = j->s;
    const trit_config *c = &s->model->config;
    int n = c->head_dim;
    size_t stride = (size_t)kv_dim(c), heads = (size_t)c->n_head_kv,
           row = (size_t)j->layer * (size_t)s->params.n_ctx;
    float scale = 1.0f / sqrtf((float)n);
    for (int i = begin; i < end; i++) {
        int t = i / c->n_head, h = i % c->n_head, kv_head = h / (c->n_head / c->n_head_kv);
        int n_kv = (int)s->n_done + t + 1;
        size_t at = row * stride + (size_t)kv_head * (size_t)n,
               scale_at = row * heads + (size_t)kv_head;
        const float *q =
            s->qkv + (size_t)t * (size_t)(q_dim(c) + 2 * kv_dim(c)) + (size_t)h * (size_t)n;
        float *y = s->wide + (size_t)t * (size_t)q_dim(c) + (size_t)h * (size_t)n;
        float *score = s->score + (size_t)i * (size_t)s->params.n_ctx;
        switch (s->params.kv) {
        case TRIT_KV_F32:
            s->kernels->attention_f32(y, score, q, (const float *)s->k + at,
                                      (const float *)s->v + at, stride, n_kv, n, scale);
            break;
        case TRIT_KV_F16:
            s->kernels->attention_f16(y, score, q, (const uint16_t *)s->k + at,
                                      (const uint16_t *)s->v + at, stride, n_kv, n, scale);
            break;
        case TRIT_KV_INT8:
            s->kernels->attention_i8(y, score, q, (const int8_t *)s->k + at,
                                     (const int8_t *)s->v + at, stride, s->k_scale + scale_at,
                                     s->v_scale + scale_at, heads, n_kv, n, scale);
            break;
        }
    }
}

/* ---- FFN ---- */

static void glu_tokens(void *ctx, int begin, int end)
{
    trit_session *s = ctx;
    const trit_config *c = &s->model->config;
    for (int t = begin; t < end; t++) {
        const float *gate = s->gate_up + (size_t)t * 2 * (size_t)c->ffn_dim;
        float *y = s->wide + (size_t)t * (size_t)c->ffn_dim;
        switch ((trit_ffn)c->ffn) {
        case TRIT_FFN_GLU_SILU: s->kernels->glu_silu(y, gate, gate + c->ffn_dim, c->ffn_dim); break;
        case TRIT_FFN_GLU_RELU2:
            s->kernels->glu_relu2(y, gate, gate + c->ffn_dim, c->ffn_dim);
            break;
        case TRIT_FFN_MLP_GELU: break; /* refused by trit_config_validate */
        }
    }
}

trit_status tritx_decoder_layer(trit_session *s, int layer, trit_error *err)
{
    const trit_config *c = &s->model->config;
    const tritx_layer *w = &s->model->layers[layer];
    layer_job job = {s, layer};
    int n_hidden = s->n_slice * c->dim;

    TRIT_TRY(quantise(s, s->hidden, w->attn_norm, c->dim, layer, TRIT_SITE_QKV, err));
    linear(s, s->qkv, &w->q, &w->k, &w->v);
    tritx_parallel_for(s->pool, rotate_and_store, &job, s->n_slice, 1);
    tritx_parallel_for(s->pool, attend, &job, s->n_slice * c->n_head, 1);
    /* the norm's output may not overlap its input, which stands in `wide`: gate_up is free now */
    memcpy(s->gate_up, s->wide, (size_t)s->n_slice * (size_t)q_dim(c) * sizeof(float));
    TRIT_TRY(quantise(s, s->gate_up, w->attn_sub_norm, q_dim(c), layer, TRIT_SITE_O, err));
    linear(s, s->update, &w->o, NULL, NULL);
    s->kernels->add(s->hidden, s->update, n_hidden);

    TRIT_TRY(quantise(s, s->hidden, w->ffn_norm, c->dim, layer, TRIT_SITE_GATE_UP, err));
    linear(s, s->gate_up, &w->gate, &w->up, NULL);
    tritx_parallel_for(s->pool, glu_tokens, s, s->n_slice, 1);
    memcpy(s->gate_up, s->wide, (size_t)s->n_slice * (size_t)c->ffn_dim * sizeof(float));
    TRIT_TRY(quantise(s, s->gate_up, w->ffn_sub_norm, c->ffn_dim, layer, TRIT_SITE_DOWN, err));
    linear(s, s->update, &w->down, NULL, NULL);
    s->kernels->add(s->hidden, s->update, n_hidden);
    return TRIT_OK;
}

/* ---- head ---- */

typedef struct {
    trit_session *s;
    const tritx_rows *rows;
    float scale;
} head_job;

static void head_rows(void *ctx, int begin, int end)
{
    const head_job *j = ctx;
    const trit_session *s = j->s;
    const tritx_rows *r = j->rows;
    if (r->f16) s->kernels->head_f16(s->logits, r->f16, s->wide, begin, end, r->cols);
    else
        s->kernels->head_i8_h14(s->logits, r->i8, r->scale, r->sum, s->head_high, s->head_low,
                                j->scale, begin, end, r->cols);
}

trit_status tritx_decoder_head(trit_session *s, int t, trit_error *err)
{
    const trit_config *c = &s->model->config;
    head_job job = {.s = s, .rows = tritx_model_head(s->model)};
    s->kernels->rms_norm(s->wide, s->hidden + (size_t)t * (size_t)c->dim, s->model->norm, c->dim,
                         c->norm_eps);
    job.scale = s->kernels->quant_h14(s->head_high, s->head_low, s->wide, c->dim, c->dim);
    if (isnan(job.scale))
        return tritx_fail(err, TRIT_NUMERIC, 0, "the last hidden state is not finite");
    tritx_parallel_for(s->pool, head_rows, &job, c->n_vocab, ROWS_A_GRAIN);
    return TRIT_OK;
}
