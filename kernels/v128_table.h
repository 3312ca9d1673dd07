/* What the SIMD128 files share: declarations of the table's functions and f16 loading. */
#ifndef TRIT_V128_TABLE_H
#define TRIT_V128_TABLE_H

#include "kernels.h"
#include "v128.h"

#define TRIT_OP(op) trit_##op##_fn tritx_##op##__v128;
#include "kernels.def"
#undef TRIT_OP

/* Four f16 as f32; the vector form of tritx_f32_of_f16, exact for every value. */
static inline v128 v_load_f16(const uint16_t *p)
{
    v128 h = v_load_u16_as_u32(p);
    v128 sign = v_shl_i32(v_and(h, v_splat_i32(0x8000)), 16);
    v128 rest = v_shl_i32(v_and(h, v_splat_i32(0x7fff)), 13);
    v128 infinite = v_splat_i32(0x7c00);
    v128 special = v_and(v_eq_i32(v_and(h, infinite), infinite), v_splat_i32(0x7f800000));
    v128 magnitude = v_mul_f32(rest, v_splat_i32(0x77800000));
    /* for infinities and NaN the product has a wrong, large exponent: all its bits are set by or */
    return v_or(v_or(sign, magnitude), special);
}

#endif
