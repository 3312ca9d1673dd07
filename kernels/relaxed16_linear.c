/* Relaxed SIMD for x86 without VNNI: look-ups in one instruction for one token, and the 16-bit dot
 * product for many, where the 32-bit one is five instructions. */
#include "lut_gemv.h"
#include "tiles_gemm.h"

void tritx_gemv_t2_a8__relaxed16(int32_t *restrict sum, const uint8_t *restrict w,
                                 const int8_t *restrict q, const uint8_t *restrict lut,
                                 int row_begin, int row_end, int rows, int col_begin, int col_end,
                                 int cols)
{
    (void)q;
    lut_gemv(v_relaxed_look_up, sum, w, lut, row_begin, row_end, rows, col_begin, col_end, cols);
}

/* Codes 0 ... 2 are the 7-bit operand. A lane takes UNPACK_COLS / 16 = 32 pairs of products, each at
 * most 508: below 2^15. */
static inline void store_bytes(uint8_t *restrict x, int col, v128 row0, v128 row1)
{
    v_store(x + 2 * col, row0);
    v_store(x + 2 * col + 16, row1);
}

static inline __attribute__((always_inline)) void add_products(int32_t *restrict sums,
                                                               const uint8_t *restrict x,
                                                               const int8_t *restrict q,
                                                               size_t q_stride, int n, int n_cols)
{
    v128 part[2 * TILE_TOKENS];
    for (int i = 0; i < 2 * n; i++) part[i] = v_splat_i32(0);
    TRIT_KEEP_LOOP
    for (const uint8_t *end = x + 2 * n_cols; x < end; x += 64, q += 32) {
        v128 c0 = v_load(x), c1 = v_load(x + 16), d0 = v_load(x + 32), d1 = v_load(x + 48);
        for (int i = 0; i < n; i++) {
            const int8_t *p = q + (size_t)i * q_stride;
            v128 a = v_load(p), b = v_load(p + 16);
            part[i] =
                v_add_i16(part[i], v_add_i16(v_relaxed_dot_i16(a, c0), v_relaxed_dot_i16(b, d0)));
            part[n + i] = v_add_i16(part[n + i],
                                    v_add_i16(v_relaxed_dot_i16(a, c1), v_relaxed_dot_i16(b, d1)));
        }
    }
    for (int i = 0; i < 2 * n; i++) part[i] = v_pairs_i16(part[i]);
    for (int r = 0; r < 2; r++) add_sums(sums + r * TRIT_GEMM_MAX, part + r * n, n);
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

void tritx_gemm_t2_a8__relaxed16(float *restrict y, size_t y_stride, const uint8_t *restrict w,
                                 const int8_t *restrict q, const int32_t *restrict q_sum,
                                 const float *restrict s, float g, int m, int row_begin,
                                 int row_end, int rows, int cols)
{
    uint8_t x[UNPACK_ROWS * UNPACK_COLS];
    int32_t sums[UNPACK_ROWS * TRIT_GEMM_MAX];
    for (int row = row_begin; row < row_end; row += UNPACK_ROWS) {
        int n = row_end - row < UNPACK_ROWS ? row_end - row : UNPACK_ROWS;
        tiles_gemm(store_bytes, rows_products, 1, x, 2 * UNPACK_COLS, sums, w, q, m, row, rows,
                   cols);
        for (int t = 0; t < m; t++)
            for (int r = 0; r < n; r++)
                y[(size_t)t * y_stride + (size_t)(row + r)] =
                    (float)(sums[r * TRIT_GEMM_MAX + t] - q_sum[t]) / s[t] * g;
    }
}
