/* Relaxed SIMD with the 32-bit dot product: one instruction for 16 products on ARM and on x86 with
 * VNNI. Codes 0 ... 2, in place or times 16, are the 7-bit operand; activations the signed one. */
#include "kernels.h"
#include "v128.h"
#include "v128_table.h"

static volatile const uint8_t code_masks[2] = {0x03, 0x30}; /* volatile: see v128_table.h */

enum { PAIR_BLOCK = 32 }; /* bytes of 64 columns of two rows */

/* ---- one token ---- */

void tritx_lut_t2__relaxed(uint8_t *restrict lut, const int8_t *restrict q, int cols)
{
    (void)lut, (void)q, (void)cols; /* products are computed, not looked up */
}

/* Sums of one row: codes in bits 0, 1 of a byte, and those of bits 4, 5, sixteen times too large;
 * two chains each, as one would wait for itself. */
typedef struct {
    v128 low[2], high[2];
} row_sums;

static inline void add_block(row_sums *s, v128 w, const v128 x[4], v128 low, v128 high)
{
    s->low[0] = v_relaxed_dot_add_i32(x[0], v_and(w, low), s->low[0]);
    s->high[0] = v_relaxed_dot_add_i32(x[2], v_and(w, high), s->high[0]);
    w = v_shr_u16(w, 2);
    s->low[1] = v_relaxed_dot_add_i32(x[1], v_and(w, low), s->low[1]);
    s->high[1] = v_relaxed_dot_add_i32(x[3], v_and(w, high), s->high[1]);
}

static inline int32_t total(row_sums s)
{
    return v_sum_i32(v_add_i32(s.low[0], s.low[1])) +
           (v_sum_i32(v_add_i32(s.high[0], s.high[1])) >> 4);
}

typedef struct {
    int32_t row0, row1;
} pair_sums;

/* Blocks of each row are PAIR_BLOCK apart. */
static inline pair_sums sum_pair(const uint8_t *w0, const uint8_t *w1, const int8_t *q,
                                 size_t n_cols)
{
    const v128 low = v_splat_u8(code_masks[0]), high = v_splat_u8(code_masks[1]);
    const row_sums zero = {{v_splat_i32(0), v_splat_i32(0)}, {v_splat_i32(0), v_splat_i32(0)}};
    const int8_t *x = q, *end = q + n_cols;
    row_sums r0 = zero, r1 = zero;
    TRIT_KEEP_LOOP
    for (; x < end; x += TRIT_T2_COLS, w0 += PAIR_BLOCK, w1 += PAIR_BLOCK) {
        v128 x4[4] = {v_load(x), v_load(x + 16), v_load(x + 32), v_load(x + 48)};
        add_block(&r0, v_load(w0), x4, low, high);
        add_block(&r1, v_load(w1), x4, low, high);
    }
    return (pair_sums){total(r0), total(r1)};
}

static int32_t sum_of(const int8_t *q, size_t n_cols)
{
    const v128 ones = v_splat_u8(1);
    v128 sum = v_splat_i32(0);
    for (size_t k = 0; k < n_cols; k += 16) sum = v_relaxed_dot_add_i32(v_load(q + k), ones, sum);
    return v_sum_i32(sum);
}

void tritx_gemv_t2_a8__relaxed(int32_t *restrict sum, const uint8_t *restrict w,
                               const int8_t *restrict q, const uint8_t *restrict lut, int row_begin,
                               int row_end, int rows, int col_begin, int col_end, int cols)
{
    const size_t padded = trit_t2_cols((size_t)cols), begin = (size_t)col_begin,
                 n_cols = trit_t2_cols((size_t)col_end) - begin;
    const int32_t q_sum = sum_of(q + begin, n_cols);
    (void)lut, (void)rows;
    for (int row = row_begin; row < row_end; row += 2) {
        const uint8_t *p = w + (size_t)row * padded / 4 + begin / 2;
        pair_sums pair = sum_pair(p, p + 16, q + begin, n_cols);
        sum[row] = pair.row0 - q_sum;
        if (row + 1 < row_end) sum[row + 1] = pair.row1 - q_sum;
    }
}

void tritx_gemv_rows_t2_a8__relaxed(float *restrict y, const uint8_t *restrict w,
                                    const int8_t *restrict q, int32_t q_sum, float s, float g,
                                    const int32_t *restrict list, int n_list, int cols)
{
    const size_t padded = trit_t2_cols((size_t)cols);
    for (int i = 0; i < n_list; i += 2) {
        int row0 = list[i], row1 = i + 1 < n_list ? list[i + 1] : row0;
        pair_sums sum = sum_pair(w + (size_t)(row0 / 2) * padded / 2 + row0 % 2 * 16,
                                 w + (size_t)(row1 / 2) * padded / 2 + row1 % 2 * 16, q, padded);
        y[row0] = (float)(sum.row0 - q_sum) / s * g;
        y[row1] = (float)(sum.row1 - q_sum) / s * g;
    }
}

/* ---- many tokens: two rows are unpacked to bytes once, then meet all tokens ---- */

enum { UNPACK_COLS = 8192 };

/* codes[k] and codes[UNPACK_COLS + k]: column k of the two rows */
static void unpack_pair(uint8_t *restrict codes, const uint8_t *restrict w, int n_cols)
{
    const v128 mask = v_splat_u8(3);
    for (int k = 0; k < n_cols; k += TRIT_T2_COLS, w += PAIR_BLOCK)
        for (int r = 0; r < 2; r++) {
            v128 v = v_load(w + 16 * r);
            uint8_t *out = codes + r * UNPACK_COLS + k;
            for (int f = 0; f < 4; f++) v_store(out + 16 * f, v_and(v_shr_u16(v, 2 * f), mask));
        }
}

static inline __attribute__((always_inline)) void add_products(int32_t *sum0, int32_t *sum1,
                                                               const uint8_t *restrict codes,
                                                               const int8_t *restrict q,
                                                               size_t q_stride, int n, int n_cols)
{
    v128 part[2 * TILE_TOKENS];
    for (int i = 0; i < 2 * n; i++) part[i] = v_splat_i32(0);
    TRIT_KEEP_LOOP
    for (int k = 0; k < n_cols; k += 16) {
        v128 c0 = v_load(codes + k), c1 = v_load(codes + UNPACK_COLS + k);
        for (int i = 0; i < n; i++) {
            v128 x = v_load(q + (size_t)i * q_stride + k);
            part[i] = v_relaxed_dot_add_i32(x, c0, part[i]);
            part[n + i] = v_relaxed_dot_add_i32(x, c1, part[n + i]);
        }
    }
    add_sums(sum0, part, n);
    add_sums(sum1, part + n, n);
}

static void tile_products(int32_t *sum0, int32_t *sum1, const uint8_t *restrict codes,
                          const int8_t *restrict q, size_t q_stride, int n, int n_cols)
{
    switch (n) { /* constants, so that the sums stay in registers */
    case 1: add_products(sum0, sum1, codes, q, q_stride, 1, n_cols); break;
    case 2: add_products(sum0, sum1, codes, q, q_stride, 2, n_cols); break;
    case 3: add_products(sum0, sum1, codes, q, q_stride, 3, n_cols); break;
    default: add_products(sum0, sum1, codes, q, q_stride, TILE_TOKENS, n_cols);
    }
}

void tritx_gemm_t2_a8__relaxed(float *restrict y, size_t y_stride, const uint8_t *restrict w,
                               const int8_t *restrict q, const int32_t *restrict q_sum,
                               const float *restrict s, float g, int m, int row_begin, int row_end,
                               int rows, int cols)
{
    const int padded = (int)trit_t2_cols((size_t)cols);
    uint8_t codes[2 * UNPACK_COLS];
    (void)rows;
    for (int row = row_begin; row < row_end; row += 2) {
        int32_t sum0[TRIT_GEMM_MAX] = {0}, sum1[TRIT_GEMM_MAX] = {0};
        const uint8_t *pair = w + (size_t)row * (size_t)padded / 4;
        for (int k = 0; k < padded; k += UNPACK_COLS) {
            int n = padded - k < UNPACK_COLS ? padded - k : UNPACK_COLS;
            unpack_pair(codes, pair + k / 2, n);
            for (int t = 0; t < m; t += TILE_TOKENS)
                tile_products(sum0 + t, sum1 + t, codes, q + (size_t)t * (size_t)padded + k,
                              (size_t)padded, m - t < TILE_TOKENS ? m - t : TILE_TOKENS, n);
        }
        for (int t = 0; t < m; t++) {
            float *out = y + (size_t)t * y_stride + (size_t)row;
            out[0] = (float)(sum0[t] - q_sum[t]) / s[t] * g;
            if (row + 1 < row_end) out[1] = (float)(sum1[t] - q_sum[t]) / s[t] * g;
        }
    }
}

/* ---- head: the planes are the 7-bit operand, pairs of products at most 2 * 127 * 127 ---- */

void tritx_head_i8_h14__relaxed(float *restrict y, const int8_t *restrict w,
                                const float *restrict scale, const int32_t *restrict w_sum,
                                const uint8_t *restrict high, const uint8_t *restrict low, float s,
                                int row_begin, int row_end, int cols)
{
    for (int row = row_begin; row < row_end; row += 2) {
        const int8_t *p = w + (size_t)row * (size_t)cols;
        v128 high0 = v_splat_i32(0), low0 = high0, high1 = high0, low1 = high0;
        TRIT_KEEP_LOOP
        for (int k = 0; k < cols; k += 16, p += 32) {
            v128 h = v_load(high + k), l = v_load(low + k), w0 = v_load(p), w1 = v_load(p + 16);
            high0 = v_relaxed_dot_add_i32(w0, h, high0);
            low0 = v_relaxed_dot_add_i32(w0, l, low0);
            high1 = v_relaxed_dot_add_i32(w1, h, high1);
            low1 = v_relaxed_dot_add_i32(w1, l, low1);
        }
        int64_t sum0 = 128 * (int64_t)v_sum_i32(high0) + v_sum_i32(low0);
        int64_t sum1 = 128 * (int64_t)v_sum_i32(high1) + v_sum_i32(low1);
        y[row] = (float)(sum0 - 8192 * (int64_t)w_sum[row]) / s * scale[row];
        if (row + 1 < row_end)
            y[row + 1] = (float)(sum1 - 8192 * (int64_t)w_sum[row + 1]) / s * scale[row + 1];
    }
}
