/* A thin layer of 128-bit vector operations with two back ends: WebAssembly SIMD, and the vector
 * extensions of GCC and Clang, so that the same kernel source runs under native sanitizers.
 * Only operations that mean the same on both are here. */
#ifndef TRIT_V128_H
#define TRIT_V128_H

#include <stdint.h>
#include <string.h>

#ifdef __wasm_simd128__
#include <wasm_simd128.h>

typedef v128_t v128;

static inline v128 v_load(const void *p) { return wasm_v128_load(p); }
static inline void v_store(void *p, v128 a) { wasm_v128_store(p, a); }
static inline v128 v_splat_u8(uint8_t x) { return wasm_u8x16_splat(x); }
static inline v128 v_splat_i32(int32_t x) { return wasm_i32x4_splat(x); }
static inline v128 v_splat_f32(float x) { return wasm_f32x4_splat(x); }
static inline v128 v_and(v128 a, v128 b) { return wasm_v128_and(a, b); }
static inline v128 v_or(v128 a, v128 b) { return wasm_v128_or(a, b); }
static inline v128 v_shr_u16_2(v128 a) { return wasm_u16x8_shr(a, 2); }
static inline v128 v_shl_i32(v128 a, int n) { return wasm_i32x4_shl(a, (uint32_t)n); }
static inline v128 v_add_i16(v128 a, v128 b) { return wasm_i16x8_add(a, b); }
static inline v128 v_add_i32(v128 a, v128 b) { return wasm_i32x4_add(a, b); }
static inline v128 v_sub_i32(v128 a, v128 b) { return wasm_i32x4_sub(a, b); }
static inline v128 v_eq_i32(v128 a, v128 b) { return wasm_i32x4_eq(a, b); }
static inline v128 v_extmul_low_i8(v128 a, v128 b) { return wasm_i16x8_extmul_low_i8x16(a, b); }
static inline v128 v_extmul_high_i8(v128 a, v128 b) { return wasm_i16x8_extmul_high_i8x16(a, b); }
static inline v128 v_pairs_i16(v128 a) { return wasm_i32x4_extadd_pairwise_i16x8(a); }
static inline v128 v_dot_i16(v128 a, v128 b) { return wasm_i32x4_dot_i16x8(a, b); }
static inline v128 v_load_i8_as_i16(const int8_t *p) { return wasm_i16x8_load8x8(p); }
static inline v128 v_load_i8_as_i32(const int8_t *p)
{
    return wasm_i32x4_extend_low_i16x8(wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(p)));
}
static inline v128 v_load_u16_as_u32(const uint16_t *p) { return wasm_u32x4_load16x4(p); }
/* lanes must fit: no saturation is relied on */
static inline v128 v_narrow_i32(v128 a, v128 b) { return wasm_i16x8_narrow_i32x4(a, b); }
static inline v128 v_narrow_i16(v128 a, v128 b) { return wasm_i8x16_narrow_i16x8(a, b); }
static inline v128 v_add_f32(v128 a, v128 b) { return wasm_f32x4_add(a, b); }
static inline v128 v_sub_f32(v128 a, v128 b) { return wasm_f32x4_sub(a, b); }
static inline v128 v_mul_f32(v128 a, v128 b) { return wasm_f32x4_mul(a, b); }
static inline v128 v_div_f32(v128 a, v128 b) { return wasm_f32x4_div(a, b); }
static inline v128 v_abs_f32(v128 a) { return wasm_f32x4_abs(a); }
/* a > b ? a : b; of no meaning for NaN */
static inline v128 v_max_f32(v128 a, v128 b) { return wasm_f32x4_pmax(b, a); }
static inline v128 v_f32_of_i32(v128 a) { return wasm_f32x4_convert_i32x4(a); }

#else

typedef int32_t v128 __attribute__((vector_size(16), aligned(16)));
typedef int16_t v_i16x8 __attribute__((vector_size(16)));
typedef uint16_t v_u16x8 __attribute__((vector_size(16)));
typedef uint32_t v_u32x4 __attribute__((vector_size(16)));
typedef int8_t v_i8x16 __attribute__((vector_size(16)));
typedef float v_f32x4 __attribute__((vector_size(16)));
typedef int8_t v_i8x8 __attribute__((vector_size(8)));
typedef int8_t v_i8x4 __attribute__((vector_size(4)));
typedef uint16_t v_u16x4 __attribute__((vector_size(8)));
typedef int16_t v_i16x4 __attribute__((vector_size(8)));

static inline v128 v_load(const void *p)
{
    v128 a;
    memcpy(&a, p, 16);
    return a;
}
static inline void v_store(void *p, v128 a) { memcpy(p, &a, 16); }
static inline v128 v_splat_i32(int32_t x) { return (v128){x, x, x, x}; }
static inline v128 v_splat_u8(uint8_t x) { return v_splat_i32((int32_t)(x * 0x01010101u)); }
static inline v128 v_splat_f32(float x) { return (v128)(v_f32x4){x, x, x, x}; }
static inline v128 v_and(v128 a, v128 b) { return a & b; }
static inline v128 v_or(v128 a, v128 b) { return a | b; }
static inline v128 v_shr_u16_2(v128 a) { return (v128)((v_u16x8)a >> 2); }
static inline v128 v_shl_i32(v128 a, int n) { return (v128)((v_u32x4)a << n); }
static inline v128 v_add_i16(v128 a, v128 b) { return (v128)((v_u16x8)a + (v_u16x8)b); }
static inline v128 v_add_i32(v128 a, v128 b) { return (v128)((v_u32x4)a + (v_u32x4)b); }
static inline v128 v_sub_i32(v128 a, v128 b) { return (v128)((v_u32x4)a - (v_u32x4)b); }
static inline v128 v_eq_i32(v128 a, v128 b) { return (v128)(a == b); }
static inline v_i16x8 v_widen_half(v128 a, int half)
{
    v_i8x8 h;
    memcpy(&h, (const char *)&a + 8 * half, 8);
    return __builtin_convertvector(h, v_i16x8);
}
static inline v128 v_extmul_low_i8(v128 a, v128 b)
{
    return (v128)(v_widen_half(a, 0) * v_widen_half(b, 0));
}
static inline v128 v_extmul_high_i8(v128 a, v128 b)
{
    return (v128)(v_widen_half(a, 1) * v_widen_half(b, 1));
}
static inline v128 v_pairs_i16(v128 a) { return ((v128)((v_u32x4)a << 16) >> 16) + (a >> 16); }
static inline v128 v_dot_i16(v128 a, v128 b)
{
    v128 even = ((v128)((v_u32x4)a << 16) >> 16) * ((v128)((v_u32x4)b << 16) >> 16);
    return v_add_i32(even, (a >> 16) * (b >> 16));
}
static inline v128 v_load_i8_as_i16(const int8_t *p)
{
    v_i8x8 h;
    memcpy(&h, p, 8);
    return (v128) __builtin_convertvector(h, v_i16x8);
}
static inline v128 v_load_i8_as_i32(const int8_t *p)
{
    v_i8x4 h;
    memcpy(&h, p, 4);
    return __builtin_convertvector(h, v128);
}
static inline v128 v_load_u16_as_u32(const uint16_t *p)
{
    v_u16x4 h;
    memcpy(&h, p, 8);
    return __builtin_convertvector(h, v128);
}
static inline v128 v_narrow_i32(v128 a, v128 b)
{
    v_i16x4 half[2] = {__builtin_convertvector(a, v_i16x4), __builtin_convertvector(b, v_i16x4)};
    return v_load(half);
}
static inline v128 v_narrow_i16(v128 a, v128 b)
{
    v_i8x8 half[2] = {__builtin_convertvector((v_i16x8)a, v_i8x8),
                      __builtin_convertvector((v_i16x8)b, v_i8x8)};
    return v_load(half);
}
static inline v128 v_add_f32(v128 a, v128 b) { return (v128)((v_f32x4)a + (v_f32x4)b); }
static inline v128 v_sub_f32(v128 a, v128 b) { return (v128)((v_f32x4)a - (v_f32x4)b); }
static inline v128 v_mul_f32(v128 a, v128 b) { return (v128)((v_f32x4)a * (v_f32x4)b); }
static inline v128 v_div_f32(v128 a, v128 b) { return (v128)((v_f32x4)a / (v_f32x4)b); }
static inline v128 v_abs_f32(v128 a) { return a & 0x7fffffff; }
static inline v128 v_max_f32(v128 a, v128 b)
{
    v128 greater = (v128)((v_f32x4)a > (v_f32x4)b);
    return (a & greater) | (b & ~greater);
}
static inline v128 v_f32_of_i32(v128 a) { return (v128) __builtin_convertvector(a, v_f32x4); }

#endif

/* Sum of the four lanes, in the order every float op of this project uses. */
static inline float v_sum_f32(v128 a)
{
    float lane[4];
    v_store(lane, a);
    return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}
static inline int32_t v_sum_i32(v128 a)
{
    uint32_t lane[4];
    v_store(lane, a);
    return (int32_t)(lane[0] + lane[1] + lane[2] + lane[3]);
}

#endif
