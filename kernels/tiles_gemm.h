/* What the GEMMs of the tiles layout share: 32 rows are unpacked to bytes, then meet all tokens. They
 * differ in what they do with some of the rows, which each file hands in. */
#ifndef TRIT_TILES_GEMM_H
#define TRIT_TILES_GEMM_H

#include "kernels.h"
#include "v128.h"
#include "v128_table.h"

/* What is unpacked takes half of the first cache, or it would be read from the second. */
enum { UNPACK_ROWS = 32, UNPACK_COLS = 512 };

/* sums[r * TRIT_GEMM_MAX + t] += row r * token t, for n tokens, 1 ... TILE_TOKENS; x some pairs of rows
 * as the file has made them of their codes; n_cols a multiple of 64. */
typedef void rows_products_fn(int32_t *restrict sums, const uint8_t *restrict x,
                              const int8_t *restrict q, size_t q_stride, int n, int n_cols);
/* Stores 16 columns of two rows; x points at the pair's 2 * UNPACK_COLS bytes (or twice as many). */
typedef void store_codes_fn(uint8_t *restrict x, int col, v128 row0, v128 row1);

/* 16 rows of 16 columns: 8 vectors of nibbles, a row a byte, become codes of rows 2i and 2i + 1. */
static inline __attribute__((always_inline)) void
unpack_block(store_codes_fn *store, uint8_t *restrict x, size_t pair_bytes, int col, v128 n[8])
{
    const v128 three = v_splat_u8(3);
    v128 t[8];
    for (int i = 0; i < 4; i++) { /* pairs 2i, 2i+1 of rows 0 ... 7 and 8 ... 15 */
        t[i] = v_zip_low_u8(n[2 * i], n[2 * i + 1]);
        t[i + 4] = v_zip_high_u8(n[2 * i], n[2 * i + 1]);
    }
    for (int half = 0; half < 2; half++) {
        const v128 *p = t + 4 * half;
        v128 a0 = v_zip_low_u16(p[0], p[1]), a1 = v_zip_high_u16(p[0], p[1]);
        v128 b0 = v_zip_low_u16(p[2], p[3]), b1 = v_zip_high_u16(p[2], p[3]);
        v128 rows[4] = {v_zip_low_u32(a0, b0), v_zip_high_u32(a0, b0), v_zip_low_u32(a1, b1),
                        v_zip_high_u32(a1, b1)}; /* two rows of eight nibbles each */
        for (int i = 0; i < 4; i++) {
            v128 even = v_and(rows[i], three), odd = v_and(v_shr_u16(rows[i], 2), three);
            store(x + (size_t)(4 * half + i) * pair_bytes, col, v_zip_low_u8(even, odd),
                  v_zip_high_u8(even, odd));
        }
    }
}

/* 32 rows, n_cols columns; w the half of a group, step bytes from one chunk of 16 columns on. */
static inline __attribute__((always_inline)) void
unpack_rows(store_codes_fn *store, uint8_t *restrict x, size_t pair_bytes,
            const uint8_t *restrict w, size_t step, int n_cols)
{
    const v128 nibble = v_splat_u8(15);
    for (int col = 0; col < n_cols; col += 16, w += step) {
        v128 low[8], high[8];
        for (int p = 0; p < 8; p++) {
            v128 v = v_load(w + 32 * p);
            low[p] = v_and(v, nibble);
            high[p] = v_and(v_shr_u16(v, 4), nibble);
        }
        unpack_block(store, x, pair_bytes, col, low);
        unpack_block(store, x + 8 * pair_bytes, pair_bytes, col, high);
    }
}

static inline __attribute__((always_inline)) void
tiles_gemm(store_codes_fn *store, rows_products_fn *products, int pairs_a_step, uint8_t *restrict x,
           size_t pair_bytes, int32_t *restrict sums, const uint8_t *restrict w,
           const int8_t *restrict q, int m, int row, int rows, int cols)
{
    const int padded = (int)trit_t2_cols((size_t)cols),
              tile = row / TRIT_TILE_ROWS * TRIT_TILE_ROWS;
    int tile_rows = (int)trit_t2_rows((size_t)rows) - tile;
    if (tile_rows > TRIT_TILE_ROWS) tile_rows = TRIT_TILE_ROWS;
    const size_t step = (size_t)tile_rows * 4; /* bytes of 16 columns of a tile */
    const uint8_t *p = w + (size_t)tile * (size_t)padded / 4 +
                       (size_t)((row - tile) / TRIT_T2_ROWS) * 256 +
                       (size_t)(row % TRIT_T2_ROWS / 32) * 16;
    for (int r = 0; r < UNPACK_ROWS; r++)
        memset(sums + r * TRIT_GEMM_MAX, 0, (size_t)m * sizeof *sums);
    for (int k = 0; k < padded; k += UNPACK_COLS) {
        int n_cols = padded - k < UNPACK_COLS ? padded - k : UNPACK_COLS;
        unpack_rows(store, x, pair_bytes, p + (size_t)(k / 16) * step, step, n_cols);
        for (int t = 0; t < m; t += TILE_TOKENS)
            for (int i = 0; i < UNPACK_ROWS / 2; i += pairs_a_step)
                products(sums + 2 * i * TRIT_GEMM_MAX + t, x + (size_t)i * pair_bytes,
                         q + (size_t)t * (size_t)padded + k, (size_t)padded,
                         m - t < TILE_TOKENS ? m - t : TILE_TOKENS, n_cols);
    }
}

#endif
