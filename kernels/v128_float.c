/* SIMD128: quantisers, norms, rotary embedding, attention, gates. Same order of operations as ref.c. */
#include <math.h>

#include "kernels.h"
#include "scalar.h"
#include "v128.h"
#include "v128_table.h"

/* Largest |x|, or NaN when an x is not finite. */
static float absmax(const float *x, int n)
{
    v128 max4 = v_splat_f32(0), zero4 = max4;
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        v128 a = v_load(x + i);
        max4 = v_max_f32(v_abs_f32(a), max4);
        zero4 = v_add_f32(zero4, v_sub_f32(a, a)); /* stays 0 only for finite numbers */
    }
    float lane[4], max = 0.0f, zero = v_sum_f32(zero4);
    v_store(lane, max4);
    for (int l = 0; l < 4; l++) max = lane[l] > max ? lane[l] : max;
    for (; i < n; i++) {
        max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
        zero += x[i] - x[i];
    }
    return zero == 0.0f ? max : NAN;
}

/* rint(x * s) of four lanes as integers: the low bits of the sum with 1.5 * 2^23. */
static inline v128 scaled_rint(const float *x, v128 s4)
{
    v128 shifted = v_add_f32(v_mul_f32(v_load(x), s4), v_splat_f32(12582912.0f));
    return v_sub_i32(shifted, v_splat_i32(0x4b400000));
}

float tritx_quant_a8__v128(int8_t *restrict q, int32_t *restrict sum, const float *restrict x,
                           int n, int n_pad)
{
    float max = absmax(x, n);
    if (isnan(max)) return NAN;
    float s = 127.0f / (max < 1e-5f ? 1e-5f : max);
    v128 s4 = v_splat_f32(s), sum4 = v_splat_i32(0);
    int i = 0;
    for (; i + 16 <= n; i += 16) {
        v128 a = scaled_rint(x + i, s4), b = scaled_rint(x + i + 4, s4);
        v128 c = scaled_rint(x + i + 8, s4), d = scaled_rint(x + i + 12, s4);
        sum4 = v_add_i32(sum4, v_add_i32(v_add_i32(a, b), v_add_i32(c, d)));
        v_store(q + i, v_narrow_i16(v_narrow_i32(a, b), v_narrow_i32(c, d)));
    }
    *sum = v_sum_i32(sum4);
    for (; i < n; i++) {
        q[i] = (int8_t)tritx_rint(x[i] * s);
        *sum += q[i];
    }
    for (; i < n_pad; i++) q[i] = 0;
    return s;
}

float tritx_quant_h14__v128(uint8_t *restrict high, uint8_t *restrict low, const float *restrict x,
                            int n, int n_pad)
{
    float max = absmax(x, n);
    if (isnan(max)) return NAN;
    float s = 8191.0f / (max < 1e-5f ? 1e-5f : max);
    v128 s4 = v_splat_f32(s);
    for (int i = 0; i < n_pad; i += 4) {
        int32_t v[4] = {0, 0, 0, 0};
        if (i + 4 <= n) v_store(v, scaled_rint(x + i, s4));
        else
            for (int l = 0; i + l < n; l++) v[l] = (int32_t)tritx_rint(x[i + l] * s);
        for (int l = 0; l < 4 && i + l < n_pad; l++) {
            high[i + l] = (uint8_t)((v[l] + 8192) >> 7);
            low[i + l] = (uint8_t)((v[l] + 8192) & 127);
        }
    }
    return s;
}

void tritx_rms_norm__v128(float *restrict y, const float *restrict x, const float *restrict gain,
                          int n, float eps)
{
    v128 sum = v_splat_f32(0);
    for (int i = 0; i < n; i += 4) {
        v128 a = v_load(x + i);
        sum = v_add_f32(sum, v_mul_f32(a, a));
    }
    v128 r = v_splat_f32(1.0f / sqrtf(v_sum_f32(sum) / (float)n + eps));
    for (int i = 0; i < n; i += 4)
        v_store(y + i, v_mul_f32(v_mul_f32(v_load(x + i), r), v_load(gain + i)));
}

void tritx_rope__v128(float *restrict x, const float *restrict cos, const float *restrict sin,
                      int n_head, int n)
{
    for (int h = 0; h < n_head; h++) {
        float *a = x + (size_t)h * (size_t)n, *b = a + n / 2;
        for (int i = 0; i < n / 2; i += 4) {
            v128 p = v_load(a + i), q = v_load(b + i), c = v_load(cos + i), d = v_load(sin + i);
            v_store(a + i, v_sub_f32(v_mul_f32(p, c), v_mul_f32(q, d)));
            v_store(b + i, v_add_f32(v_mul_f32(q, c), v_mul_f32(p, d)));
        }
    }
}

static inline v128 v_load_i8_f32(const int8_t *p) { return v_f32_of_i32(v_load_i8_as_i32(p)); }

/* score[t] = q . k[t] and y = sum of score[t] * v[t], for each type of cache element */
#define ATTENTION_PARTS(suffix, type, load4)                                                       \
    static void scores_##suffix(float *restrict score, const float *restrict q,                    \
                                const type *restrict k, size_t stride, int n_kv, int n)            \
    {                                                                                              \
        for (int t = 0; t < n_kv; t++, k += stride) {                                              \
            v128 sum = v_splat_f32(0);                                                             \
            for (int i = 0; i < n; i += 4)                                                         \
                sum = v_add_f32(sum, v_mul_f32(v_load(q + i), load4(k + i)));                      \
            score[t] = v_sum_f32(sum);                                                             \
        }                                                                                          \
    }                                                                                              \
    static void weigh_##suffix(float *restrict y, const float *restrict weight,                    \
                               const type *restrict v, size_t stride, int n_kv, int n,             \
                               float total)                                                        \
    {                                                                                              \
        v128 total4 = v_splat_f32(total);                                                          \
        for (int i = 0; i < n; i += 16) {                                                          \
            int lanes = n - i < 16 ? (n - i) / 4 : 4;                                              \
            v128 sum[4] = {v_splat_f32(0), v_splat_f32(0), v_splat_f32(0), v_splat_f32(0)};        \
            for (int t = 0; t < n_kv; t++) {                                                       \
                v128 p = v_splat_f32(weight[t]);                                                   \
                const type *vt = v + (size_t)t * stride + (size_t)i;                               \
                for (int l = 0; l < lanes; l++)                                                    \
                    sum[l] = v_add_f32(sum[l], v_mul_f32(p, load4(vt + 4 * l)));                   \
            }                                                                                      \
            for (int l = 0; l < lanes; l++) v_store(y + i + 4 * l, v_div_f32(sum[l], total4));     \
        }                                                                                          \
    }

ATTENTION_PARTS(f32, float, v_load)
ATTENTION_PARTS(f16, uint16_t, v_load_f16)
ATTENTION_PARTS(i8, int8_t, v_load_i8_f32)

void tritx_attention_f32__v128(float *restrict y, float *restrict score, const float *restrict q,
                               const float *restrict k, const float *restrict v, size_t stride,
                               int n_kv, int n, float scale)
{
    scores_f32(score, q, k, stride, n_kv, n);
    for (int t = 0; t < n_kv; t++) score[t] *= scale;
    float total = tritx_softmax_weights(score, n_kv);
    weigh_f32(y, score, v, stride, n_kv, n, total);
}

void tritx_attention_f16__v128(float *restrict y, float *restrict score, const float *restrict q,
                               const uint16_t *restrict k, const uint16_t *restrict v,
                               size_t stride, int n_kv, int n, float scale)
{
    scores_f16(score, q, k, stride, n_kv, n);
    for (int t = 0; t < n_kv; t++) score[t] *= scale;
    float total = tritx_softmax_weights(score, n_kv);
    weigh_f16(y, score, v, stride, n_kv, n, total);
}

void tritx_attention_i8__v128(float *restrict y, float *restrict score, const float *restrict q,
                              const int8_t *restrict k, const int8_t *restrict v, size_t stride,
                              const float *restrict k_scale, const float *restrict v_scale,
                              size_t scale_stride, int n_kv, int n, float scale)
{
    scores_i8(score, q, k, stride, n_kv, n);
    for (int t = 0; t < n_kv; t++) score[t] = score[t] * k_scale[(size_t)t * scale_stride] * scale;
    float total = tritx_softmax_weights(score, n_kv);
    for (int t = 0; t < n_kv; t++) score[t] *= v_scale[(size_t)t * scale_stride];
    weigh_i8(y, score, v, stride, n_kv, n, total);
}

void tritx_glu_silu__v128(float *restrict y, const float *restrict gate, const float *restrict up,
                          int n)
{
    /* the exponential is scalar in every table */
    for (int i = 0; i < n; i++) y[i] = tritx_silu(gate[i]) * up[i];
}

void tritx_glu_relu2__v128(float *restrict y, const float *restrict gate, const float *restrict up,
                           int n)
{
    v128 zero = v_splat_f32(0);
    for (int i = 0; i < n; i += 4) {
        v128 g = v_max_f32(v_load(gate + i), zero);
        v_store(y + i, v_mul_f32(v_mul_f32(g, g), v_load(up + i)));
    }
}

void tritx_add__v128(float *restrict x, const float *restrict y, int n)
{
    for (int i = 0; i < n; i += 4) v_store(x + i, v_add_f32(v_load(x + i), v_load(y + i)));
}

const trit_kernels trit_kernels_v128 = {
    .name = "v128",
#define TRIT_OP(op) .op = tritx_##op##__v128,
#include "kernels.def"
#undef TRIT_OP
};

#if TRIT_HAVE_RELAXED
/* No relaxed kernel is written yet: the table of that name holds the SIMD128 ones. */
const trit_kernels trit_kernels_relaxed = {
    .name = "relaxed",
#define TRIT_OP(op) .op = tritx_##op##__v128,
#include "kernels.def"
#undef TRIT_OP
};
#endif
