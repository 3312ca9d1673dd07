/* The inside of a session, shared by session.c (the timeline) and decoder.c (the graph). */
#ifndef TRIT_SESSION_H
#define TRIT_SESSION_H

#include "kernels.h"
#include "model.h"
#include "pool.h"
#include "skip.h"

/* Attention is dealt out to lanes, each with scores of its own: enough for even shares among threads,
 * where scores for every token of a slice would take more memory than all but the KV cache. */
enum { TRITX_ATTENTION_LANES = 32 };

/* The columns of a tile are split among threads into this many parts at most. */
enum { TRITX_PARTS_MAX = 8 };

/* session_file.c: a saved session on its way in. Its pieces are arrays of the session, filled in place. */
typedef struct {
    bool active;
    int piece;       /* which is being filled */
    size_t filled;   /* bytes of it */
    size_t n_tokens; /* what the header announces */
    uint64_t hash;   /* of the pieces before */
    uint8_t header[32], end[8];
} tritx_session_reader;

struct trit_session {
    const trit_model *model;
    const trit_kernels *kernels; /* the model's */
    trit_pool *pool;
    trit_session_params params;
    double (*now)(void *ctx); /* the clock of the present run, NULL = none */
    void *now_ctx;
    tritx_skip_costs skip_costs;

    /* The timeline: [0, n_done) is in the KV cache, [n_done, n_queued) waits. */
    int32_t *tokens; /* [n_ctx] */
    size_t n_done, n_queued;
    bool has_logits;
    /* Work in progress: tokens [n_done, n_done + n_slice); of the halves of layers, attention and
     * FFN, those below `half` are done, and after all of them the logits of tokens below `head_token`
     * as far as they are wanted. */
    int n_slice, half, head_token;

    /* KV cache. One of f32, f16 and i8: [n_layer][n_head_kv][n_ctx][head_dim], so that attention
     * reads in order; i8 has scales: [n_layer][n_head_kv][n_ctx]. */
    void *k, *v;
    float *k_scale, *v_scale;

    float *rope_cos, *rope_sin; /* [n_ctx][head_dim / 2] */
    float *hidden;              /* [n_slice][dim] residual stream */
    float *wide;                /* [n_slice][widest of dim, ffn_dim, q] norm output, FFN product */
    int32_t *sums;              /* [parts][rows of up to three matrices], of a single token */
    float *qkv;                 /* [n_slice][q + 2 kv] */
    float *gate_up;             /* [n_slice][2 ffn_dim]; also attention output */
    float *update;              /* [n_slice][dim] what is added to the residual stream */
    float *score;               /* [lanes][query heads of a KV head][n_ctx] */
    bool *kv_fits;              /* [n_slice] */
    int32_t *rows;              /* [ffn_dim] rows of `up` that one token needs */
    int8_t *quant;              /* [n_slice][columns of t2] */
    uint8_t *lut;               /* of a single token's quant, see lut_t2 */
    int32_t *quant_sum;         /* [n_slice] */
    float *quant_scale;         /* [n_slice] */
    uint8_t *head_high, *head_low; /* [dim] */
    float *logits;                 /* [n_vocab] */

    tritx_session_reader reader;
    uint64_t fingerprint; /* the model's, once it was asked for */
    bool has_fingerprint;

    void (*each_logits)(void *ctx, size_t position, const float *logits);
    void *each_ctx;
    trit_trace *trace;
    void *trace_ctx;
    void *arena;
};

/* decoder.c. The slice is tokens[n_done .. n_done + n_slice). */
void tritx_decoder_embed(trit_session *s);
/* NUMERIC when an activation is not finite. */
trit_status tritx_decoder_attention(trit_session *s, int layer, trit_error *err);
trit_status tritx_decoder_ffn(trit_session *s, int layer, trit_error *err);
/* Logits of token t of the slice. */
trit_status tritx_decoder_head(trit_session *s, int t, trit_error *err);

#endif
