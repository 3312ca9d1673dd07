/* SIMD128, which has no byte dot product: look-ups for one token, and for many tokens two rows share
 * each 16-bit lane, so that one multiplication serves both. */
#include "lut_gemv.h"
#include "tiles_gemm.h"

/* ---- one token ---- */

/* The weights of both columns, 16 bits each, for the nibbles 0 ... 3, 4 ... 7 and 8 ... 11; that of code 3
 * never matters. volatile: see v128_table.h */
static volatile const uint32_t weights[12] = {0xffffffff, 0xffff0000, 0xffff0001, 0,
                                              0x0000ffff, 0,          0x00000001, 0,
                                              0x0001ffff, 0x00010000, 0x00010001, 0};

static volatile const uint16_t table_bias = BIAS;

/* The tables of one pair of columns, which is in every lane of q. */
static inline void store_tables(uint8_t *restrict lut, v128 q, const v128 w[3], v128 bias,
                                v128 low_mask)
{
    v128 third = v_dot_i16(q, w[2]);
    v128 a = v_add_i16(v_narrow_i32(v_dot_i16(q, w[0]), v_dot_i16(q, w[1])), bias);
    v128 b = v_add_i16(v_narrow_i32(third, third), bias);
    v_store(lut, v_narrow_i16(v_shr_u16(a, 4), v_shr_u16(b, 4)));
    v_store(lut + 16, v_narrow_i16(v_and(a, low_mask), v_and(b, low_mask)));
}

void tritx_lut_t2__v128(uint8_t *restrict lut, const int8_t *restrict q, int cols)
{
    uint32_t words[12];
    for (int i = 0; i < 12; i++) words[i] = weights[i];
    const v128 w[3] = {v_load(words), v_load(words + 4), v_load(words + 8)},
               low_mask = v_splat_u16(nibble_mask), bias = v_splat_u16(table_bias);
    for (int k = 0; k < (int)trit_t2_cols((size_t)cols); k += 8, lut += 128) {
        v128 pairs = v_load_i8_as_i16(q + k);
        v128 p01 = v_zip_low_u32(pairs, pairs), p23 = v_zip_high_u32(pairs, pairs);
        store_tables(lut, v_zip_low_u64(p01, p01), w, bias, low_mask);
        store_tables(lut + 32, v_zip_high_u64(p01, p01), w, bias, low_mask);
        store_tables(lut + 64, v_zip_low_u64(p23, p23), w, bias, low_mask);
        store_tables(lut + 96, v_zip_high_u64(p23, p23), w, bias, low_mask);
    }
}

void tritx_gemv_t2_a8__v128(int32_t *restrict sum, const uint8_t *restrict w,
                            const int8_t *restrict q, const uint8_t *restrict lut, int row_begin,
                            int row_end, int rows, int col_begin, int col_end, int cols)
{
    (void)q;
    lut_gemv(v_look_up, sum, w, lut, row_begin, row_end, rows, col_begin, col_end, cols);
}

void tritx_scale_sums__v128(float *restrict y, const int32_t *restrict sum, int n_parts,
                            size_t stride, float s, float g, int n)
{
    const v128 s4 = v_splat_f32(s), g4 = v_splat_f32(g);
    int i = 0;
    for (; i + 4 <= n; i += 4) {
        v128 total = v_load(sum + i);
        for (int p = 1; p < n_parts; p++)
            total = v_add_i32(total, v_load(sum + (size_t)p * stride + i));
        v_store(y + i, v_mul_f32(v_div_f32(v_f32_of_i32(total), s4), g4));
    }
    for (; i < n; i++) {
        int32_t total = 0;
        for (int p = 0; p < n_parts; p++) total += sum[(size_t)p * stride + (size_t)i];
        y[i] = (float)total / s * g;
    }
}

/* ---- many tokens ----
 * A lane holds w0 + 2^14 * w1 with w = code - 1. 32 dot products add at most 64 * 127 = 8128 of the
 * first row, so (t + 8192) >> 14 is the second row's part of t. */
enum { SHIFT = 14, FLUSH_COLS = 256, PAIR_BYTES = 2 * UNPACK_COLS, STEP_PAIRS = 2 };

static inline v128 join_weights(v128 codes)
{
    v128 joined =
        v_or(v_and(codes, v_splat_u16(3)), v_and(v_shl_u16(codes, 6), v_splat_u16(0xc000)));
    return v_sub_i16(joined, v_splat_u16(0x4001));
}

static inline void store_joined(uint8_t *restrict x, int col, v128 row0, v128 row1)
{
    v_store(x + 2 * col, join_weights(v_zip_low_u8(row0, row1)));
    v_store(x + 2 * col + 16, join_weights(v_zip_high_u8(row0, row1)));
}

static inline __attribute__((always_inline)) void add_products(int32_t *restrict sums,
                                                               const uint8_t *restrict x,
                                                               const int8_t *restrict q,
                                                               size_t q_stride, int n, int n_cols)
{
    const v128 zero = v_splat_i32(0), half = v_splat_i32(1 << (SHIFT - 1));
    v128 all[STEP_PAIRS * TILE_TOKENS], upper[STEP_PAIRS * TILE_TOKENS];
    for (int i = 0; i < STEP_PAIRS * n; i++) all[i] = upper[i] = zero;
    for (int begin = 0; begin < n_cols; begin += FLUSH_COLS) {
        int end = n_cols - begin < FLUSH_COLS ? n_cols : begin + FLUSH_COLS;
        v128 part[STEP_PAIRS * TILE_TOKENS];
        for (int i = 0; i < STEP_PAIRS * n; i++) part[i] = zero;
        TRIT_KEEP_LOOP
        for (int k = begin; k < end; k += 8) {
            v128 w0 = v_load(x + 2 * k), w1 = v_load(x + PAIR_BYTES + 2 * k);
            for (int i = 0; i < n; i++) {
                v128 a = v_load_i8_as_i16(q + (size_t)i * q_stride + k);
                part[i] = v_add_i32(part[i], v_dot_i16(w0, a));
                part[n + i] = v_add_i32(part[n + i], v_dot_i16(w1, a));
            }
        }
        for (int i = 0; i < STEP_PAIRS * n; i++) {
            all[i] = v_add_i32(all[i], part[i]);
            upper[i] = v_add_i32(upper[i], v_sar_i32(v_add_i32(part[i], half), SHIFT));
        }
    }
    for (int i = 0; i < STEP_PAIRS * n; i++) all[i] = v_sub_i32(all[i], v_shl_i32(upper[i], SHIFT));
    for (int p = 0; p < STEP_PAIRS; p++, sums += 2 * TRIT_GEMM_MAX) {
        add_sums(sums, all + p * n, n);
        add_sums(sums + TRIT_GEMM_MAX, upper + p * n, n);
    }
}

static void rows_products(int32_t *restrict sums, const uint8_t *restrict x,
                          const int8_t *restrict q, size_t q_stride, int n, int n_cols)
{
    switch (n) { /* constants, so that the sums stay in registers */
    case 1: add_products(sums, x, q, q_stride, 1, n_cols); break;
    case 2: add_products(sums, x, q, q_stride, 2, n_cols); break;
    case 3: add_products(sums, x, q, q_stride, 3, n_cols); break;
    default: add_products(sums, x, q, q_stride, TILE_TOKENS, n_cols);
    }
}

void tritx_gemm_t2_a8__v128(float *restrict y, size_t y_stride, const uint8_t *restrict w,
                            const int8_t *restrict q, const int32_t *restrict q_sum,
                            const float *restrict s, float g, int m, int row_begin, int row_end,
                            int rows, int cols)
{
    uint8_t x[UNPACK_ROWS / 2 * PAIR_BYTES];
    int32_t sums[UNPACK_ROWS * TRIT_GEMM_MAX];
    (void)q_sum; /* the weights are signed here: nothing to subtract */
    for (int row = row_begin; row < row_end; row += UNPACK_ROWS) {
        int n = row_end - row < UNPACK_ROWS ? row_end - row : UNPACK_ROWS;
        tiles_gemm(store_joined, rows_products, STEP_PAIRS, x, PAIR_BYTES, sums, w, q, m, row, rows,
                   cols);
        for (int t = 0; t < m; t++)
            for (int r = 0; r < n; r++)
                y[(size_t)t * y_stride + (size_t)(row + r)] =
                    (float)sums[r * TRIT_GEMM_MAX + t] / s[t] * g;
    }
}
