/* The scalar reference of every op: the definition of correct. Written to be read, not to be fast. */
#include <math.h>

#include "kernels.h"
#include "scalar.h"

static float sum4(const float lane[4]) { return (lane[0] + lane[1]) + (lane[2] + lane[3]); }

static float absmax(const float *x, int n)
{
    float max = 0.0f;
    for (int i = 0; i < n; i++) {
        float a = fabsf(x[i]);
        if (!(a <= 3.4028234e38f)) return NAN;
        if (a > max) max = a;
    }
    return max;
}

static float quant_a8(int8_t *restrict q, int32_t *restrict sum, const float *restrict x, int n,
                      int n_pad)
{
    float max = absmax(x, n);
    if (isnan(max)) return NAN;
    float s = 127.0f / (max < 1e-5f ? 1e-5f : max);
    *sum = 0;
    for (int i = 0; i < n; i++) {
        q[i] = (int8_t)tritx_rint(x[i] * s);
        *sum += q[i];
    }
    for (int i = n; i < n_pad; i++) q[i] = 0;
    return s;
}

static float quant_h14(uint8_t *restrict high, uint8_t *restrict low, const float *restrict x,
                       int n, int n_pad)
{
    float max = absmax(x, n);
    if (isnan(max)) return NAN;
    float s = 8191.0f / (max < 1e-5f ? 1e-5f : max);
    for (int i = 0; i < n_pad; i++) {
        int32_t v = (i < n ? (int32_t)tritx_rint(x[i] * s) : 0) + 8192;
        high[i] = (uint8_t)(v >> 7);
        low[i] = (uint8_t)(v & 127);
    }
    return s;
}

static void lut_t2(uint8_t *restrict lut, const int8_t *restrict q, int cols)
{
    (void)lut, (void)q, (void)cols;
}

static void gemm_t2_a8(float *restrict y, size_t y_stride, const uint8_t *restrict w,
                       const int8_t *restrict q, const int32_t *restrict q_sum,
                       const float *restrict s, float g, int m, int row_begin, int row_end,
                       int rows, int cols)
{
    uint8_t codes[TRIT_COLS_MAX];
    for (int r = row_begin; r < row_end; r++) {
        trit_t2_get_row(TRIT_LAYOUT_PAIRS, w, (size_t)r, codes, (size_t)rows, (size_t)cols);
        for (int t = 0; t < m; t++) {
            const int8_t *x = q + (size_t)t * trit_t2_cols((size_t)cols);
            int32_t sum = 0;
            for (int k = 0; k < cols; k++) sum += codes[k] * x[k];
            y[(size_t)t * y_stride + (size_t)r] = (float)(sum - q_sum[t]) / s[t] * g;
        }
    }
}

static void gemv_t2_a8(int32_t *restrict sum, const uint8_t *restrict w, const int8_t *restrict q,
                       const uint8_t *restrict lut, int row_begin, int row_end, int rows,
                       int col_begin, int col_end, int cols)
{
    uint8_t codes[TRIT_COLS_MAX];
    (void)lut;
    for (int r = row_begin; r < row_end; r++) {
        trit_t2_get_row(TRIT_LAYOUT_PAIRS, w, (size_t)r, codes, (size_t)rows, (size_t)cols);
        sum[r] = 0;
        for (int k = col_begin; k < col_end; k++) sum[r] += (codes[k] - 1) * q[k];
    }
}

static void scale_sums(float *restrict y, const int32_t *restrict sum, int n_parts, size_t stride,
                       float s, float g, int n)
{
    for (int i = 0; i < n; i++) {
        int32_t total = 0;
        for (int p = 0; p < n_parts; p++) total += sum[(size_t)p * stride + (size_t)i];
        y[i] = (float)total / s * g;
    }
}

static void gemv_rows_t2_a8(float *restrict y, const uint8_t *restrict w, const int8_t *restrict q,
                            int32_t q_sum, float s, float g, const int32_t *restrict list,
                            int n_list, int cols)
{
    for (int i = 0; i < n_list; i++)
        gemm_t2_a8(y, 0, w, q, &q_sum, &s, g, 1, list[i], list[i] + 1, list[i] + 1, cols);
}

static void head_i8_h14(float *restrict y, const int8_t *restrict w, const float *restrict scale,
                        const int32_t *restrict w_sum, const uint8_t *restrict high,
                        const uint8_t *restrict low, float s, int row_begin, int row_end, int cols)
{
    for (int r = row_begin; r < row_end; r++) {
        int64_t sum_high = 0, sum_low = 0;
        for (int k = 0; k < cols; k++) {
            int8_t weight = w[trit_i8_offset((size_t)r, (size_t)k, (size_t)cols)];
            sum_high += high[k] * weight;
            sum_low += low[k] * weight;
        }
        y[r] = (float)(128 * sum_high + sum_low - 8192 * (int64_t)w_sum[r]) / s * scale[r];
    }
}

static void head_f16(float *restrict y, const uint16_t *restrict w, const float *restrict x,
                     int row_begin, int row_end, int cols)
{
    for (int r = row_begin; r < row_end; r++) {
        float lane[4] = {0, 0, 0, 0};
        for (int k = 0; k < cols; k++)
            lane[k % 4] += x[k] * tritx_f32_of_f16(w[(size_t)r * (size_t)cols + (size_t)k]);
        y[r] = sum4(lane);
    }
}

static void rms_norm(float *restrict y, const float *restrict x, const float *restrict gain, int n,
                     float eps)
{
    float lane[4] = {0, 0, 0, 0};
    for (int i = 0; i < n; i++) lane[i % 4] += x[i] * x[i];
    float r = 1.0f / sqrtf(sum4(lane) / (float)n + eps);
    for (int i = 0; i < n; i++) y[i] = x[i] * r * gain[i];
}

static void rope(float *restrict x, const float *restrict cos, const float *restrict sin,
                 int n_head, int n)
{
    for (int h = 0; h < n_head; h++) {
        float *a = x + (size_t)h * (size_t)n, *b = a + n / 2;
        for (int i = 0; i < n / 2; i++) {
            float p = a[i], q = b[i];
            a[i] = p * cos[i] - q * sin[i];
            b[i] = q * cos[i] + p * sin[i];
        }
    }
}

static float element(const trit_kv_view *kv, const void *p, int at)
{
    switch (kv->element) {
    case TRIT_KV_ELEMENT_F32: return ((const float *)p)[at];
    case TRIT_KV_ELEMENT_F16: return tritx_f32_of_f16(((const uint16_t *)p)[at]);
    case TRIT_KV_ELEMENT_I8: return (float)((const int8_t *)p)[at];
    }
    return 0.0f;
}

/* score -> exp(score * scale - max); returns the sum */
static float softmax(float *score, int n, float scale)
{
    float max = score[0] * scale, lane[4] = {0, 0, 0, 0};
    for (int t = 0; t < n; t++) {
        score[t] *= scale;
        if (score[t] > max) max = score[t];
    }
    for (int t = 0; t < n; t++) {
        score[t] = tritx_expf(score[t] - max);
        lane[t % 4] += score[t];
    }
    return sum4(lane);
}

static void attend(float *restrict y, float *restrict score, const float *restrict q,
                   const trit_kv_view *kv, int n_kv, int n, float scale)
{
    for (int t = 0; t < n_kv; t++) {
        float lane[4] = {0, 0, 0, 0};
        for (int i = 0; i < n; i++) lane[i % 4] += q[i] * element(kv, kv->k, t * n + i);
        score[t] = sum4(lane);
        if (kv->k_scale) score[t] *= kv->k_scale[t];
    }
    float total = softmax(score, n_kv, scale);
    for (int t = 0; kv->v_scale && t < n_kv; t++) score[t] *= kv->v_scale[t];
    for (int i = 0; i < n; i++) {
        float sum = 0.0f;
        for (int t = 0; t < n_kv; t++) sum += score[t] * element(kv, kv->v, t * n + i);
        y[i] = sum / total;
    }
}

static void attention(float *restrict y, float *restrict score, const float *restrict q,
                      int n_group, const trit_kv_view *kv, int n_kv, int n, float scale)
{
    for (int h = 0; h < n_group; h++)
        attend(y + h * n, score + h * n_kv, q + h * n, kv, n_kv, n, scale);
}

static void glu_silu(float *restrict y, const float *restrict gate, const float *restrict up, int n)
{
    for (int i = 0; i < n; i++) y[i] = tritx_silu(gate[i]) * up[i];
}

static void glu_relu2(float *restrict y, const float *restrict gate, const float *restrict up,
                      int n)
{
    for (int i = 0; i < n; i++) y[i] = gate[i] > 0.0f ? gate[i] * gate[i] * up[i] : 0.0f;
}

static void add(float *restrict x, const float *restrict y, int n)
{
    for (int i = 0; i < n; i++) x[i] += y[i];
}

static bool wire_decode(uint8_t *restrict codes, const uint8_t *restrict wire, int cols)
{
    size_t n = trit_wire_bytes((size_t)cols);
    bool good = true;
    for (size_t j = 0; j < n; j++) good &= tritx_wire_byte(codes + j, n, wire[j]);
    return tritx_wire_end(codes, (size_t)cols, 5 * n, trit_t2_cols((size_t)cols)) && good;
}

const trit_kernels trit_kernels_ref = {
    .name = "ref",
    .layout = TRIT_LAYOUT_PAIRS,
    .gemv_rows_t2_a8 = gemv_rows_t2_a8,
#define TRIT_OP(op) .op = op,
#include "kernels.def"
#undef TRIT_OP
};
