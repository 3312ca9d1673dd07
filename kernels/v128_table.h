/* What the SIMD files share: declarations of the tables' functions, loops and f16 loading. */
#ifndef TRIT_V128_TABLE_H
#define TRIT_V128_TABLE_H

#include "kernels.h"
#include "v128.h"

#define TRIT_OP(op) trit_##op##_fn tritx_##op##__v128;
#include "kernels.def"
#undef TRIT_OP

/* What relaxed16 takes from v128: the tables of sums are the same, and without the 32-bit dot product
 * the plain head is the faster one. */
#define tritx_lut_t2__relaxed16 tritx_lut_t2__v128
#define tritx_head_i8_h14__relaxed16 tritx_head_i8_h14__v128

/* The relaxed tables have their own integer products and every other op of v128. */
#define TRIT_OP(op)
#define TRIT_OP_INTEGER(op) trit_##op##_fn tritx_##op##__relaxed;
#include "kernels.def"
#define TRIT_OP_INTEGER(op) trit_##op##_fn tritx_##op##__relaxed16;
#include "kernels.def"
#undef TRIT_OP

trit_gemv_rows_t2_a8_fn tritx_gemv_rows_t2_a8__relaxed;

/* Compilers unroll a loop over columns and then compute one accumulator after the other, with all
 * loads first and every register spilled; engines unroll the plain loop in the right order. */
#ifdef __clang__
#define TRIT_KEEP_LOOP _Pragma("clang loop unroll(disable)")
#else
#define TRIT_KEEP_LOOP
#endif

/* Masks of hot loops are volatile: an engine makes a vector constant anew at each use, in several
 * instructions, but keeps a value that came from memory in a register. */

/* Tokens that a GEMM computes together in registers. */
enum { TILE_TOKENS = 4 };

/* sums[i] += the lanes of x[i], for n tokens, 1 ... TILE_TOKENS. */
static inline void add_sums(int32_t *restrict sums, const v128 *x, int n)
{
    if (n == TILE_TOKENS) v_store(sums, v_add_i32(v_load(sums), v_sums_i32(x)));
    else
        for (int i = 0; i < n; i++) sums[i] += v_sum_i32(x[i]);
}

/* score -> exp(score * scale - max) in place; returns their sum in four lanes. n >= 1. */
float tritx_softmax__v128(float *score, int n, float scale);

/* What f16 numbers need on their way to f32; load it before the loop. */
typedef struct {
    v128 sign_and_rest, scale;
} v_f16;

static inline v_f16 v_f16_constants(void)
{
    /* 2^112 moves the exponent from bias 15 to 127; a subnormal becomes normal on the way */
    static volatile const uint32_t constants[2] = {0x8fffe000u, 0x77800000u};
    return (v_f16){v_splat_i32((int32_t)constants[0]), v_splat_i32((int32_t)constants[1])};
}

/* Four f16 as f32, finite ones only; otherwise as tritx_f32_of_f16. */
static inline v128 v_load_f16(const uint16_t *p, v_f16 c)
{
    return v_mul_f32(v_and(v_shl_i32(v_load_i16_as_i32(p), 13), c.sign_and_rest), c.scale);
}

#endif
