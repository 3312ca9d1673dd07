#include "pack.h"

#include <math.h>

#include "blocks.h"
#include "kernels.h"
#include "scalar.h"

size_t tritx_dtype_bytes(tritx_dtype dtype)
{
    static const uint8_t bytes[TRIT_DTYPE_COUNT] = {1, 1, 2, 2, 4, 4};
    return bytes[dtype];
}

float tritx_source_float(const uint8_t *source, size_t i, tritx_dtype dtype)
{
    if (dtype >= TRIT_DTYPE_COUNT) return tritx_block_float(source, i, dtype);
    if (dtype == TRIT_DTYPE_F32) return tritx_float(tritx_load_u32(source + 4 * i));
    uint16_t half = (uint16_t)(source[2 * i] | source[2 * i + 1] << 8);
    return dtype == TRIT_DTYPE_BF16 ? tritx_bf16(half) : tritx_f32_of_f16(half);
}

trit_status tritx_absmean(const uint8_t *source, size_t n, tritx_dtype dtype, float *scale)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += fabs((double)tritx_source_float(source, i, dtype));
    float mean = (float)(sum / (double)n);
    if (!(mean <= 3.4e38f)) return TRIT_NUMERIC;
    *scale = mean < 1e-5f ? 1e-5f : mean;
    return TRIT_OK;
}

void tritx_ternarise(uint8_t *codes, const uint8_t *source, size_t n, tritx_dtype dtype,
                     float scale)
{
    for (size_t i = 0; i < n; i++) {
        /* doubling is exact, so the tie at scale / 2 goes to 0 as half-to-even asks */
        double twice = 2.0 * (double)tritx_source_float(source, i, dtype);
        codes[i] = (uint8_t)(1 + (twice > (double)scale) - (twice < -(double)scale));
    }
}

bool tritx_quarters_row(uint8_t *codes, const uint8_t *source, size_t rows, size_t cols, size_t row)
{
    size_t quarter = (rows + 3) / 4;
    const uint8_t *bytes = source + row % quarter * cols;
    unsigned shift = 2 * (unsigned)(row / quarter);
    uint8_t threes = 0;
    for (size_t k = 0; k < cols; k++) {
        codes[k] = bytes[k] >> shift & 3;
        threes |= codes[k] & codes[k] >> 1;
    }
    return !threes;
}

void tritx_wire_encode(uint8_t *wire, const uint8_t *codes, size_t cols)
{
    size_t n = trit_wire_bytes(cols);
    for (size_t j = 0; j < n; j++) {
        unsigned v = 0;
        for (size_t i = 0; i < 5; i++) v = v * 3 + (i * n + j < cols ? codes[i * n + j] : 1u);
        wire[j] = (uint8_t)((v * 256 + 242) / 243);
    }
}

void tritx_i8_put_row(int8_t *i8, size_t row, const int8_t *codes, size_t cols)
{
    for (size_t k = 0; k < cols; k += TRIT_I8_COLS)
        memcpy(i8 + trit_i8_offset(row, k, cols), codes + k, TRIT_I8_COLS);
}

void tritx_i8_get_row(const int8_t *i8, size_t row, int8_t *codes, size_t cols)
{
    for (size_t k = 0; k < cols; k += TRIT_I8_COLS)
        memcpy(codes + k, i8 + trit_i8_offset(row, k, cols), TRIT_I8_COLS);
}

bool tritx_int8_row(int8_t *codes, float *scale, int32_t *sum, const float *x, size_t n)
{
    float max = 0;
    for (size_t i = 0; i < n; i++) {
        float a = fabsf(x[i]);
        if (!(a <= 3.4e38f)) return false;
        if (a > max) max = a;
    }
    *scale = max / 127.0f;
    *sum = 0;
    /* a quotient by a subnormal scale may round past 127 */
    for (size_t i = 0; i < n; i++) {
        float q = *scale > 0 ? tritx_rint(x[i] / *scale) : 0;
        codes[i] = (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q);
        *sum += codes[i];
    }
    return true;
}
