/* SIMD128: ternary products and heads. Integer sums are exact, so their order is free here. */
#include "kernels.h"
#include "scalar.h"
#include "v128.h"
#include "v128_table.h"

/* A lane of i16 may take 128 products of a code (0 ... 2) and an activation (|q| <= 127) before it
 * must be widened; a block of 64 columns adds 8 to each lane. */
enum { BLOCKS_A_FLUSH = 16 };

/* Adds the products of one block of one row to the eight i16 sums. */
static inline v128 dot_block(v128 sum, v128 w, const v128 q[4], v128 three)
{
    for (int f = 0; f < 4; f++) {
        v128 codes = v_and(w, three);
        sum = v_add_i16(sum, v_extmul_low_i8(codes, q[f]));
        sum = v_add_i16(sum, v_extmul_high_i8(codes, q[f]));
        w = v_shr_u16_2(w);
    }
    return sum;
}

void tritx_gemv_t2_a8__v128(float *restrict y, const uint8_t *restrict w, const int8_t *restrict q,
                            int32_t q_sum, float s, float g, int row_begin, int row_end, int cols)
{
    const v128 three = v_splat_u8(3);
    const int blocks = (int)(trit_t2_cols((size_t)cols) / TRIT_T2_COLS);
    for (int row = row_begin; row < row_end; row += 2) {
        const uint8_t *p = w + (size_t)(row / 2) * (size_t)blocks * 32;
        v128 sum0 = v_splat_i32(0), sum1 = sum0;
        for (int b = 0; b < blocks;) {
            int end = blocks - b < BLOCKS_A_FLUSH ? blocks : b + BLOCKS_A_FLUSH;
            v128 part0 = v_splat_i32(0), part1 = part0;
            for (; b < end; b++, p += 32) {
                const int8_t *x = q + (size_t)b * TRIT_T2_COLS;
                v128 x4[4] = {v_load(x), v_load(x + 16), v_load(x + 32), v_load(x + 48)};
                part0 = dot_block(part0, v_load(p), x4, three);
                part1 = dot_block(part1, v_load(p + 16), x4, three);
            }
            sum0 = v_add_i32(sum0, v_pairs_i16(part0));
            sum1 = v_add_i32(sum1, v_pairs_i16(part1));
        }
        y[row] = (float)(v_sum_i32(sum0) - q_sum) / s * g;
        if (row + 1 < row_end) y[row + 1] = (float)(v_sum_i32(sum1) - q_sum) / s * g;
    }
}

/* Columns of two rows that are unpacked to bytes at a time. */
enum { CHUNK_COLS = 1024 };

static void unpack_pair(int8_t *restrict codes0, int8_t *restrict codes1, const uint8_t *restrict w,
                        int n_blocks)
{
    const v128 three = v_splat_u8(3);
    for (int b = 0; b < n_blocks; b++) {
        v128 w0 = v_load(w + (size_t)b * 32), w1 = v_load(w + (size_t)b * 32 + 16);
        for (int f = 0; f < 4; f++) {
            v_store(codes0 + b * TRIT_T2_COLS + 16 * f, v_and(w0, three));
            v_store(codes1 + b * TRIT_T2_COLS + 16 * f, v_and(w1, three));
            w0 = v_shr_u16_2(w0);
            w1 = v_shr_u16_2(w1);
        }
    }
}

/* Adds the products of n columns (at most CHUNK_COLS = 128 a lane) of one token with two rows. */
static inline void dot_pair(int32_t *sum0, int32_t *sum1, const int8_t *restrict codes0,
                            const int8_t *restrict codes1, const int8_t *restrict q, int n)
{
    v128 part0 = v_splat_i32(0), part1 = part0;
    for (int k = 0; k < n; k += 16) {
        v128 x = v_load(q + k), c0 = v_load(codes0 + k), c1 = v_load(codes1 + k);
        part0 = v_add_i16(part0, v_extmul_low_i8(c0, x));
        part1 = v_add_i16(part1, v_extmul_low_i8(c1, x));
        part0 = v_add_i16(part0, v_extmul_high_i8(c0, x));
        part1 = v_add_i16(part1, v_extmul_high_i8(c1, x));
    }
    *sum0 += v_sum_i32(v_pairs_i16(part0));
    *sum1 += v_sum_i32(v_pairs_i16(part1));
}

void tritx_gemm_t2_a8__v128(float *restrict y, size_t y_stride, const uint8_t *restrict w,
                            const int8_t *restrict q, const int32_t *restrict q_sum,
                            const float *restrict s, float g, int m, int row_begin, int row_end,
                            int cols)
{
    const int padded = (int)trit_t2_cols((size_t)cols);
    for (int row = row_begin; row < row_end; row += 2) {
        int8_t codes0[CHUNK_COLS], codes1[CHUNK_COLS];
        int32_t sum0[TRIT_GEMM_MAX] = {0}, sum1[TRIT_GEMM_MAX] = {0};
        const uint8_t *p = w + (size_t)(row / 2) * (size_t)padded / 2;
        for (int k = 0; k < padded; k += CHUNK_COLS) {
            int n = padded - k < CHUNK_COLS ? padded - k : CHUNK_COLS;
            unpack_pair(codes0, codes1, p + (size_t)k / 2, n / TRIT_T2_COLS);
            for (int t = 0; t < m; t++)
                dot_pair(&sum0[t], &sum1[t], codes0, codes1,
                         q + (size_t)t * (size_t)padded + (size_t)k, n);
        }
        for (int t = 0; t < m; t++) {
            float *out = y + (size_t)t * y_stride + (size_t)row;
            out[0] = (float)(sum0[t] - q_sum[t]) / s[t] * g;
            if (row + 1 < row_end) out[1] = (float)(sum1[t] - q_sum[t]) / s[t] * g;
        }
    }
}

enum { HEAD_COLS_MAX = 8192 };

/* Without a 7-bit dot product the planes are joined to i16 again: the same integer. A lane of i32
 * takes cols / 4 <= 2048 products of at most 8191 * 127, which is below 2^31. */
void tritx_head_i8_h14__v128(float *restrict y, const int8_t *restrict w,
                             const float *restrict scale, const int32_t *restrict w_sum,
                             const uint8_t *restrict high, const uint8_t *restrict low, float s,
                             int row_begin, int row_end, int cols)
{
    int16_t q[HEAD_COLS_MAX];
    (void)w_sum; /* q is signed here: nothing to subtract */
    for (int k = 0; k < cols; k++) q[k] = (int16_t)(high[k] * 128 + low[k] - 8192);
    for (int r = row_begin; r < row_end; r++) {
        const int8_t *row = w + (size_t)r * (size_t)cols;
        v128 sum0 = v_splat_i32(0), sum1 = sum0;
        for (int k = 0; k < cols; k += 16) {
            sum0 = v_add_i32(sum0, v_dot_i16(v_load(q + k), v_load_i8_as_i16(row + k)));
            sum1 = v_add_i32(sum1, v_dot_i16(v_load(q + k + 8), v_load_i8_as_i16(row + k + 8)));
        }
        /* added in 64 bits: 8 lanes together may pass 2^31 */
        int32_t lane[8];
        int64_t total = 0;
        v_store(lane, sum0);
        v_store(lane + 4, sum1);
        for (int i = 0; i < 8; i++) total += lane[i];
        y[r] = (float)total / s * scale[r];
    }
}

void tritx_head_f16__v128(float *restrict y, const uint16_t *restrict w, const float *restrict x,
                          int row_begin, int row_end, int cols)
{
    for (int r = row_begin; r < row_end; r += 4) {
        /* four rows at once, as one row's chain of additions would wait for itself */
        int n = row_end - r < 4 ? row_end - r : 4;
        v128 sum[4] = {v_splat_f32(0), v_splat_f32(0), v_splat_f32(0), v_splat_f32(0)};
        for (int k = 0; k < cols; k += 4) {
            v128 xk = v_load(x + k);
            for (int i = 0; i < n; i++)
                sum[i] = v_add_f32(
                    sum[i],
                    v_mul_f32(xk, v_load_f16(w + (size_t)(r + i) * (size_t)cols + (size_t)k)));
        }
        for (int i = 0; i < n; i++) y[r + i] = v_sum_f32(sum[i]);
    }
}
