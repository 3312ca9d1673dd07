/* What the two relaxed GEMMs share: two rows are unpacked to bytes once, then meet all tokens. They
 * differ in the dot product of a tile, which each file hands in. */
#ifndef TRIT_RELAXED_GEMM_H
#define TRIT_RELAXED_GEMM_H

#include "kernels.h"
#include "v128.h"

enum { TRIT_TILE_TOKENS = 4, TRIT_UNPACK_COLS = 8192 };

/* Adds the products of two rows, codes + 0 and codes + TRIT_UNPACK_COLS, with n tokens, 1 or
 * TRIT_TILE_TOKENS; n_cols is a multiple of 64. */
typedef void tritx_tile_fn(int32_t *sum0, int32_t *sum1, const uint8_t *restrict codes,
                           const int8_t *restrict q, size_t q_stride, int n, int n_cols);

static void tritx_unpack_codes(uint8_t *restrict codes, const uint8_t *restrict w, int n_cols)
{
    const v128 mask = v_splat_u8(3);
    for (int k = 0; k < n_cols; k += TRIT_T2_COLS, w += 2 * TRIT_T2_BLOCK_BYTES) {
        v128 w0 = v_load(w), w1 = v_load(w + TRIT_T2_BLOCK_BYTES);
        for (int f = 0; f < 4; f++) {
            /* odd rows have their nibbles exchanged */
            v_store(codes + k + 16 * f, v_and(v_shr_u16(w0, 2 * f), mask));
            v_store(codes + TRIT_UNPACK_COLS + k + 16 * f, v_and(v_shr_u16(w1, 2 * (f ^ 2)), mask));
        }
    }
}

static inline __attribute__((always_inline)) void
tritx_gemm_tiles(tritx_tile_fn *add_tile, float *restrict y, size_t y_stride,
                 const uint8_t *restrict w, const int8_t *restrict q, const int32_t *restrict q_sum,
                 const float *restrict s, float g, int m, int row_begin, int row_end, int cols)
{
    const int padded = (int)trit_t2_cols((size_t)cols);
    uint8_t codes[2 * TRIT_UNPACK_COLS];
    for (int row = row_begin; row < row_end; row += 2) {
        int32_t sum0[TRIT_GEMM_MAX] = {0}, sum1[TRIT_GEMM_MAX] = {0};
        const uint8_t *pair = w + (size_t)(row / 2) * (size_t)(padded / 2);
        for (int k = 0; k < padded; k += TRIT_UNPACK_COLS) {
            int n = padded - k < TRIT_UNPACK_COLS ? padded - k : TRIT_UNPACK_COLS, t = 0;
            const int8_t *x = q + k;
            tritx_unpack_codes(codes, pair + k / 2, n);
            for (; t + TRIT_TILE_TOKENS <= m; t += TRIT_TILE_TOKENS, x += TRIT_TILE_TOKENS * padded)
                add_tile(sum0 + t, sum1 + t, codes, x, (size_t)padded, TRIT_TILE_TOKENS, n);
            for (; t < m; t++, x += padded)
                add_tile(sum0 + t, sum1 + t, codes, x, (size_t)padded, 1, n);
        }
        for (int t = 0; t < m; t++) {
            float *out = y + (size_t)t * y_stride + (size_t)row;
            out[0] = (float)(sum0[t] - q_sum[t]) / s[t] * g;
            if (row + 1 < row_end) out[1] = (float)(sum1[t] - q_sum[t]) / s[t] * g;
        }
    }
}

#endif
