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
        int i = 0;
        for (; i + 4 <= n / 2; i += 4) {
            v128 p = v_load(a + i), q = v_load(b + i), c = v_load(cos + i), d = v_load(sin + i);
            v_store(a + i, v_sub_f32(v_mul_f32(p, c), v_mul_f32(q, d)));
            v_store(b + i, v_add_f32(v_mul_f32(q, c), v_mul_f32(p, d)));
        }
        for (; i < n / 2; i++) {
            float p = a[i], q = b[i];
            a[i] = p * cos[i] - q * sin[i];
            b[i] = q * cos[i] + p * sin[i];
        }
    }
}

/* tritx_exp of two doubles */
static inline v128 exp_f64(v128 x, const v128 c[TRIT_EXP_TERMS])
{
    v128 tiny = v_lt_f64(x, v_splat_f64(-TRIT_EXP_LIMIT));
    x = v_min_f64(x, v_splat_f64(TRIT_EXP_LIMIT));
    v128 magic = v_splat_f64(TRIT_EXP_MAGIC);
    v128 shifted = v_add_f64(v_mul_f64(x, v_splat_f64(TRIT_EXP_LOG2E)), magic);
    v128 k = v_sub_f64(shifted, magic);
    v128 r = v_sub_f64(v_sub_f64(x, v_mul_f64(k, v_splat_f64(TRIT_EXP_LN2_HIGH))),
                       v_mul_f64(k, v_splat_f64(TRIT_EXP_LN2_LOW)));
    v128 p = c[0];
    for (int i = 1; i < TRIT_EXP_TERMS; i++) p = v_add_f64(v_mul_f64(p, r), c[i]);
    v128 two_k = v_add_i64(v_shl_i64(shifted, 52), v_shl_i64(v_splat_i64(1023), 52));
    return v_andnot(v_mul_f64(p, two_k), tiny);
}

/* tritx_expf of four floats */
static inline v128 exp_f32(v128 x, const v128 c[TRIT_EXP_TERMS])
{
    return v_f32_of_f64(exp_f64(v_f64_of_f32_low(x), c), exp_f64(v_f64_of_f32_high(x), c));
}

static void load_exp_coefficients(v128 c[TRIT_EXP_TERMS])
{
    static volatile const double coefficients[TRIT_EXP_TERMS] = TRIT_EXP_COEFFICIENTS;
    for (int i = 0; i < TRIT_EXP_TERMS; i++) c[i] = v_splat_f64(coefficients[i]);
}

float tritx_softmax__v128(float *score, int n, float scale)
{
    v128 c[TRIT_EXP_TERMS], scale4 = v_splat_f32(scale), sum = v_splat_f32(0);
    float max = score[0] * scale, lane[4];
    int t = 0;
    v128 max4 = v_splat_f32(max);
    load_exp_coefficients(c);
    for (; t + 4 <= n; t += 4) {
        v128 x = v_mul_f32(v_load(score + t), scale4);
        v_store(score + t, x);
        max4 = v_max_f32(x, max4);
    }
    v_store(lane, max4);
    for (int l = 0; l < 4; l++) max = lane[l] > max ? lane[l] : max;
    for (; t < n; t++) {
        score[t] *= scale;
        max = score[t] > max ? score[t] : max;
    }
    max4 = v_splat_f32(max);
    for (t = 0; t + 4 <= n; t += 4) {
        v128 p = exp_f32(v_sub_f32(v_load(score + t), max4), c);
        v_store(score + t, p);
        sum = v_add_f32(sum, p);
    }
    v_store(lane, sum);
    for (int l = 0; t < n; t++, l++) lane[l] += score[t] = tritx_expf(score[t] - max);
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

void tritx_glu_silu__v128(float *restrict y, const float *restrict gate, const float *restrict up,
                          int n)
{
    v128 c[TRIT_EXP_TERMS], one = v_splat_f32(1);
    load_exp_coefficients(c);
    for (int i = 0; i < n; i += 4) {
        v128 g = v_load(gate + i), e = exp_f32(v_sub_f32(v_splat_f32(0), g), c);
        v_store(y + i, v_mul_f32(v_div_f32(g, v_add_f32(one, e)), v_load(up + i)));
    }
}

void tritx_glu_relu2__v128(float *restrict y, const float *restrict gate, const float *restrict up,
                           int n)
{
    v128 zero = v_splat_f32(0);
    for (int i = 0; i < n; i += 4) {
        v128 g = v_load(gate + i), product = v_mul_f32(v_mul_f32(g, g), v_load(up + i));
        v_store(y + i, v_and(product, v_lt_f32(zero, g)));
    }
}

void tritx_add__v128(float *restrict x, const float *restrict y, int n)
{
    for (int i = 0; i < n; i += 4) v_store(x + i, v_add_f32(v_load(x + i), v_load(y + i)));
}
