/* SIMD128: the rows that make logits. */
#include "kernels.h"
#include "v128.h"
#include "v128_table.h"

/* Without a 7-bit dot product the planes are joined to i16 again: the same integer. A lane of i32
 * takes cols / 4 <= 2048 products of at most 8191 * 127, which is below 2^31. */
static void join_planes(int16_t *restrict q, const uint8_t *restrict high,
                        const uint8_t *restrict low, int cols)
{
    for (int k = 0; k < cols; k++) q[k] = (int16_t)(high[k] * 128 + low[k] - 8192);
}

static inline v128 add_products(v128 sum, const int8_t *w, v128 q0, v128 q1)
{
    sum = v_add_i32(sum, v_dot_i16(q0, v_load_i8_as_i16(w)));
    return v_add_i32(sum, v_dot_i16(q1, v_load_i8_as_i16(w + 8)));
}

/* Added in 64 bits: the lanes together may pass 2^31. */
static int64_t wide_sum(v128 sum)
{
    int32_t lane[4];
    v_store(lane, sum);
    return (int64_t)lane[0] + lane[1] + lane[2] + lane[3];
}

void tritx_head_i8_h14__v128(float *restrict y, const int8_t *restrict w,
                             const float *restrict scale, const int32_t *restrict w_sum,
                             const uint8_t *restrict high, const uint8_t *restrict low, float s,
                             int row_begin, int row_end, int cols)
{
    int16_t q[TRIT_HEAD_COLS_MAX];
    (void)w_sum; /* q is signed here: nothing to subtract */
    join_planes(q, high, low, cols);
    for (int row = row_begin; row < row_end; row += 2) {
        const int8_t *p = w + (size_t)row * (size_t)cols;
        v128 sum0 = v_splat_i32(0), sum1 = sum0;
        TRIT_KEEP_LOOP
        for (int k = 0; k < cols; k += 16, p += 32) {
            v128 q0 = v_load(q + k), q1 = v_load(q + k + 8);
            sum0 = add_products(sum0, p, q0, q1);
            sum1 = add_products(sum1, p + 16, q0, q1);
        }
        y[row] = (float)wide_sum(sum0) / s * scale[row];
        if (row + 1 < row_end) y[row + 1] = (float)wide_sum(sum1) / s * scale[row + 1];
    }
}

/* n rows at once, as one row's chain of additions would wait for itself */
static inline __attribute__((always_inline)) void f16_rows(float *restrict y,
                                                           const uint16_t *restrict w,
                                                           const float *restrict x, int n, int cols,
                                                           v_f16 c)
{
    v128 sum[4];
    for (int i = 0; i < n; i++) sum[i] = v_splat_f32(0);
    TRIT_KEEP_LOOP
    for (int k = 0; k < cols; k += 4) {
        v128 xk = v_load(x + k);
        for (int i = 0; i < n; i++)
            sum[i] = v_add_f32(
                sum[i], v_mul_f32(xk, v_load_f16(w + (size_t)i * (size_t)cols + (size_t)k, c)));
    }
    for (int i = 0; i < n; i++) y[i] = v_sum_f32(sum[i]);
}

void tritx_head_f16__v128(float *restrict y, const uint16_t *restrict w, const float *restrict x,
                          int row_begin, int row_end, int cols)
{
    const v_f16 c = v_f16_constants();
    int r = row_begin;
    for (; r + 4 <= row_end; r += 4) f16_rows(y + r, w + (size_t)r * (size_t)cols, x, 4, cols, c);
    for (; r < row_end; r++) f16_rows(y + r, w + (size_t)r * (size_t)cols, x, 1, cols, c);
}
