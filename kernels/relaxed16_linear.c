/* Relaxed SIMD with the 16-bit dot product, for x86 without VNNI: there it is one instruction, and
 * the 32-bit one is five. Codes are the 7-bit operand; sums are widened before 16 bits run over. */
#include "kernels.h"
#include "relaxed_gemm.h"
#include "v128.h"
#include "v128_table.h"

static volatile const uint8_t code_masks[2] = {0x03, 0x30}; /* volatile: see v128_table.h */

/* ---- one token ----
 * A block adds at most 2 * 508 to a lane of codes in bits 0, 1 and 16 times that to one of codes in
 * bits 4, 5: two blocks of the latter fit 16 bits. */
enum { BLOCKS_A_FLUSH = 2 };

typedef struct {
    v128 low, high;
} row_sums;

static inline void add_block(row_sums *s, v128 w, v128 x_low, v128 x_high, v128 low, v128 high)
{
    s->low = v_add_i16(s->low, v_relaxed_dot_i16(x_low, v_and(w, low)));
    s->high = v_add_i16(s->high, v_relaxed_dot_i16(x_high, v_and(w, high)));
}

static inline void add_blocks(row_sums *r0, row_sums *r1, const uint8_t *w, const int8_t *x,
                              v128 low, v128 high)
{
    v128 w0 = v_load(w), w1 = v_load(w + TRIT_T2_BLOCK_BYTES);
    v128 x0 = v_load(x), x1 = v_load(x + 16), x2 = v_load(x + 32), x3 = v_load(x + 48);
    add_block(r0, w0, x0, x2, low, high);
    add_block(r1, w1, x2, x0, low, high);
    add_block(r0, v_shr_u16(w0, 2), x1, x3, low, high);
    add_block(r1, v_shr_u16(w1, 2), x3, x1, low, high);
}

static inline void widen(row_sums *sum, row_sums part)
{
    sum->low = v_add_i32(sum->low, v_pairs_i16(part.low));
    sum->high = v_add_i32(sum->high, v_pairs_i16(part.high));
}

static inline int32_t total(row_sums s) { return v_sum_i32(s.low) + (v_sum_i32(s.high) >> 4); }

void tritx_gemv_t2_a8__relaxed16(float *restrict y, const uint8_t *restrict w,
                                 const int8_t *restrict q, int32_t q_sum, float s, float g,
                                 int row_begin, int row_end, int cols)
{
    const v128 low = v_splat_u8(code_masks[0]), high = v_splat_u8(code_masks[1]);
    const int blocks = (int)(trit_t2_cols((size_t)cols) / TRIT_T2_COLS);
    const row_sums zero = {v_splat_i32(0), v_splat_i32(0)};
    for (int row = row_begin; row < row_end; row += 2) {
        const uint8_t *p = w + (size_t)(row / 2) * (size_t)blocks * 2 * TRIT_T2_BLOCK_BYTES;
        const int8_t *x = q;
        row_sums sum0 = zero, sum1 = zero;
        int b = 0;
        TRIT_KEEP_LOOP
        for (; b + BLOCKS_A_FLUSH <= blocks; b += BLOCKS_A_FLUSH) {
            row_sums part0 = zero, part1 = zero;
            for (int i = 0; i < BLOCKS_A_FLUSH;
                 i++, x += TRIT_T2_COLS, p += 2 * TRIT_T2_BLOCK_BYTES)
                add_blocks(&part0, &part1, p, x, low, high);
            widen(&sum0, part0);
            widen(&sum1, part1);
        }
        for (; b < blocks; b++, x += TRIT_T2_COLS, p += 2 * TRIT_T2_BLOCK_BYTES) {
            row_sums part0 = zero, part1 = zero;
            add_blocks(&part0, &part1, p, x, low, high);
            widen(&sum0, part0);
            widen(&sum1, part1);
        }
        y[row] = (float)(total(sum0) - q_sum) / s * g;
        if (row + 1 < row_end) y[row + 1] = (float)(total(sum1) - q_sum) / s * g;
    }
}

/* ---- many tokens: a lane takes 64 pairs of products of at most 508 ---- */

enum { FLUSH_COLS = 64 * 16 };

static inline void add_tile(int32_t *sum0, int32_t *sum1, const uint8_t *restrict codes,
                            const int8_t *restrict q, size_t q_stride, int n, int n_cols)
{
    for (int begin = 0; begin < n_cols; begin += FLUSH_COLS) {
        int end = n_cols - begin < FLUSH_COLS ? n_cols : begin + FLUSH_COLS;
        v128 part[2 * TRIT_TILE_TOKENS];
        for (int i = 0; i < 2 * n; i++) part[i] = v_splat_i32(0);
        TRIT_KEEP_LOOP
        for (int k = begin; k < end; k += 16) {
            v128 c0 = v_load(codes + k), c1 = v_load(codes + TRIT_UNPACK_COLS + k);
            for (int i = 0; i < n; i++) {
                v128 x = v_load(q + (size_t)i * q_stride + k);
                part[i] = v_add_i16(part[i], v_relaxed_dot_i16(x, c0));
                part[n + i] = v_add_i16(part[n + i], v_relaxed_dot_i16(x, c1));
            }
        }
        for (int i = 0; i < n; i++) {
            sum0[i] += v_sum_i32(v_pairs_i16(part[i]));
            sum1[i] += v_sum_i32(v_pairs_i16(part[n + i]));
        }
    }
}

void tritx_gemm_t2_a8__relaxed16(float *restrict y, size_t y_stride, const uint8_t *restrict w,
                                 const int8_t *restrict q, const int32_t *restrict q_sum,
                                 const float *restrict s, float g, int m, int row_begin,
                                 int row_end, int cols)
{
    tritx_gemm_tiles(add_tile, y, y_stride, w, q, q_sum, s, g, m, row_begin, row_end, cols);
}
