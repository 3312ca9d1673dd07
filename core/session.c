/* The timeline of a session: what is computed, what waits, and when to stop for the caller. */
#include "session.h"

#include <stdlib.h>

#include "arena.h"
#include "real.h"
#include "scalar.h"

enum { MAX_SLICE = 256 };

static void cut_session(tritx_cutter *c, trit_session *s)
{
    const trit_config *g = &s->model->config;
    size_t n_ctx = (size_t)s->params.n_ctx, n = (size_t)s->params.n_slice, dim = (size_t)g->dim,
           ffn = (size_t)g->ffn_dim;
    size_t q = (size_t)g->n_head * (size_t)g->head_dim,
           kv = (size_t)g->n_head_kv * (size_t)g->head_dim;
    size_t kv_rows = (size_t)g->n_layer * n_ctx, kv_size = s->params.kv == TRIT_KV_F32   ? 4
                                                           : s->params.kv == TRIT_KV_F16 ? 2
                                                                                         : 1;
    size_t wide = dim > ffn ? dim : ffn;
    if (q > wide) wide = q;
    size_t most_rows = 2 * ffn > q + 2 * kv ? 2 * ffn : q + 2 * kv;
    if (dim > most_rows) most_rows = dim;
    s->tokens = tritx_cut(c, n_ctx, 1, sizeof *s->tokens);
    s->k = tritx_cut(c, kv_rows, kv, kv_size);
    s->v = tritx_cut(c, kv_rows, kv, kv_size);
    if (s->params.kv == TRIT_KV_INT8) {
        s->k_scale = tritx_cut(c, kv_rows, (size_t)g->n_head_kv, sizeof(float));
        s->v_scale = tritx_cut(c, kv_rows, (size_t)g->n_head_kv, sizeof(float));
    }
    s->rope_cos = tritx_cut(c, n_ctx, (size_t)g->head_dim / 2, sizeof(float));
    s->rope_sin = tritx_cut(c, n_ctx, (size_t)g->head_dim / 2, sizeof(float));
    s->hidden = tritx_cut(c, n, dim, sizeof(float));
    s->wide = tritx_cut(c, n, wide, sizeof(float));
    s->sums = tritx_cut(c, TRITX_PARTS_MAX * most_rows, 1, sizeof *s->sums);
    s->qkv = tritx_cut(c, n, q + 2 * kv, sizeof(float));
    s->gate_up = tritx_cut(c, n, 2 * ffn > q ? 2 * ffn : q, sizeof(float));
    s->update = tritx_cut(c, n, dim, sizeof(float));
    s->score = tritx_cut(c, TRITX_ATTENTION_LANES * (size_t)(g->n_head / g->n_head_kv), n_ctx,
                         sizeof(float));
    s->kv_fits = tritx_cut(c, n, 1, sizeof(bool));
    s->rows = tritx_cut(c, ffn, 1, sizeof *s->rows);
    s->quant = tritx_cut(c, n, trit_t2_cols(wide), 1);
    s->lut = tritx_cut(c, trit_t2_cols(wide), TRIT_LUT_BYTES, 1);
    s->quant_sum = tritx_cut(c, n, 1, sizeof(int32_t));
    s->quant_scale = tritx_cut(c, n, 1, sizeof(float));
    s->head_high = tritx_cut(c, dim, 1, 1);
    s->head_low = tritx_cut(c, dim, 1, 1);
    s->logits = tritx_cut(c, (size_t)g->n_vocab, 1, sizeof(float));
}

static trit_status prepare(const trit_model *model, const trit_session_params *p, trit_session *s,
                           tritx_cutter *c, trit_error *err)
{
    if (!model || !p) return tritx_fail(err, TRIT_PARAM, 0, "session: NULL argument");
    if (p->n_ctx < 1 || p->n_ctx > model->config.n_ctx)
        return tritx_fail(err, TRIT_PARAM, 0, "context length %d is not in 1 ... %d", (int)p->n_ctx,
                          (int)model->config.n_ctx);
    if (p->n_slice < 1 || p->n_slice > MAX_SLICE)
        return tritx_fail(err, TRIT_PARAM, 0, "slice %d is not in 1 ... %d", (int)p->n_slice,
                          MAX_SLICE);
    if (p->kv < TRIT_KV_F32 || p->kv > TRIT_KV_INT8)
        return tritx_fail(err, TRIT_PARAM, 0, "the KV type is not f32, f16 or int8");
    s->model = model;
    s->kernels = &model->kernels;
    s->params = *p;
    cut_session(c, s);
    return c->overflow
               ? tritx_fail(
                     err, TRIT_OOM, 0,
                     "the context needs more memory than can be addressed: choose a shorter one")
               : TRIT_OK;
}

trit_status trit_session_bytes(const trit_model *model, const trit_session_params *params,
                               size_t *n_bytes, trit_error *err)
{
    trit_session s = {0};
    tritx_cutter c = {0};
    if (!n_bytes) return tritx_fail(err, TRIT_PARAM, 0, "session: NULL argument");
    TRIT_TRY(prepare(model, params, &s, &c, err));
    *n_bytes = c.used + sizeof s;
    return TRIT_OK;
}

/* angle = position * theta^(-2i / head_dim), computed in double, stored as f32 */
static void fill_rope(trit_session *s)
{
    const trit_config *g = &s->model->config;
    size_t half = (size_t)g->head_dim / 2;
    double log_theta = tritx_log((double)g->rope_theta);
    for (size_t i = 0; i < half; i++) {
        double frequency = tritx_exp(-2.0 * (double)i / (double)g->head_dim * log_theta);
        for (size_t p = 0; p < (size_t)s->params.n_ctx; p++) {
            double sin, cos;
            tritx_sin_cos((double)p * frequency, &sin, &cos);
            s->rope_sin[p * half + i] = (float)sin;
            s->rope_cos[p * half + i] = (float)cos;
        }
    }
}

trit_status trit_session_new(const trit_model *model, const trit_session_params *params,
                             trit_session **session, trit_error *err)
{
    trit_session measured = {0};
    tritx_cutter c = {0};
    if (!session) return tritx_fail(err, TRIT_PARAM, 0, "session: NULL argument");
    TRIT_TRY(prepare(model, params, &measured, &c, err));
    trit_session *s = calloc(1, sizeof *s);
    void *arena = aligned_alloc(TRIT_ARENA_ALIGNMENT, c.used);
    if (!s || !arena) {
        free(s);
        free(arena);
        return tritx_fail(err, TRIT_OOM, 0,
                          "no memory for a context of %d tokens: use a shorter one",
                          (int)params->n_ctx);
    }
    *s = measured;
    s->arena = arena;
    c = (tritx_cutter){.base = (uintptr_t)arena};
    cut_session(&c, s);
    s->pool = params->pool;
    fill_rope(s);
    *session = s;
    return TRIT_OK;
}

void trit_session_free(trit_session *s)
{
    if (!s) return;
    free(s->arena);
    free(s);
}

/* Drops what is being computed: the tokens of the slice wait again. */
static void restart_slice(trit_session *s)
{
    s->n_slice = 0;
    s->half = 0;
    s->has_logits = false;
    s->reader.active = false;
}

static trit_status check_ids(const trit_session *s, const int32_t *ids, size_t n, trit_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= s->model->config.n_vocab)
            return tritx_fail(err, TRIT_PARAM, i, "token %d at %zu is not in the vocabulary",
                              (int)ids[i], i);
    return TRIT_OK;
}

trit_status trit_session_sync(trit_session *s, const int32_t *ids, size_t n_ids, size_t *n_reused,
                              trit_error *err)
{
    if (!s || !ids || n_ids == 0) return tritx_fail(err, TRIT_PARAM, 0, "sync: no tokens");
    if (n_ids > (size_t)s->params.n_ctx)
        return tritx_fail(err, TRIT_PROMPT_TOO_LONG, 0, "%zu tokens do not fit the context of %d",
                          n_ids, (int)s->params.n_ctx);
    TRIT_TRY(check_ids(s, ids, n_ids, err));
    size_t same = 0;
    while (same < s->n_done && same < n_ids && s->tokens[same] == ids[same]) same++;
    /* the last token is computed anew, so that the logits are those after it */
    if (same == n_ids) same--;
    memcpy(s->tokens, ids, n_ids * sizeof *ids);
    s->n_done = same;
    s->n_queued = n_ids;
    restart_slice(s);
    if (n_reused) *n_reused = same;
    return TRIT_OK;
}

trit_status trit_session_append(trit_session *s, int32_t id, trit_error *err)
{
    if (!s) return tritx_fail(err, TRIT_PARAM, 0, "append: no session");
    if (s->n_slice)
        return tritx_fail(err, TRIT_STATE, 0,
                          "a run is not finished: call run until it returns OK");
    if (s->n_queued == (size_t)s->params.n_ctx)
        return tritx_fail(err, TRIT_PROMPT_TOO_LONG, 0, "the context of %d tokens is full",
                          (int)s->params.n_ctx);
    TRIT_TRY(check_ids(s, &id, 1, err));
    s->tokens[s->n_queued++] = id;
    s->has_logits = s->reader.active = false;
    return TRIT_OK;
}

trit_status trit_session_rewind(trit_session *s, size_t n, trit_error *err)
{
    if (!s || n > s->n_queued)
        return tritx_fail(err, TRIT_PARAM, 0, "rewind: the session is shorter");
    s->n_queued = n;
    if (s->n_done > n) s->n_done = n;
    restart_slice(s);
    return TRIT_OK;
}

size_t trit_session_length(const trit_session *s) { return s ? s->n_queued : 0; }

const int32_t *trit_session_ids(const trit_session *s) { return s ? s->tokens : NULL; }

float *trit_session_logits(trit_session *s) { return s && s->has_logits ? s->logits : NULL; }

void trit_session_each_logits(trit_session *s,
                              void (*fn)(void *ctx, size_t position, const float *logits),
                              void *ctx)
{
    s->each_logits = fn;
    s->each_ctx = ctx;
}

void trit_session_trace(trit_session *s, trit_trace *fn, void *ctx)
{
    s->trace = fn;
    s->trace_ctx = ctx;
}

static void begin_slice(trit_session *s)
{
    size_t waiting = s->n_queued - s->n_done;
    s->n_slice = waiting < (size_t)s->params.n_slice ? (int)waiting : s->params.n_slice;
    bool last = s->n_done + (size_t)s->n_slice == s->n_queued;
    s->head_token = s->each_logits ? 0 : last ? s->n_slice - 1 : s->n_slice;
    tritx_decoder_embed(s);
}

/* The next piece of work: half a layer, or the logits of one token. */
static trit_status step(trit_session *s, trit_error *err)
{
    int n_halves = 2 * s->model->config.n_layer;
    if (s->n_slice == 0) begin_slice(s);
    if (s->half < n_halves) {
        TRIT_TRY(s->half % 2 ? tritx_decoder_ffn(s, s->half / 2, err)
                             : tritx_decoder_attention(s, s->half / 2, err));
        s->half++;
        if (s->half % 2 == 0) tritx_pool_lap(s->pool, s->n_slice);
    } else {
        TRIT_TRY(tritx_decoder_head(s, s->head_token, err));
        if (s->each_logits)
            s->each_logits(s->each_ctx, s->n_done + (size_t)s->head_token, s->logits);
        s->head_token++;
        tritx_pool_lap(s->pool, 0);
    }
    if (s->half < n_halves || s->head_token < s->n_slice) return TRIT_OK;
    s->n_done += (size_t)s->n_slice;
    s->n_slice = s->half = 0;
    s->has_logits = s->n_done == s->n_queued;
    return TRIT_OK;
}

trit_status trit_session_run(trit_session *s, double (*now)(void *ctx), void *ctx, double budget_ms,
                             trit_error *err)
{
    if (!s) return tritx_fail(err, TRIT_PARAM, 0, "run: no session");
    double start = now ? now(ctx) : 0;
    s->now = now;
    s->now_ctx = ctx;
    tritx_pool_clock(s->pool, now, ctx);
    while (s->n_done < s->n_queued) {
        trit_status status = step(s, err);
        if (status != TRIT_OK) {
            restart_slice(s);
            return status;
        }
        if (s->n_done < s->n_queued && now && now(ctx) - start >= budget_ms) return TRIT_CONTINUE;
    }
    return TRIT_OK;
}
