/* SIMD128, which has no byte dot product: two rows share each 16-bit lane, so that one multiplication
 * serves both. Integer sums are exact, so their order is free here. */
#include "kernels.h"
#include "v128.h"
#include "v128_table.h"

/* ---- one token ----
 * A lane holds code0 + 2^12 * code1. Four dot products add at most 8 * 254 = 2032 of the lower row,
 * so (t + 2048) >> 12 is the upper row's part of t. */
enum { SHIFT = 12 };

static volatile const uint16_t code_mask = 0x3003; /* volatile: see v128_table.h */

typedef struct {
    v128 all, upper;
} lanes;

/* Adds the products of 32 columns: `lower` has the lower row's bytes, with the codes of columns
 * 0 ... 15 in bits 0, 1 and of 16 ... 31 in bits 2, 3; `upper` has them 4 bits higher. */
static inline void add_products(lanes *sum, v128 lower, v128 upper, const v128 x[4], v128 mask,
                                v128 half)
{
    v128 a = v_zip_low_u8(lower, upper), b = v_zip_high_u8(lower, upper);
    v128 t = v_add_i32(v_dot_i16(v_and(a, mask), x[0]), v_dot_i16(v_and(b, mask), x[1]));
    a = v_and(v_shr_u16(a, 2), mask);
    b = v_and(v_shr_u16(b, 2), mask);
    t = v_add_i32(v_add_i32(t, v_dot_i16(a, x[2])), v_dot_i16(b, x[3]));
    sum->all = v_add_i32(sum->all, t);
    sum->upper = v_add_i32(sum->upper, v_sar_i32(v_add_i32(t, half), SHIFT));
}

static inline void load_activations(v128 x[4], const int8_t *q)
{
    for (int i = 0; i < 4; i++) x[i] = v_load_i8_as_i16(q + 8 * i);
}

/* y[0] and, when there is a second row, y[1]. even: row 0 is the lower one. odd: row 1 is. */
static inline void finish_pair(float *y, int n_rows, lanes even, lanes odd, int32_t q_sum, float s,
                               float g)
{
    int32_t upper0 = v_sum_i32(odd.upper), upper1 = v_sum_i32(even.upper);
    int32_t row0 = v_sum_i32(even.all) - (int32_t)((uint32_t)upper1 << SHIFT) + upper0;
    int32_t row1 = v_sum_i32(odd.all) - (int32_t)((uint32_t)upper0 << SHIFT) + upper1;
    y[0] = (float)(row0 - q_sum) / s * g;
    if (n_rows > 1) y[1] = (float)(row1 - q_sum) / s * g;
}

void tritx_gemv_t2_a8__v128(float *restrict y, const uint8_t *restrict w, const int8_t *restrict q,
                            int32_t q_sum, float s, float g, int row_begin, int row_end, int cols)
{
    const v128 mask = v_splat_u16(code_mask), half = v_splat_i32(1 << (SHIFT - 1));
    const size_t padded = trit_t2_cols((size_t)cols);
    const lanes zero = {v_splat_i32(0), v_splat_i32(0)};
    for (int row = row_begin; row < row_end; row += 2) {
        const uint8_t *p = w + (size_t)(row / 2) * (padded / 2);
        const int8_t *x = q, *end = q + padded;
        lanes even = zero, odd = zero;
        TRIT_KEEP_LOOP
        for (; x < end; x += TRIT_T2_COLS, p += 2 * TRIT_T2_BLOCK_BYTES) {
            v128 w0 = v_load(p), w1 = v_load(p + TRIT_T2_BLOCK_BYTES), x4[4];
            load_activations(x4, x);
            add_products(&even, w0, w1, x4, mask, half);
            load_activations(x4, x + 32);
            add_products(&odd, w1, w0, x4, mask, half);
        }
        finish_pair(y + row, row_end - row, even, odd, q_sum, s, g);
    }
}

/* ---- many tokens ----
 * A lane holds w0 + 2^14 * w1 with w = code - 1. 32 dot products add at most 64 * 127 = 8128 of the
 * lower row, so (t + 8192) >> 14 is the upper row's part of t. */
enum { WIDE_SHIFT = 14, FLUSH_COLS = 256, CHUNK_COLS = 2048, TILE = 4 };

/* x[k]: both rows' weights of column k; n_cols a multiple of 64. */
static void unpack_pair(int16_t *restrict x, const uint8_t *restrict w, int n_cols)
{
    static const int right[4] = {0, 2, 4, 6}, left[4] = {2, 0, 6, 4};
    const v128 low = v_splat_u16(3), high = v_splat_u16(0xc000), one = v_splat_u16(0x4001);
    for (int k = 0; k < n_cols; k += TRIT_T2_COLS, w += 2 * TRIT_T2_BLOCK_BYTES) {
        v128 w0 = v_load(w), w1 = v_load(w + TRIT_T2_BLOCK_BYTES);
        v128 v[2] = {v_zip_low_u8(w0, w1), v_zip_high_u8(w0, w1)};
        for (int f = 0; f < 4; f++)
            for (int i = 0; i < 2; i++) {
                v128 codes = v_or(v_and(v_shr_u16(v[i], right[f]), low),
                                  v_and(v_shl_u16(v[i], left[f]), high));
                v_store(x + k + 16 * f + 8 * i, v_sub_i16(codes, one));
            }
    }
}

/* sums[row][token] of one group of four rows */
typedef int32_t row_sums[TILE][TRIT_GEMM_MAX];

/* The products of n_cols columns of `pairs` pairs of rows with `n` tokens, pairs <= 2, n <= TILE. */
static inline void add_tile(row_sums sums, int t, const int16_t *restrict x, int pairs,
                            const int8_t *restrict q, size_t q_stride, int n, int n_cols)
{
    const v128 zero = v_splat_i32(0), half = v_splat_i32(1 << (WIDE_SHIFT - 1));
    v128 all[2 * TILE], upper[2 * TILE];
    for (int i = 0; i < pairs * n; i++) all[i] = upper[i] = zero;
    for (int begin = 0; begin < n_cols; begin += FLUSH_COLS) {
        int end = n_cols - begin < FLUSH_COLS ? n_cols : begin + FLUSH_COLS;
        v128 part[2 * TILE];
        for (int i = 0; i < pairs * n; i++) part[i] = zero;
        TRIT_KEEP_LOOP
        for (int k = begin; k < end; k += 8) {
            v128 w0 = v_load(x + k), w1 = pairs > 1 ? v_load(x + CHUNK_COLS + k) : zero;
            for (int i = 0; i < n; i++) {
                v128 a = v_load_i8_as_i16(q + (size_t)i * q_stride + k);
                part[i] = v_add_i32(part[i], v_dot_i16(w0, a));
                if (pairs > 1) part[n + i] = v_add_i32(part[n + i], v_dot_i16(w1, a));
            }
        }
        for (int i = 0; i < pairs * n; i++) {
            all[i] = v_add_i32(all[i], part[i]);
            upper[i] = v_add_i32(upper[i], v_sar_i32(v_add_i32(part[i], half), WIDE_SHIFT));
        }
    }
    for (int i = 0; i < pairs * n; i++) {
        int32_t above = v_sum_i32(upper[i]);
        sums[i / n * 2][t + i % n] += v_sum_i32(all[i]) - (int32_t)((uint32_t)above << WIDE_SHIFT);
        sums[i / n * 2 + 1][t + i % n] += above;
    }
}

static void add_chunk(row_sums sums, const int16_t *restrict x, int pairs, const int8_t *restrict q,
                      size_t q_stride, int m, int n_cols)
{
    int t = 0;
    for (; t + TILE <= m; t += TILE, q += TILE * q_stride)
        if (pairs > 1) add_tile(sums, t, x, 2, q, q_stride, TILE, n_cols);
        else add_tile(sums, t, x, 1, q, q_stride, TILE, n_cols);
    for (; t < m; t++, q += q_stride)
        if (pairs > 1) add_tile(sums, t, x, 2, q, q_stride, 1, n_cols);
        else add_tile(sums, t, x, 1, q, q_stride, 1, n_cols);
}

void tritx_gemm_t2_a8__v128(float *restrict y, size_t y_stride, const uint8_t *restrict w,
                            const int8_t *restrict q, const int32_t *restrict q_sum,
                            const float *restrict s, float g, int m, int row_begin, int row_end,
                            int cols)
{
    const int padded = (int)trit_t2_cols((size_t)cols);
    int16_t x[2 * CHUNK_COLS];
    row_sums sums;
    (void)q_sum; /* the weights are signed here: nothing to subtract */
    for (int row = row_begin; row < row_end; row += TILE) {
        int n_rows = row_end - row < TILE ? row_end - row : TILE, pairs = (n_rows + 1) / 2;
        for (int r = 0; r < TILE; r++) memset(sums[r], 0, (size_t)m * sizeof sums[r][0]);
        for (int k = 0; k < padded; k += CHUNK_COLS) {
            int n = padded - k < CHUNK_COLS ? padded - k : CHUNK_COLS;
            for (int p = 0; p < pairs; p++)
                unpack_pair(x + p * CHUNK_COLS,
                            w + (size_t)(row / 2 + p) * (size_t)(padded / 2) + (size_t)(k / 2), n);
            add_chunk(sums, x, pairs, q + k, (size_t)padded, m, n);
        }
        for (int t = 0; t < m; t++)
            for (int r = 0; r < n_rows; r++)
                y[(size_t)t * y_stride + (size_t)(row + r)] = (float)sums[r][t] / s[t] * g;
    }
}
