/* Models of random weights, for measurements and tests: full size, no training needed. */
#include <math.h>
#include <stdlib.h>

#include "config.h"
#include "kernels.h"
#include "model.h"
#include "scalar.h"

static const float WEIGHT_SCALE = 0.05f, EMBED_SCALE = 0.01f;

/* A component of the residual stream that is the same for every token and that no layer changes: each
 * STRIDE-th column of the embedding, rows of zeros in o and down. Every row of the gate takes it off,
 * as much of it as the norm's gain lets through. */
enum { BIAS_STRIDE = 8, BIAS_CODE = 64 };

/* One token a byte and one merge, so that a synthetic model can be packed and given text; the other
 * ids are empty. */
static trit_status add_byte_tokenizer(trit_model *m, trit_error *err)
{
    size_t n = (size_t)m->config.n_vocab;
    tritx_tokenizer_tables t = {.n_vocab = m->config.n_vocab,
                                .n_token_bytes = 258,
                                .n_merges = 1,
                                .flags = TRITX_WHOLE_PIECES};
    t.token_ends = malloc(n * sizeof *t.token_ends);
    t.token_bytes = malloc(258);
    t.token_kinds = malloc(n);
    t.merges = malloc(3 * sizeof *t.merges);
    trit_status status = TRIT_OOM;
    if (t.token_ends && t.token_bytes && t.token_kinds && t.merges) {
        for (size_t i = 0; i < n; i++) {
            t.token_ends[i] = (uint32_t)(i < 256 ? i + 1 : 258);
            t.token_kinds[i] = i < 257 ? TRITX_TOKEN_NORMAL : TRITX_TOKEN_SPECIAL;
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

/* Four codes for each byte of noise. Of all of them the wanted share is 1, the others are 0 and 2
 * alike, in random order. */
static void shuffle_codes(uint8_t codes[1024], float zeros, uint64_t *state)
{
    int n_zeros = (int)(zeros * 1024.0f + 0.5f);
    for (int i = 0; i < 1024; i++) {
        int at = (int)(draw(state) % (unsigned)(i + 1));
        codes[i] = codes[at];
        codes[at] = (uint8_t)(i < n_zeros ? 1 : i % 2 * 2);
    }
}

/* A group of rows at a time, through `group` [TRIT_T2_ROWS][padded columns]. */
static void random_codes(const trit_model *m, const tritx_ternary *t,
                         const uint8_t four_codes[1024], uint8_t *group, uint64_t *state)
{
    size_t rows = (size_t)t->rows, cols = (size_t)t->cols, n = TRIT_T2_ROWS * trit_t2_cols(cols);
    for (size_t row = 0; row < rows; row += TRIT_T2_ROWS) {
        uint32_t bits = 0;
        for (size_t k = 0; k < n; k += 4, bits >>= 8) {
            if (k % 16 == 0) bits = draw(state);
            memcpy(group + k, four_codes + 4 * (bits & 255), 4);
        }
        trit_t2_put(m->kernels.layout, t->codes, group, row, rows, cols);
    }
}

static void random_rows(tritx_rows *r, uint64_t *state)
{
    size_t rows = (size_t)r->rows, cols = (size_t)r->cols;
    for (size_t k = 0; r->f16 && k < rows * cols; k++)
        r->f16[k] = (uint16_t)((draw(state) & 0x83ff) | 0x3400);
    for (size_t row = 0; r->i8 && row < rows; row++) {
        uint32_t bits = 0;
        r->scale[row] = EMBED_SCALE;
        r->sum[row] = 0;
        for (size_t k = 0; k < cols; k++, bits >>= 8) {
            if (k % 4 == 0) bits = draw(state);
            int8_t code = (int8_t)((int)(bits & 255) * 255 / 256 - 127);
            r->i8[trit_i8_offset(row, k, cols)] = code;
            r->sum[row] += code;
        }
    }
}

/* ---- a gate with a chosen share of zeros ---- */

/* t with P(x <= t) = p for a normal x; p in [0.5, 1). */
static double normal_quantile(double p)
{
    const double step = 0.001, density_at_0 = 0.3989422804014327;
    double t = 0;
    for (double area = 0.5; area < p; t += step) {
        double middle = t + step / 2;
        area += step * density_at_0 * tritx_exp(-0.5 * middle * middle);
    }
    return t;
}

static void bias_embedding(tritx_rows *r)
{
    size_t cols = (size_t)r->cols;
    uint16_t half = tritx_f16_of_f32((float)BIAS_CODE * EMBED_SCALE);
    for (size_t row = 0; row < (size_t)r->rows; row++)
        for (size_t k = 0; k < cols; k += BIAS_STRIDE) {
            if (r->f16) {
                r->f16[row * cols + k] = half;
                continue;
            }
            int8_t *code = &r->i8[trit_i8_offset(row, k, cols)];
            r->sum[row] += BIAS_CODE - *code;
            *code = BIAS_CODE;
        }
}

/* Changes a matrix: column k of each row to 0, or row r to zeros, for every BIAS_STRIDE-th. */
static void bias_matrix(const trit_model *m, const tritx_ternary *t, bool columns, uint8_t *group)
{
    trit_layout layout = m->kernels.layout;
    size_t rows = (size_t)t->rows, cols = (size_t)t->cols, padded = trit_t2_cols(cols);
    memset(group, 1, TRIT_T2_ROWS * padded);
    for (size_t row = 0; row < rows; row++) {
        uint8_t *codes = group + row % TRIT_T2_ROWS * padded;
        trit_t2_get_row(layout, t->codes, row, codes, rows, cols);
        if (!columns && row % BIAS_STRIDE == 0) memset(codes, 1, cols);
        for (size_t k = 0; columns && k < cols; k += BIAS_STRIDE) codes[k] = 0;
        if ((row + 1) % TRIT_T2_ROWS == 0 || row + 1 == rows)
            trit_t2_put(layout, t->codes, group, row / TRIT_T2_ROWS * TRIT_T2_ROWS, rows, cols);
    }
}

/* The gain at which the bias is `distance` standard deviations of a gate's row. What else is in the
 * stream is the embedding and what o and down have added, whose inputs have mean square 1. */
static double bias_gain(const trit_config *c, const trit_synthetic *how, int layer, double distance)
{
    double nonzero = 1.0 - (double)how->zeros, scale = (double)WEIGHT_SCALE,
           bias = (double)BIAS_CODE * (double)EMBED_SCALE;
    double embed = c->site[TRIT_SITE_HEAD].weight == TRIT_WEIGHT_F16
                       ? 7.0 / 48.0 /* |x| is even in 1/4 ... 1/2 */
                       : (double)EMBED_SCALE * (double)EMBED_SCALE * 128.0 * 127.0 / 3.0;
    double o = nonzero * scale * scale * c->n_head * c->head_dim,
           down = nonzero * scale * scale * c->ffn_dim;
    double others = embed + (layer + 1) * o + layer * down, n_bias = c->dim / BIAS_STRIDE;
    return distance * sqrt(nonzero * (c->dim - n_bias) * others) / (n_bias * bias);
}

static void bias_model(trit_model *m, const trit_synthetic *how, uint8_t *group)
{
    const trit_config *c = &m->config;
    double distance = normal_quantile((double)how->gate_zeros);
    bias_embedding(&m->embed);
    for (int i = 0; i < c->n_layer; i++) {
        tritx_layer *l = &m->layers[i];
        bias_matrix(m, &l->o, false, group);
        bias_matrix(m, &l->down, false, group);
        bias_matrix(m, &l->gate, true, group);
        for (int k = 0; k < c->dim; k += BIAS_STRIDE)
            l->ffn_norm[k] = (float)bias_gain(c, how, i, distance);
    }
}

static trit_status check(const trit_config *c, const trit_synthetic *how, trit_error *err)
{
    if (!how || !(how->zeros >= 0 && how->zeros <= 1))
        return tritx_fail(err, TRIT_PARAM, 0, "the share of zero weights is not in 0 ... 1");
    if (how->gate_zeros == 0) return TRIT_OK;
    if (!(how->gate_zeros >= 0.5f && how->gate_zeros <= 0.99f))
        return tritx_fail(err, TRIT_PARAM, 0,
                          "the share of zeros behind the gate is not in 0.5 ... 0.99");
    if (c->ffn != TRIT_FFN_GLU_RELU2 || c->site[TRIT_SITE_O].norm != TRIT_NORM_RMS ||
        c->site[TRIT_SITE_DOWN].norm != TRIT_NORM_RMS)
        return tritx_fail(err, TRIT_PARAM, 0,
                          "zeros behind the gate need squared ReLU and norms before o and down, as "
                          "2B4T has them");
    return TRIT_OK;
}

static trit_status fill(trit_model *m, const trit_synthetic *how, trit_error *err)
{
    const trit_config *c = &m->config;
    uint8_t *group = malloc(TRIT_T2_ROWS * trit_t2_cols(tritx_config_widest(c)));
    uint8_t four_codes[1024] = {0};
    if (!group) return tritx_fail(err, TRIT_OOM, 0, "no memory for random weights");
    uint64_t state = how->seed;
    shuffle_codes(four_codes, how->zeros, &state);
    for (int i = 0; i < c->n_layer; i++)
        for (int s = TRIT_SLOT_LAYER_FIRST; s <= TRIT_SLOT_LAYER_LAST; s++) {
            size_t n = 0;
            const tritx_ternary *t = tritx_model_ternary(m, (tritx_slot)s, i);
            float *x = t ? NULL : tritx_model_floats(m, (tritx_slot)s, i, &n);
            for (size_t k = 0; x && k < n; k++) x[k] = n == 1 ? WEIGHT_SCALE : 1.0f;
            if (t) random_codes(m, t, four_codes, group, &state);
        }
    for (int32_t i = 0; i < c->dim; i++) m->norm[i] = 1.0f;
    random_rows(&m->embed, &state);
    if (!c->tied_head) random_rows(&m->head, &state);
    if (how->gate_zeros > 0) bias_model(m, how, group);
    free(group);
    return TRIT_OK;
}

trit_status trit_model_synthetic(const trit_config *config, const trit_synthetic *how,
                                 const char *kernels, trit_model **model, trit_error *err)
{
    trit_model *m;
    if (!model) return tritx_fail(err, TRIT_PARAM, 0, "model is NULL");
    TRIT_TRY(trit_config_validate(config, err));
    TRIT_TRY(check(config, how, err));
    TRIT_TRY(tritx_model_new(config, kernels, &m, err));
    trit_status status = fill(m, how, err);
    if (status == TRIT_OK && config->n_vocab > 256) status = add_byte_tokenizer(m, err);
    if (status != TRIT_OK) {
        trit_model_free(m);
        return status;
    }
    *model = m;
    return TRIT_OK;
}
