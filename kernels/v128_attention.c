/* SIMD128: attention of a group of query heads that share one head of keys and values, so that each
 * key and value is loaded and widened once. Same order of operations as ref.c. */
#include "kernels.h"
#include "scalar.h"
#include "v128.h"
#include "v128_table.h"

/* Four elements from i on as f32. */
static inline v128 load4(trit_kv_element element, const void *p, size_t i, v_f16 c)
{
    switch (element) {
    case TRIT_KV_ELEMENT_F32: return v_load((const float *)p + i);
    case TRIT_KV_ELEMENT_F16: return v_load_f16((const uint16_t *)p + i, c);
    case TRIT_KV_ELEMENT_I8: return v_f32_of_i32(v_load_i8_as_i32((const int8_t *)p + i));
    }
    return v_splat_f32(0);
}

/* A tile: heads of the group and positions, or vectors of four elements, that are computed together
 * in registers. Constants where it is called, so that its loops vanish. */
enum { MAX_HEADS = 4, MAX_WIDE = 4, MAX_TILE = 8 };
enum { BLOCK = 32 /* positions */ };

/* score[h][t] = q[h] . k[t] for `heads` heads from h0 and `n_t` positions from t0 */
static inline __attribute__((always_inline)) void
score_tile(trit_kv_element element, float *restrict score, const float *restrict q,
           const trit_kv_view *kv, int n_kv, int n, int t0, int heads, int n_t)
{
    const v_f16 c = v_f16_constants();
    v128 sum[MAX_TILE];
    for (int i = 0; i < heads * n_t; i++) sum[i] = v_splat_f32(0);
    TRIT_KEEP_LOOP
    for (int i = 0; i < n; i += 4) {
        v128 x[MAX_HEADS];
        for (int h = 0; h < heads; h++) x[h] = v_load(q + h * n + i);
        for (int t = 0; t < n_t; t++) {
            v128 k = load4(element, kv->k, (size_t)(t0 + t) * (size_t)n + (size_t)i, c);
            for (int h = 0; h < heads; h++)
                sum[h * n_t + t] = v_add_f32(sum[h * n_t + t], v_mul_f32(x[h], k));
        }
    }
    for (int h = 0; h < heads; h++)
        for (int t = 0; t < n_t; t++) score[h * n_kv + t0 + t] = v_sum_f32(sum[h * n_t + t]);
}

/* y[h][i] += score[h][t0] * v[t0][i] + score[h][t0 + 1] * v[t0 + 1][i] + ..., up to t1, for 4 * wide
 * elements from i0 */
static inline __attribute__((always_inline)) void
value_tile(trit_kv_element element, float *restrict y, const float *restrict score,
           const trit_kv_view *kv, int n_kv, int n, int t0, int t1, int i0, int heads, int wide)
{
    const v_f16 c = v_f16_constants();
    v128 sum[MAX_TILE];
    for (int h = 0; h < heads; h++)
        for (int l = 0; l < wide; l++) sum[h * wide + l] = v_load(y + h * n + i0 + 4 * l);
    TRIT_KEEP_LOOP
    for (int t = t0; t < t1; t++) {
        v128 v[MAX_WIDE];
        for (int l = 0; l < wide; l++)
            v[l] = load4(element, kv->v, (size_t)t * (size_t)n + (size_t)(i0 + 4 * l), c);
        for (int h = 0; h < heads; h++) {
            v128 p = v_splat_f32(score[h * n_kv + t]);
            for (int l = 0; l < wide; l++)
                sum[h * wide + l] = v_add_f32(sum[h * wide + l], v_mul_f32(p, v[l]));
        }
    }
    for (int h = 0; h < heads; h++)
        for (int l = 0; l < wide; l++) v_store(y + h * n + i0 + 4 * l, sum[h * wide + l]);
}

/* y[h] = the values of all positions times their scores. In blocks of positions that stay in the first
 * cache, so that memory is read in order and once. */
static inline __attribute__((always_inline)) void
add_values(trit_kv_element element, float *restrict y, const float *restrict score,
           const trit_kv_view *kv, int n_kv, int n, int heads)
{
    int wide = heads == 1 ? MAX_WIDE : MAX_TILE / heads;
    for (int i = 0; i < heads * n; i += 4) v_store(y + i, v_splat_f32(0));
    for (int t0 = 0; t0 < n_kv; t0 += BLOCK) {
        int t1 = n_kv - t0 < BLOCK ? n_kv : t0 + BLOCK, i = 0;
        for (; i + 4 * wide <= n; i += 4 * wide)
            value_tile(element, y, score, kv, n_kv, n, t0, t1, i, heads, wide);
        for (; i < n; i += 4) value_tile(element, y, score, kv, n_kv, n, t0, t1, i, heads, 1);
    }
}

static inline __attribute__((always_inline)) void
attend(trit_kv_element element, float *restrict y, float *restrict score, const float *restrict q,
       const trit_kv_view *kv, int n_kv, int n, float scale, int heads)
{
    int n_t = MAX_TILE / heads, t = 0;
    float total[MAX_HEADS];
    if (n_t > 4) n_t = 4;
    for (; t + n_t <= n_kv; t += n_t) score_tile(element, score, q, kv, n_kv, n, t, heads, n_t);
    for (; t < n_kv; t++) score_tile(element, score, q, kv, n_kv, n, t, heads, 1);
    for (int h = 0; h < heads; h++) {
        float *row = score + h * n_kv;
        for (t = 0; kv->k_scale && t < n_kv; t++) row[t] *= kv->k_scale[t];
        total[h] = tritx_softmax__v128(row, n_kv, scale);
        for (t = 0; kv->v_scale && t < n_kv; t++) row[t] *= kv->v_scale[t];
    }
    add_values(element, y, score, kv, n_kv, n, heads);
    for (int h = 0; h < heads; h++)
        for (int i = h * n; i < (h + 1) * n; i += 4)
            v_store(y + i, v_div_f32(v_load(y + i), v_splat_f32(total[h])));
}

/* The group in parts of 4, 2 and 1 heads. */
static inline __attribute__((always_inline)) void
attend_group(trit_kv_element element, float *restrict y, float *restrict score,
             const float *restrict q, int n_group, const trit_kv_view *kv, int n_kv, int n,
             float scale)
{
    for (; n_group >= 4; n_group -= 4, y += 4 * n, q += 4 * n, score += 4 * n_kv)
        attend(element, y, score, q, kv, n_kv, n, scale, 4);
    for (; n_group >= 2; n_group -= 2, y += 2 * n, q += 2 * n, score += 2 * n_kv)
        attend(element, y, score, q, kv, n_kv, n, scale, 2);
    if (n_group) attend(element, y, score, q, kv, n_kv, n, scale, 1);
}

void tritx_attention__v128(float *restrict y, float *restrict score, const float *restrict q,
                           int n_group, const trit_kv_view *kv, int n_kv, int n, float scale)
{
    switch (kv->element) {
    case TRIT_KV_ELEMENT_F32:
        attend_group(TRIT_KV_ELEMENT_F32, y, score, q, n_group, kv, n_kv, n, scale);
        break;
    case TRIT_KV_ELEMENT_F16:
        attend_group(TRIT_KV_ELEMENT_F16, y, score, q, n_group, kv, n_kv, n, scale);
        break;
    case TRIT_KV_ELEMENT_I8:
        attend_group(TRIT_KV_ELEMENT_I8, y, score, q, n_group, kv, n_kv, n, scale);
        break;
    }
}
