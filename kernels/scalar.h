/* Scalar pieces that every table shares, so that they cannot differ: conversions, exp, rounding.
 * No libm: results must be the same bits in every engine. */
#ifndef TRIT_SCALAR_H
#define TRIT_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t tritx_bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}
static inline float tritx_float(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* Exact for every f16, subnormals, infinities and NaN included. */
static inline float tritx_f32_of_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, rest = (uint32_t)(h & 0x7fffu) << 13;
    if ((h & 0x7c00u) == 0x7c00u) return tritx_float(sign | rest | 0x7f800000u);
    /* 2^112 moves the exponent from bias 15 to 127; a subnormal becomes normal on the way */
    float magnitude = tritx_float(rest) * tritx_float(0x77800000u);
    return tritx_float(sign | tritx_bits(magnitude));
}

/* Half to even; beyond 65504 to infinity. */
static inline uint16_t tritx_f16_of_f32(float f)
{
    uint32_t u = tritx_bits(f), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
    if (a >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);
    if (a < 0x38800000u) { /* subnormal in f16: let the f32 adder round at 2^-24 */
        float half = tritx_float(a) + tritx_float(0x3f000000u);
        return (uint16_t)(sign | (tritx_bits(half) - 0x3f000000u));
    }
    uint32_t rounded = a - 0x38000000u + 0xfffu + (a >> 13 & 1u);
    return (uint16_t)(sign | rounded >> 13);
}

static inline float tritx_bf16(uint16_t b) { return tritx_float((uint32_t)b << 16); }

/* Half to even for |x| < 2^22, without the rounding mode's help. */
static inline float tritx_rint(float x)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23: its unit in the last place is 1 */
    return (x + magic) - magic;
}

/* e^x in double, relative error below 1e-14 in -700 ... 700: k = rint(x / ln 2), r = x - k ln 2 in two
 * parts, Taylor to the 12th power on |r| <= 0.35, times 2^k. v128_float.c does the same in vectors. */
#define TRIT_EXP_MAGIC 6755399441055744.0 /* 1.5 * 2^52: its unit in the last place is 1 */
#define TRIT_EXP_LOG2E 1.4426950408889634
#define TRIT_EXP_LN2_HIGH 6.93147180369123816490e-01
#define TRIT_EXP_LN2_LOW 1.90821492927058770002e-10
#define TRIT_EXP_LIMIT 700.0
#define TRIT_EXP_COEFFICIENTS                                                                      \
    {1.0 / 479001600,                                                                              \
     1.0 / 39916800,                                                                               \
     1.0 / 3628800,                                                                                \
     1.0 / 362880,                                                                                 \
     1.0 / 40320,                                                                                  \
     1.0 / 5040,                                                                                   \
     1.0 / 720,                                                                                    \
     1.0 / 120,                                                                                    \
     1.0 / 24,                                                                                     \
     1.0 / 6,                                                                                      \
     0.5,                                                                                          \
     1.0,                                                                                          \
     1.0}
enum { TRIT_EXP_TERMS = 13 };

static inline double tritx_exp(double x)
{
    static const double c[TRIT_EXP_TERMS] = TRIT_EXP_COEFFICIENTS;
    if (x < -TRIT_EXP_LIMIT) return 0.0;
    if (x > TRIT_EXP_LIMIT) x = TRIT_EXP_LIMIT;
    double shifted = x * TRIT_EXP_LOG2E + TRIT_EXP_MAGIC, k = shifted - TRIT_EXP_MAGIC;
    double r = (x - k * TRIT_EXP_LN2_HIGH) - k * TRIT_EXP_LN2_LOW, p = c[0];
    for (int i = 1; i < TRIT_EXP_TERMS; i++) p = p * r + c[i];
    uint64_t power;
    memcpy(&power, &shifted, sizeof power); /* k stands in its lowest bits */
    power = (power << 52) + ((uint64_t)1023 << 52);
    double two_k;
    memcpy(&two_k, &power, sizeof two_k);
    return p * two_k;
}

static inline float tritx_expf(float x) { return (float)tritx_exp((double)x); }

static inline float tritx_silu(float x) { return x / (1.0f + tritx_expf(-x)); }

/* The five codes of a byte of wire to codes[0], codes[stride] ...; false for a byte that no codes make:
 * byte = ceil(256 v / 243) for a v is 243 * byte = 256 * v + rest with rest below 243. */
static inline bool tritx_wire_byte(uint8_t *codes, size_t stride, uint8_t byte)
{
    unsigned rest = byte;
    for (size_t i = 0; i < 5; i++) {
        rest *= 3;
        codes[i * stride] = (uint8_t)(rest >> 8);
        rest &= 255;
    }
    return rest < 243;
}

/* After the bytes of a row: whether the codes beyond cols are 1; then they are all. */
static inline bool tritx_wire_end(uint8_t *codes, size_t cols, size_t n_decoded, size_t n_padded)
{
    bool good = true;
    for (size_t k = cols; k < n_decoded; k++) good &= codes[k] == 1;
    for (size_t k = n_decoded; k < n_padded; k++) codes[k] = 1;
    return good;
}

#endif
