/* The decoder graph: pre-norm attention and gated FFN with BitLinear sites.
 * Source: BitNet b1.58 2B4T (arXiv 2504.12285, section 2); order of operations as in its reference implementation. */
#include <math.h>

#include "scalar.h"
#include "session.h"

/* Head rows come in pairs, and threads get them in grains. */
enum { ROWS_A_GRAIN = 16 };

/* Units of a matrix that each thread gets, or more: tiles are not all of a size. */
enum { UNITS_A_THREAD = 3 };

/* From here on f16 rounds to infinity. */
static const float F16_LIMIT = 65520.0f;

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
                          : (float)e->i8[trit_i8_offset(row, k, cols)] * e->scale[row];
    }
}

/* ---- a step over tokens: norm (when gain is not NULL), then A8 quantisation ---- */

typedef struct {
    trit_session *s;
    const float *x, *gain;
    float *normed;
    int n;
} quant_job;

static void quant_tokens(void *ctx, int begin, int end)
{
    const quant_job *j = ctx;
    trit_session *s = j->s;
    int n_pad = (int)trit_t2_cols((size_t)j->n);
    for (int t = begin; t < end; t++) {
        const float *x = j->x + (size_t)t * (size_t)j->n;
        if (j->gain) {
            float *normed = j->normed + (size_t)t * (size_t)j->n;
            s->kernels->rms_norm(normed, x, j->gain, j->n, s->model->config.norm_eps);
            x = normed;
        }
        s->quant_scale[t] = s->kernels->quant_a8(s->quant + (size_t)t * (size_t)n_pad,
                                                 &s->quant_sum[t], x, j->n, n_pad);
    }
}

/* x [n_slice][n] -> quant, quant_sum, quant_scale; scratch [n_slice][n] may not overlap x. */
static trit_status quantise(trit_session *s, const float *x, float *scratch, const float *gain,
                            int n, int layer, trit_site site, trit_error *err)
{
    quant_job job = {s, x, gain, scratch, n};
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
    float *y; /* [n_slice][n_rows], the matrices' rows behind each other */
    int n_rows;
    int unit_rows,
        n_parts; /* what one thread computes in one go: rows, and a part of the columns */
} linear_job;

/* Parts of a tile's rows are read from memory at half the speed of the whole; columns lie behind each other. */
static int unit_rows(const trit_session *s)
{
    return s->n_slice == 1 && s->kernels->layout == TRIT_LAYOUT_TILES ? TRIT_TILE_ROWS
                                                                      : TRIT_T2_ROWS;
}

/* In units of rows. */
static int n_tiles(const linear_job *j, const tritx_ternary *w)
{
    return (w->rows - 1) / j->unit_rows + 1;
}

/* Enough parts for each thread to get some units, as tiles are not all of a size. */
static int n_parts(const linear_job *j, int n_units)
{
    int wanted = UNITS_A_THREAD * tritx_pool_threads(j->s->pool), n = (wanted - 1) / n_units + 1,
        most = (int)trit_t2_cols((size_t)j->w[0]->cols) / TRIT_T2_COLS;
    if (j->unit_rows == TRIT_T2_ROWS || wanted == UNITS_A_THREAD) return 1;
    if (most > TRITX_PARTS_MAX) most = TRITX_PARTS_MAX;
    return n < most ? n : most;
}

/* Where part p of the columns begins. */
static int part_begin(const linear_job *j, int p)
{
    int cols = j->w[0]->cols, blocks = (int)trit_t2_cols((size_t)cols) / TRIT_T2_COLS;
    return p == j->n_parts ? cols : blocks * p / j->n_parts * TRIT_T2_COLS;
}

/* Ranges of units: tiles of all matrices behind each other, each in its parts. */
static void sum_units(void *ctx, int begin, int end)
{
    const linear_job *j = ctx;
    const trit_session *s = j->s;
    for (int unit = begin; unit < end; unit++) {
        int tile = unit / j->n_parts, part = unit % j->n_parts, first_row = 0, i = 0;
        for (; tile >= n_tiles(j, j->w[i]); first_row += j->w[i++]->rows)
            tile -= n_tiles(j, j->w[i]);
        const tritx_ternary *w = j->w[i];
        int from = tile * j->unit_rows, to = from + j->unit_rows;
        s->kernels->gemv_t2_a8(s->sums + (size_t)part * (size_t)j->n_rows + (size_t)first_row,
                               w->codes, s->quant, s->lut, from, to < w->rows ? to : w->rows,
                               w->rows, part_begin(j, part), part_begin(j, part + 1), w->cols);
    }
}

/* The sums of one token, all rows. */
static void scale_sums(const linear_job *j)
{
    const trit_session *s = j->s;
    for (int i = 0, first_row = 0; i < j->n_w; first_row += j->w[i++]->rows)
        s->kernels->scale_sums(j->y + first_row, s->sums + first_row, j->n_parts, (size_t)j->n_rows,
                               s->quant_scale[0], *j->w[i]->scale, j->w[i]->rows);
}

/* The products of many tokens, by units of rows of all matrices behind each other. */
static void product_units(void *ctx, int begin, int end)
{
    const linear_job *j = ctx;
    const trit_session *s = j->s;
    int first_row = 0, first_unit = 0;
    for (int i = 0; i < j->n_w; first_row += j->w[i]->rows, first_unit += n_tiles(j, j->w[i++])) {
        const tritx_ternary *w = j->w[i];
        int from = begin > first_unit ? (begin - first_unit) * j->unit_rows : 0,
            to = (end - first_unit) * j->unit_rows;
        if (to > w->rows) to = w->rows;
        if (from >= to) continue;
        s->kernels->gemm_t2_a8(j->y + first_row, (size_t)j->n_rows, w->codes, s->quant,
                               s->quant_sum, s->quant_scale, *w->scale, s->n_slice, from, to,
                               w->rows, w->cols);
    }
}

static void linear(trit_session *s, float *y, const tritx_ternary *a, const tritx_ternary *b,
                   const tritx_ternary *c)
{
    linear_job job = {.s = s,
                      .w = {a, b, c},
                      .n_w = c   ? 3
                             : b ? 2
                                 : 1,
                      .y = y,
                      .unit_rows = unit_rows(s)};
    int n = 0;
    for (int i = 0; i < job.n_w; i++) {
        job.n_rows += job.w[i]->rows;
        n += n_tiles(&job, job.w[i]);
    }
    if (s->n_slice > 1) {
        tritx_parallel_for(s->pool, product_units, &job, n, 1);
        return;
    }
    job.n_parts = n_parts(&job, n);
    s->kernels->lut_t2(s->lut, s->quant, a->cols);
    tritx_parallel_for(s->pool, sum_units, &job, n * job.n_parts, 1);
    scale_sums(&job);
}

/* ---- a step over the rows of `up` that a squared ReLU leaves, of one token ---- */

typedef struct {
    trit_session *s;
    const tritx_ternary *w;
    float *y;
} rows_job;

static void listed_rows(void *ctx, int begin, int end)
{
    const rows_job *j = ctx;
    const trit_session *s = j->s;
    s->kernels->gemv_rows_t2_a8(j->y, j->w->codes, s->quant, s->quant_sum[0], s->quant_scale[0],
                                *j->w->scale, s->rows + begin, end - begin, j->w->cols);
}

static double clock_ms(const trit_session *s) { return s->now ? s->now(s->now_ctx) : 0; }

/* gate, then of up only the rows that are not multiplied by 0. */
static void gate_then_up(trit_session *s, const tritx_ternary *gate, const tritx_ternary *up)
{
    rows_job job = {s, up, s->gate_up + gate->rows};
    double begin = clock_ms(s);
    linear(s, s->gate_up, gate, NULL, NULL);
    double middle = clock_ms(s);
    int n = tritx_skip_list(s->rows, s->gate_up, gate->rows);
    bool skip = tritx_skip_pays(&s->skip_costs, n, up->rows);
    if (skip) tritx_parallel_for(s->pool, listed_rows, &job, n, ROWS_A_GRAIN);
    else linear(s, job.y, up, NULL, NULL);
    tritx_skip_learn(&s->skip_costs, up->rows, middle - begin, skip ? n : 0, clock_ms(s) - middle);
}

/* ---- attention ---- */

typedef struct {
    trit_session *s;
    int layer;
    int n_group; /* query heads that are computed together */
} attention_job;

/* Where this position of a KV head is in a cache, in elements, or heads when n is 1. */
static size_t kv_at(const trit_session *s, int layer, int kv_head, size_t position, int n)
{
    size_t head = (size_t)layer * (size_t)s->model->config.n_head_kv + (size_t)kv_head;
    return (head * (size_t)s->params.n_ctx + position) * (size_t)n;
}

/* x [head_dim]; false when an element does not fit the cache's type. */
static bool store_head(trit_session *s, void *cache, float *scales, int layer, int kv_head,
                       size_t position, const float *x)
{
    int n = s->model->config.head_dim;
    size_t at = kv_at(s, layer, kv_head, position, n);
    bool fits = true;
    int32_t sum;
    switch (s->params.kv) {
    case TRIT_KV_F32: memcpy((float *)cache + at, x, (size_t)n * sizeof(float)); break;
    case TRIT_KV_F16:
        for (int i = 0; i < n; i++) {
            ((uint16_t *)cache)[at + (size_t)i] = tritx_f16_of_f32(x[i]);
            fits &= fabsf(x[i]) < F16_LIMIT;
        }
        break;
    case TRIT_KV_INT8:
        scales[kv_at(s, layer, kv_head, position, 1)] =
            1.0f / s->kernels->quant_a8((int8_t *)cache + at, &sum, x, n, n);
        break;
    }
    return fits;
}

/* x: all KV heads' keys, then their values. */
static bool store_kv(trit_session *s, int layer, size_t position, const float *x)
{
    const trit_config *c = &s->model->config;
    bool fits = true;
    for (int h = 0; h < c->n_head_kv; h++) {
        const float *k = x + (size_t)(h * c->head_dim), *v = k + kv_dim(c);
        fits &= store_head(s, s->k, s->k_scale, layer, h, position, k);
        fits &= store_head(s, s->v, s->v_scale, layer, h, position, v);
    }
    return fits;
}

static void rotate_and_store(void *ctx, int begin, int end)
{
    const attention_job *j = ctx;
    trit_session *s = j->s;
    const trit_config *c = &s->model->config;
    for (int t = begin; t < end; t++) {
        size_t position = s->n_done + (size_t)t;
        float *q = s->qkv + (size_t)t * (size_t)(q_dim(c) + 2 * kv_dim(c));
        const float *cos = s->rope_cos + position * (size_t)(c->head_dim / 2),
                    *sin = s->rope_sin + position * (size_t)(c->head_dim / 2);
        s->kernels->rope(q, cos, sin, c->n_head + c->n_head_kv,
                         c->head_dim); /* K follows Q in memory */
        s->kv_fits[t] = store_kv(s, j->layer, position, q + q_dim(c));
    }
}

static trit_status fill_kv_cache(trit_session *s, attention_job *job, trit_error *err)
{
    tritx_parallel_for(s->pool, rotate_and_store, job, s->n_slice, 1);
    for (int t = 0; t < s->n_slice; t++)
        if (!s->kv_fits[t])
            return tritx_fail(err, TRIT_NUMERIC, 0,
                              "layer %d: a key or value does not fit f16: use kv f32", job->layer);
    return TRIT_OK;
}

static trit_kv_view kv_view(const trit_session *s, int layer, int kv_head)
{
    size_t at = kv_at(s, layer, kv_head, 0, s->model->config.head_dim),
           row = kv_at(s, layer, kv_head, 0, 1);
    switch (s->params.kv) {
    case TRIT_KV_F32:
        return (trit_kv_view){.element = TRIT_KV_ELEMENT_F32,
                              .k = (const float *)s->k + at,
                              .v = (const float *)s->v + at};
    case TRIT_KV_F16:
        return (trit_kv_view){.element = TRIT_KV_ELEMENT_F16,
                              .k = (const uint16_t *)s->k + at,
                              .v = (const uint16_t *)s->v + at};
    case TRIT_KV_INT8: break;
    }
    return (trit_kv_view){.element = TRIT_KV_ELEMENT_I8,
                          .k = (const int8_t *)s->k + at,
                          .v = (const int8_t *)s->v + at,
                          .k_scale = s->k_scale + row,
                          .v_scale = s->v_scale + row};
}

/* Lane l does the pieces l, l + TRITX_ATTENTION_LANES ...; piece = token * groups + group of query
 * heads; output to gate_up */
static void attend(void *ctx, int begin, int end)
{
    const attention_job *j = ctx;
    trit_session *s = j->s;
    const trit_config *c = &s->model->config;
    int n = c->head_dim, n_groups = c->n_head / j->n_group, row = q_dim(c) + 2 * kv_dim(c),
        n_shared = c->n_head / c->n_head_kv;
    float scale = 1.0f / sqrtf((float)n);
    for (int lane = begin; lane < end; lane++) {
        float *score = s->score + (size_t)(lane * n_shared) * (size_t)s->params.n_ctx;
        for (int i = lane; i < s->n_slice * n_groups; i += TRITX_ATTENTION_LANES) {
            int t = i / n_groups, head = i % n_groups * j->n_group;
            trit_kv_view kv = kv_view(s, j->layer, head / n_shared);
            s->kernels->attention(s->gate_up + (size_t)t * (size_t)q_dim(c) + (size_t)(head * n),
                                  score, s->qkv + (size_t)t * (size_t)row + (size_t)(head * n),
                                  j->n_group, &kv, (int)s->n_done + t + 1, n, scale);
        }
    }
}

/* Query heads of one KV head are computed together; for a single token in two parts when there are
 * threads, so that they get even shares. */
static int group_size(const trit_session *s)
{
    int n = s->model->config.n_head / s->model->config.n_head_kv;
    return s->n_slice == 1 && n % 2 == 0 && tritx_pool_threads(s->pool) > 1 ? n / 2 : n;
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

trit_status tritx_decoder_attention(trit_session *s, int layer, trit_error *err)
{
    const trit_config *c = &s->model->config;
    const tritx_layer *w = &s->model->layers[layer];
    attention_job job = {s, layer, group_size(s)};
    int n_pieces = s->n_slice * (c->n_head / job.n_group);

    TRIT_TRY(quantise(s, s->hidden, s->wide, w->attn_norm, c->dim, layer, TRIT_SITE_QKV, err));
    linear(s, s->qkv, &w->q, &w->k, &w->v);
    TRIT_TRY(fill_kv_cache(s, &job, err));
    tritx_parallel_for(s->pool, attend, &job,
                       n_pieces < TRITX_ATTENTION_LANES ? n_pieces : TRITX_ATTENTION_LANES, 1);
    TRIT_TRY(quantise(s, s->gate_up, s->wide, w->attn_sub_norm, q_dim(c), layer, TRIT_SITE_O, err));
    linear(s, s->update, &w->o, NULL, NULL);
    s->kernels->add(s->hidden, s->update, s->n_slice * c->dim);
    return TRIT_OK;
}

trit_status tritx_decoder_ffn(trit_session *s, int layer, trit_error *err)
{
    const trit_config *c = &s->model->config;
    const tritx_layer *w = &s->model->layers[layer];

    TRIT_TRY(quantise(s, s->hidden, s->wide, w->ffn_norm, c->dim, layer, TRIT_SITE_GATE_UP, err));
    if (s->n_slice == 1 && c->ffn == TRIT_FFN_GLU_RELU2 && s->kernels->gemv_rows_t2_a8 &&
        !s->params.dense)
        gate_then_up(s, &w->gate, &w->up);
    else linear(s, s->gate_up, &w->gate, &w->up, NULL);
    tritx_parallel_for(s->pool, glu_tokens, s, s->n_slice, 1);
    TRIT_TRY(
        quantise(s, s->wide, s->gate_up, w->ffn_sub_norm, c->ffn_dim, layer, TRIT_SITE_DOWN, err));
    linear(s, s->update, &w->down, NULL, NULL);
    s->kernels->add(s->hidden, s->update, s->n_slice * c->dim);
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
