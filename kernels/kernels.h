/* Arithmetic on plain arrays: the table of kernels and the contract of each op.
 *
 * Exactness is the contract: integer ops are exact; float ops have a fixed order of operations,
 * written down at each op, that does not depend on batch, threads or the caller's slicing. "Sum in
 * four lanes" means: lane l adds x[l], x[l+4], x[l+8] ... in order, then (l0 + l1) + (l2 + l3).
 * Preconditions are the caller's duty; kernels check nothing and read nothing past the named ends.
 * Arrays are the caller's; nothing is allocated or kept. */
#ifndef TRIT_KERNELS_H
#define TRIT_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

/* wire, a row of ternary codes in the packed file, five a byte (models/FORMAT.md, "Ternary codes"). */
static inline size_t trit_wire_bytes(size_t cols) { return (cols + 4) / 5; }

/* i8, the kernel layout of int8 rows (embedding, head): rows in pairs, 16 columns a row and block:
 * [rows/2][cols/16][2][16], so that one thread reads one stream. cols a multiple of 16; rows are
 * padded to 2. */
enum { TRIT_I8_COLS = 16, TRIT_HEAD_COLS_MAX = 8192 };

static inline size_t trit_i8_offset(size_t row, size_t col, size_t cols)
{
    return row / 2 * 2 * cols + col / 16 * 32 + row % 2 * 16 + col % 16;
}

/* Most tokens of one gemm call. */
enum { TRIT_GEMM_MAX = 256 };

/* q[i] = rint(x[i] * s), s = 127 / max(max|x|, 1e-5), half to even.
 * x [n] finite float, any n >= 1; q [n_pad] int8 in -127 ... 127, zero from n on; *sum = sum of q.
 * Returns s; NaN when an x is not finite. Source: BitNet b1.58, Training Tips (A8). */
typedef float trit_quant_a8_fn(int8_t *restrict q, int32_t *restrict sum, const float *restrict x,
                               int n, int n_pad);

/* Head contract H14: q[i] = rint(x[i] * s), s = 8191 / max(max|x|, 1e-5), then q + 8192 in two
 * 7-bit planes: high[i] = (q + 8192) >> 7, low[i] = (q + 8192) & 127.
 * x [n] finite float, any n >= 1; high, low [n_pad], from n on the planes of q = 0.
 * Returns s; NaN when an x is not finite. Source: ours, so that a 7-bit dot product can be used. */
typedef float trit_quant_h14_fn(uint8_t *restrict high, uint8_t *restrict low,
                                const float *restrict x, int n, int n_pad);

/* What gemv wants to know of the activations of one token besides q: tables of their sums, for the
 * designs that look products up; others write nothing.
 * lut [TRIT_LUT_BYTES * trit_t2_cols(cols)]; q [trit_t2_cols(cols)] int8, zero beyond cols. */
enum { TRIT_LUT_BYTES = 16 };
typedef void trit_lut_t2_fn(uint8_t *restrict lut, const int8_t *restrict q, int cols);

/* sum[r] = sum over k in [col_begin, col_end) of (code(w,r,k) - 1) * q[k], for r in [row_begin, row_end).
 * w    the whole matrix of `rows` rows and `cols` columns in the table's layout
 * q    [trit_t2_cols(cols)] int8, zero beyond cols; lut made of them by lut_t2
 * sum  [row_end], only the range is written. row_begin is a multiple of TRIT_T2_ROWS, col_begin of
 *      TRIT_T2_COLS, col_end one or cols.
 * Sums of the parts of a row add up, so threads can share what is one stream of memory.
 * Source: BitNet b1.58 (arXiv 2402.17764) section 2; layouts ours. */
typedef void trit_gemv_t2_a8_fn(int32_t *restrict sum, const uint8_t *restrict w,
                                const int8_t *restrict q, const uint8_t *restrict lut,
                                int row_begin, int row_end, int rows, int col_begin, int col_end,
                                int cols);

/* y[i] = (float)(sum[0][i] + sum[1][i] + ...) / s * g, of n_parts rows of sums that are stride apart.
 * s, g  activation and weight scale; y, sum[p] [n], any n >= 1
 * |sum| <= 127 * cols < 2^24 for cols <= 132,000: exact as a float. Same source. */
typedef void trit_scale_sums_fn(float *restrict y, const int32_t *restrict sum, int n_parts,
                                size_t stride, float s, float g, int n);

/* y[r] = (float)(sum_k (code(w,r,k) - 1) * q[k]) / s * g for the rows list[0] ... list[n_list - 1], each
 * at most once, of a matrix in layout TRIT_LAYOUT_PAIRS; q_sum = the sum of q. */
typedef void trit_gemv_rows_t2_a8_fn(float *restrict y, const uint8_t *restrict w,
                                     const int8_t *restrict q, int32_t q_sum, float s, float g,
                                     const int32_t *restrict list, int n_list, int cols);

/* The same for rows [row_begin, row_end) of a matrix in the table's layout and m tokens: token t has q + t * trit_t2_cols(cols), q_sum[t], s[t], y + t * y_stride.
 * 1 <= m <= TRIT_GEMM_MAX. */
typedef void trit_gemm_t2_a8_fn(float *restrict y, size_t y_stride, const uint8_t *restrict w,
                                const int8_t *restrict q, const int32_t *restrict q_sum,
                                const float *restrict s, float g, int m, int row_begin, int row_end,
                                int rows, int cols);

/* y[r] = (float)(128 * sum high*w + sum low*w - 8192 * w_sum[r]) / s * scale[r], the integers in
 * 64 bits, for r in [row_begin, row_end); row_begin is even.
 * w  i8 layout, codes in -127 ... 127; cols <= TRIT_HEAD_COLS_MAX
 * scale, w_sum [rows], w_sum[r] = the sum of row r; high, low [cols] and s from quant_h14. */
typedef void trit_head_i8_h14_fn(float *restrict y, const int8_t *restrict w,
                                 const float *restrict scale, const int32_t *restrict w_sum,
                                 const uint8_t *restrict high, const uint8_t *restrict low, float s,
                                 int row_begin, int row_end, int cols);

/* y[r] = sum in four lanes of x[k] * f32(w[r][k]), for r in [row_begin, row_end).
 * w [rows][cols] f16; x [cols] float; cols a multiple of 16. */
typedef void trit_head_f16_fn(float *restrict y, const uint16_t *restrict w,
                              const float *restrict x, int row_begin, int row_end, int cols);

/* y[i] = x[i] * r * gain[i], r = 1 / sqrt(sum in four lanes of x*x / n + eps).
 * x, y, gain [n], n a multiple of 4. Source: RMSNorm (arXiv 1910.07467). */
typedef void trit_rms_norm_fn(float *restrict y, const float *restrict x,
                              const float *restrict gain, int n, float eps);

/* Rotates the pairs (i, i + n/2) of each of n_head vectors x [n_head][n] in place:
 * x' = x*cos - y*sin, y' = y*cos + x*sin; cos, sin [n/2] of this position. n a multiple of 4.
 * Source: RoFormer (arXiv 2104.09864), with the pairs of GPT-NeoX. */
typedef void trit_rope_fn(float *restrict x, const float *restrict cos, const float *restrict sin,
                          int n_head, int n);

/* Keys and values of one KV head: k, v [n_kv][n]. i8: element times k_scale or v_scale [n_kv]; NULL for
 * the others. f16 elements are finite. */
typedef enum { TRIT_KV_ELEMENT_F32, TRIT_KV_ELEMENT_F16, TRIT_KV_ELEMENT_I8 } trit_kv_element;
typedef struct {
    trit_kv_element element;
    const void *k, *v;
    const float *k_scale, *v_scale;
} trit_kv_view;

/* n_group query heads over n_kv cached positions of the KV head that they share. For each of them:
 * score[t] = (sum in four lanes of q*k[t]) (* k_scale[t]) * scale; p = exp(score - max score);
 * total = sum in four lanes of p; p *= v_scale[t] when there is one;
 * y[i] = (p[0]*v[0][i] + p[1]*v[1][i] + ... in order) / total.
 * q, y [n_group][n] float, n a multiple of 4; score [n_group][n_kv] scratch; n_kv >= 1. */
typedef void trit_attention_fn(float *restrict y, float *restrict score, const float *restrict q,
                               int n_group, const trit_kv_view *kv, int n_kv, int n, float scale);

/* y[i] = gate[i] / (1 + exp(-gate[i])) * up[i]. y, gate, up [n], n a multiple of 4.
 * Source: GLU variants (arXiv 2002.05202), SwiGLU. */
typedef void trit_glu_silu_fn(float *restrict y, const float *restrict gate,
                              const float *restrict up, int n);
/* y[i] = gate[i]^2 * up[i] where gate[i] > 0, else 0, whatever up[i] is: it need not be computed.
 * y, gate, up [n], n a multiple of 4.
 * Source: BitNet b1.58 2B4T (arXiv 2504.12285) section 2. */
typedef void trit_glu_relu2_fn(float *restrict y, const float *restrict gate,
                               const float *restrict up, int n);
/* x[i] += y[i]. x, y [n], n a multiple of 4. */
typedef void trit_add_fn(float *restrict x, const float *restrict y, int n);

/* codes [cols] of one row of wire [trit_wire_bytes(cols)], and 1 from there to the larger of
 * trit_t2_cols(cols) and 5 * trit_wire_bytes(cols), which is at most 4 more. False, with any codes
 * in 0 ... 2, when a byte is not one that codes make or a code beyond cols is not 1. */
typedef bool trit_wire_decode_fn(uint8_t *restrict codes, const uint8_t *restrict wire, int cols);

typedef struct {
    const char *name;
    trit_layout layout;                       /* of ternary weights */
    trit_gemv_rows_t2_a8_fn *gemv_rows_t2_a8; /* NULL with TRIT_LAYOUT_TILES */
#define TRIT_OP(op) trit_##op##_fn *op;
#include "kernels.def"
#undef TRIT_OP
} trit_kernels;

/* ref: the definition of correct. v128: SIMD128, sums looked up. relaxed: for processors with a byte
 * dot product (ARM, x86 with VNNI). relaxed16: for x86 without it, sums looked up. */
extern const trit_kernels trit_kernels_ref, trit_kernels_v128, trit_kernels_relaxed,
    trit_kernels_relaxed16;

/* The table of this name, NULL when this build has none of it. name NULL: the fastest as a rule. */
const trit_kernels *trit_kernels_by_name(const char *name);
/* All tables of this build, ref last; NULL beyond. */
const trit_kernels *trit_kernels_by_index(int index);

#endif
