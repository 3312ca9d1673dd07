/* A thin layer of 128-bit vector operations with two back ends: WebAssembly SIMD, and the vector
 * extensions of GCC and Clang, so that the same kernel source runs under native sanitizers.
 * Only operations that mean the same on both are here. */
#ifndef TRIT_V128_H
#define TRIT_V128_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __wasm_simd128__
#include <wasm_simd128.h>

typedef v128_t v128;

static inline v128 v_load(const void *p) { return wasm_v128_load(p); }
static inline void v_store(void *p, v128 a) { wasm_v128_store(p, a); }
static inline v128 v_splat_u8(uint8_t x) { return wasm_u8x16_splat(x); }
static inline v128 v_splat_u16(uint16_t x) { return wasm_u16x8_splat(x); }
static inline v128 v_splat_i32(int32_t x) { return wasm_i32x4_splat(x); }
static inline v128 v_splat_f32(float x) { return wasm_f32x4_splat(x); }
static inline v128 v_and(v128 a, v128 b) { return wasm_v128_and(a, b); }
static inline v128 v_or(v128 a, v128 b) { return wasm_v128_or(a, b); }
static inline v128 v_shr_u16(v128 a, int n) { return wasm_u16x8_shr(a, (uint32_t)n); }
static inline v128 v_shl_u16(v128 a, int n) { return wasm_i16x8_shl(a, (uint32_t)n); }
static inline v128 v_shl_i32(v128 a, int n) { return wasm_i32x4_shl(a, (uint32_t)n); }
static inline v128 v_sar_i32(v128 a, int n) { return wasm_i32x4_shr(a, (uint32_t)n); }
/* a0 b0 a1 b1 ... of the low or of the high halves */
static inline v128 v_zip_low_u8(v128 a, v128 b)
{
    return wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
static inline v128 v_zip_high_u8(v128 a, v128 b)
{
    return wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
static inline v128 v_zip_low_u16(v128 a, v128 b)
{
    return wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
static inline v128 v_zip_high_u16(v128 a, v128 b)
{
    return wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
static inline v128 v_zip_low_u32(v128 a, v128 b) { return wasm_i32x4_shuffle(a, b, 0, 4, 1, 5); }
static inline v128 v_zip_high_u32(v128 a, v128 b) { return wasm_i32x4_shuffle(a, b, 2, 6, 3, 7); }
static inline v128 v_zip_low_u64(v128 a, v128 b) { return wasm_i64x2_shuffle(a, b, 0, 2); }
static inline v128 v_zip_high_u64(v128 a, v128 b) { return wasm_i64x2_shuffle(a, b, 1, 3); }
/* table[i], i in 0 ... 15 */
static inline v128 v_look_up(v128 table, v128 i) { return wasm_i8x16_swizzle(table, i); }
static inline v128 v_xor(v128 a, v128 b) { return wasm_v128_xor(a, b); }
static inline bool v_any(v128 a) { return wasm_v128_any_true(a); }
static inline v128 v_gt_i8(v128 a, v128 b) { return wasm_i8x16_gt(a, b); }
static inline v128 v_add_i8(v128 a, v128 b) { return wasm_i8x16_add(a, b); }
static inline v128 v_sub_i8(v128 a, v128 b) { return wasm_i8x16_sub(a, b); }
static inline v128 v_mul_i16(v128 a, v128 b) { return wasm_i16x8_mul(a, b); }
static inline v128 v_sub_i16(v128 a, v128 b) { return wasm_i16x8_sub(a, b); }
static inline v128 v_add_i16(v128 a, v128 b) { return wasm_i16x8_add(a, b); }
static inline v128 v_add_i32(v128 a, v128 b) { return wasm_i32x4_add(a, b); }
static inline v128 v_sub_i32(v128 a, v128 b) { return wasm_i32x4_sub(a, b); }
static inline v128 v_eq_i32(v128 a, v128 b) { return wasm_i32x4_eq(a, b); }
static inline v128 v_pairs_i16(v128 a) { return wasm_i32x4_extadd_pairwise_i16x8(a); }
static inline v128 v_dot_i16(v128 a, v128 b) { return wasm_i32x4_dot_i16x8(a, b); }
static inline v128 v_load_i8_as_i16(const int8_t *p) { return wasm_i16x8_load8x8(p); }
static inline v128 v_load_i8_as_i32(const int8_t *p)
{
    return wasm_i32x4_extend_low_i16x8(wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(p)));
}
static inline v128 v_load_i16_as_i32(const void *p) { return wasm_i32x4_load16x4(p); }
/* lanes must fit: no saturation is relied on */
static inline v128 v_narrow_i32(v128 a, v128 b) { return wasm_i16x8_narrow_i32x4(a, b); }
static inline v128 v_narrow_i16(v128 a, v128 b) { return wasm_i8x16_narrow_i16x8(a, b); }
static inline v128 v_add_f32(v128 a, v128 b) { return wasm_f32x4_add(a, b); }
static inline v128 v_sub_f32(v128 a, v128 b) { return wasm_f32x4_sub(a, b); }
static inline v128 v_mul_f32(v128 a, v128 b) { return wasm_f32x4_mul(a, b); }
static inline v128 v_div_f32(v128 a, v128 b) { return wasm_f32x4_div(a, b); }
static inline v128 v_abs_f32(v128 a) { return wasm_f32x4_abs(a); }
static inline v128 v_lt_f32(v128 a, v128 b) { return wasm_f32x4_lt(a, b); }
/* a > b ? a : b; of no meaning for NaN */
static inline v128 v_max_f32(v128 a, v128 b) { return wasm_f32x4_pmax(b, a); }
static inline v128 v_f32_of_i32(v128 a) { return wasm_f32x4_convert_i32x4(a); }

static inline v128 v_andnot(v128 a, v128 b) { return wasm_v128_andnot(a, b); }
static inline v128 v_splat_f64(double x) { return wasm_f64x2_splat(x); }
static inline v128 v_splat_i64(int64_t x) { return wasm_i64x2_splat(x); }
static inline v128 v_add_f64(v128 a, v128 b) { return wasm_f64x2_add(a, b); }
static inline v128 v_sub_f64(v128 a, v128 b) { return wasm_f64x2_sub(a, b); }
static inline v128 v_mul_f64(v128 a, v128 b) { return wasm_f64x2_mul(a, b); }
/* a < b ? a : b */
static inline v128 v_min_f64(v128 a, v128 b) { return wasm_f64x2_pmin(b, a); }
static inline v128 v_lt_f64(v128 a, v128 b) { return wasm_f64x2_lt(a, b); }
static inline v128 v_add_i64(v128 a, v128 b) { return wasm_i64x2_add(a, b); }
static inline v128 v_shl_i64(v128 a, int n) { return wasm_i64x2_shl(a, (uint32_t)n); }
static inline v128 v_f64_of_f32_low(v128 a) { return wasm_f64x2_promote_low_f32x4(a); }
static inline v128 v_f64_of_f32_high(v128 a)
{
    return wasm_f64x2_promote_low_f32x4(wasm_i64x2_shuffle(a, a, 1, 1));
}
static inline v128 v_f32_of_f64(v128 low, v128 high)
{
    return wasm_i64x2_shuffle(wasm_f32x4_demote_f64x2_zero(low), wasm_f32x4_demote_f64x2_zero(high),
                              0, 2);
}

#else

typedef int32_t v128 __attribute__((vector_size(16), aligned(16)));
typedef int16_t v_i16x8 __attribute__((vector_size(16)));
typedef uint16_t v_u16x8 __attribute__((vector_size(16)));
typedef uint32_t v_u32x4 __attribute__((vector_size(16)));
typedef int8_t v_i8x16 __attribute__((vector_size(16)));
typedef uint8_t v_u8x16 __attribute__((vector_size(16)));
typedef float v_f32x4 __attribute__((vector_size(16)));
typedef double v_f64x2 __attribute__((vector_size(16)));
typedef uint64_t v_u64x2 __attribute__((vector_size(16)));
typedef float v_f32x2 __attribute__((vector_size(8)));
typedef int8_t v_i8x8 __attribute__((vector_size(8)));
typedef int8_t v_i8x4 __attribute__((vector_size(4)));
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
static inline v128 v_splat_u16(uint16_t x) { return v_splat_i32((int32_t)(x * 0x00010001u)); }
static inline v128 v_splat_f32(float x) { return (v128)(v_f32x4){x, x, x, x}; }
static inline v128 v_and(v128 a, v128 b) { return a & b; }
static inline v128 v_or(v128 a, v128 b) { return a | b; }
static inline v128 v_shr_u16(v128 a, int n) { return (v128)((v_u16x8)a >> n); }
static inline v128 v_shl_u16(v128 a, int n) { return (v128)((v_u16x8)a << n); }
static inline v128 v_shl_i32(v128 a, int n) { return (v128)((v_u32x4)a << n); }
static inline v128 v_sar_i32(v128 a, int n) { return a >> n; }
static inline v128 v_zip_low_u8(v128 a, v128 b)
{
    return (v128)__builtin_shufflevector((v_i8x16)a, (v_i8x16)b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20,
                                         5, 21, 6, 22, 7, 23);
}
static inline v128 v_zip_high_u8(v128 a, v128 b)
{
    return (v128)__builtin_shufflevector((v_i8x16)a, (v_i8x16)b, 8, 24, 9, 25, 10, 26, 11, 27, 12,
                                         28, 13, 29, 14, 30, 15, 31);
}
static inline v128 v_zip_low_u16(v128 a, v128 b)
{
    return (v128)__builtin_shufflevector((v_u16x8)a, (v_u16x8)b, 0, 8, 1, 9, 2, 10, 3, 11);
}
static inline v128 v_zip_high_u16(v128 a, v128 b)
{
    return (v128)__builtin_shufflevector((v_u16x8)a, (v_u16x8)b, 4, 12, 5, 13, 6, 14, 7, 15);
}
static inline v128 v_zip_low_u32(v128 a, v128 b)
{
    return __builtin_shufflevector(a, b, 0, 4, 1, 5);
}
static inline v128 v_zip_high_u32(v128 a, v128 b)
{
    return __builtin_shufflevector(a, b, 2, 6, 3, 7);
}
static inline v128 v_zip_low_u64(v128 a, v128 b) { return (v128){a[0], a[1], b[0], b[1]}; }
static inline v128 v_zip_high_u64(v128 a, v128 b) { return (v128){a[2], a[3], b[2], b[3]}; }
static inline v128 v_look_up(v128 table, v128 i)
{
    uint8_t t[16], at[16];
    v_store(t, table);
    v_store(at, i);
    for (int k = 0; k < 16; k++) at[k] = t[at[k] & 15];
    return v_load(at);
}
static inline v128 v_xor(v128 a, v128 b) { return a ^ b; }
static inline bool v_any(v128 a) { return (a[0] | a[1] | a[2] | a[3]) != 0; }
static inline v128 v_gt_i8(v128 a, v128 b) { return (v128)((v_i8x16)a > (v_i8x16)b); }
static inline v128 v_add_i8(v128 a, v128 b) { return (v128)((v_u8x16)a + (v_u8x16)b); }
static inline v128 v_sub_i8(v128 a, v128 b) { return (v128)((v_u8x16)a - (v_u8x16)b); }
static inline v128 v_mul_i16(v128 a, v128 b) { return (v128)((v_u16x8)a * (v_u16x8)b); }
static inline v128 v_sub_i16(v128 a, v128 b) { return (v128)((v_u16x8)a - (v_u16x8)b); }
static inline v128 v_add_i16(v128 a, v128 b) { return (v128)((v_u16x8)a + (v_u16x8)b); }
static inline v128 v_add_i32(v128 a, v128 b) { return (v128)((v_u32x4)a + (v_u32x4)b); }
static inline v128 v_sub_i32(v128 a, v128 b) { return (v128)((v_u32x4)a - (v_u32x4)b); }
static inline v128 v_eq_i32(v128 a, v128 b) { return (v128)(a == b); }
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
static inline v128 v_load_i16_as_i32(const void *p)
{
    v_i16x4 h;
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
static inline v128 v_lt_f32(v128 a, v128 b) { return (v128)((v_f32x4)a < (v_f32x4)b); }
static inline v128 v_max_f32(v128 a, v128 b)
{
    v128 greater = v_lt_f32(b, a);
    return (a & greater) | (b & ~greater);
}
static inline v128 v_f32_of_i32(v128 a) { return (v128) __builtin_convertvector(a, v_f32x4); }

static inline v128 v_andnot(v128 a, v128 b) { return a & ~b; }
static inline v128 v_splat_f64(double x) { return (v128)(v_f64x2){x, x}; }
static inline v128 v_splat_i64(int64_t x) { return (v128)(v_u64x2){(uint64_t)x, (uint64_t)x}; }
static inline v128 v_add_f64(v128 a, v128 b) { return (v128)((v_f64x2)a + (v_f64x2)b); }
static inline v128 v_sub_f64(v128 a, v128 b) { return (v128)((v_f64x2)a - (v_f64x2)b); }
static inline v128 v_mul_f64(v128 a, v128 b) { return (v128)((v_f64x2)a * (v_f64x2)b); }
static inline v128 v_lt_f64(v128 a, v128 b) { return (v128)((v_f64x2)a < (v_f64x2)b); }
static inline v128 v_min_f64(v128 a, v128 b)
{
    v128 less = v_lt_f64(a, b);
    return (a & less) | (b & ~less);
}
static inline v128 v_add_i64(v128 a, v128 b) { return (v128)((v_u64x2)a + (v_u64x2)b); }
static inline v128 v_shl_i64(v128 a, int n) { return (v128)((v_u64x2)a << n); }
static inline v128 v_f64_of_f32_half(v128 a, int half)
{
    v_f32x2 h;
    memcpy(&h, (const char *)&a + 8 * half, 8);
    return (v128) __builtin_convertvector(h, v_f64x2);
}
static inline v128 v_f64_of_f32_low(v128 a) { return v_f64_of_f32_half(a, 0); }
static inline v128 v_f64_of_f32_high(v128 a) { return v_f64_of_f32_half(a, 1); }
static inline v128 v_f32_of_f64(v128 low, v128 high)
{
    v_f32x2 half[2] = {__builtin_convertvector((v_f64x2)low, v_f32x2),
                       __builtin_convertvector((v_f64x2)high, v_f32x2)};
    return v_load(half);
}

#endif

/* The relaxed operations. Look-ups as above. In the dot products `b` must be 0 ... 127 in every byte, and pairs of products must fit i16:
 * then every engine computes the same. Natively they are emulated, with either of the two extremes that
 * the standard allows: b signed and sums that wrap (ARM), or b unsigned and sums that saturate (x86). */
#ifdef __wasm_relaxed_simd__

static inline v128 v_relaxed_dot_i16(v128 a, v128 b)
{
    return wasm_i16x8_relaxed_dot_i8x16_i7x16(a, b);
}
static inline v128 v_relaxed_dot_add_i32(v128 a, v128 b, v128 sum)
{
    return wasm_i32x4_relaxed_dot_i8x16_i7x16_add(a, b, sum);
}
static inline v128 v_relaxed_look_up(v128 table, v128 i)
{
    return wasm_i8x16_relaxed_swizzle(table, i);
}

#elif !defined(__wasm_simd128__)

extern int tritx_relaxed_unsigned; /* 0 or 1, which extreme; the table tests try both */

/* The sixteen products as words, even and odd ones. */
static inline void v_products(v128 a, v128 b, v_i16x8 *even, v_i16x8 *odd)
{
    v_i16x8 low_b = (v_i16x8)v_and(b, v_splat_u16(0xff)), high_b = (v_i16x8)v_shr_u16(b, 8);
    if (!tritx_relaxed_unsigned) {
        low_b = (v_i16x8)v_shl_u16(b, 8) >> 8;
        high_b = (v_i16x8)b >> 8;
    }
    *even = ((v_i16x8)v_shl_u16(a, 8) >> 8) * low_b;
    *odd = ((v_i16x8)a >> 8) * high_b;
}
static inline v128 v_relaxed_dot_i16(v128 a, v128 b)
{
    v_i16x8 even, odd;
    v_products(a, b, &even, &odd);
    v_i16x8 sum = (v_i16x8)((v_u16x8)even + (v_u16x8)odd);
    if (!tritx_relaxed_unsigned) return (v128)sum;
    for (int i = 0; i < 8; i++) {
        int wide = even[i] + odd[i];
        sum[i] = (int16_t)(wide > INT16_MAX ? INT16_MAX : wide < INT16_MIN ? INT16_MIN : wide);
    }
    return (v128)sum;
}
static inline v128 v_relaxed_dot_add_i32(v128 a, v128 b, v128 sum)
{
    return v_add_i32(sum, v_pairs_i16(v_relaxed_dot_i16(a, b)));
}
static inline v128 v_relaxed_look_up(v128 table, v128 i) { return v_look_up(table, i); }

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
/* Lane i: the sum of the lanes of a[i]. */
static inline v128 v_sums_i32(const v128 a[4])
{
    v128 low = v_add_i32(v_zip_low_u32(a[0], a[1]), v_zip_high_u32(a[0], a[1]));
    v128 high = v_add_i32(v_zip_low_u32(a[2], a[3]), v_zip_high_u32(a[2], a[3]));
    return v_add_i32(v_zip_low_u64(low, high), v_zip_high_u64(low, high));
}

#endif
