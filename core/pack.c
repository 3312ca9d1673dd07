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

/* One loop a type, without a branch inside: compilers make vectors of it. */
void tritx_source_floats(float *out, const uint8_t *source, size_t n, tritx_dtype dtype)
{
    uint16_t half;
    switch (dtype) {
    case TRIT_DTYPE_F32: memcpy(out, source, n * sizeof *out); return;
    case TRIT_DTYPE_F16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&half, source + 2 * i, 2);
            out[i] = tritx_f32_of_f16(half);
        }
        return;
    case TRIT_DTYPE_BF16:
        for (size_t i = 0; i < n; i++) {
            memcpy(&half, source + 2 * i, 2);
            out[i] = tritx_bf16(half);
        }
        return;
    default:
        for (size_t i = 0; i < n; i++) out[i] = tritx_source_float(source, i, dtype);
    }
}

float tritx_largest(const float *x, size_t n)
{
    /* as integers, in whose order NaN is beyond infinity */
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t size = tritx_bits(x[i]) & 0x7fffffffu;
        largest = size > largest ? size : largest;
    }
    return tritx_float(largest);
}

trit_status tritx_absmean(const uint8_t *source, size_t n, tritx_dtype dtype, float *scale)
{
    enum { BLOCK = 1024 };
    float block[BLOCK];
    double sum = 0;
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t left = n - i < BLOCK ? n - i : BLOCK;
        tritx_source_floats(block, source + i * tritx_dtype_bytes(dtype), left, dtype);
        for (size_t k = 0; k < left; k++) sum += fabs((double)block[k]);
    }
    float mean = (float)(sum / (double)n);
    if (!(mean <= 3.4e38f)) return TRIT_NUMERIC;
    *scale = mean < 1e-5f ? 1e-5f : mean;
    return TRIT_OK;
}

void tritx_ternarise(uint8_t *codes, const float *x, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++) {
        /* doubling is exact, so the tie at scale / 2 goes to 0 as half-to-even asks */
        float twice = 2.0f * x[i];
        codes[i] = (uint8_t)(1 + (twice > scale) - (twice < -scale));
    }
}

/* With a shift that the compiler knows, sixteen bytes at once. Returns codes that are 3, as any bit. */
static inline uint8_t quarter_row(uint8_t *codes, const uint8_t *bytes, size_t cols, int shift)
{
    uint8_t threes = 0;
    for (size_t k = 0; k < cols; k++) {
        uint8_t code = bytes[k] >> shift & 3;
        threes |= code & code >> 1;
        codes[k] = code;
    }
    return threes;
}

bool tritx_quarters_row(uint8_t *codes, const uint8_t *source, size_t rows, size_t cols, size_t row)
{
    size_t quarter = (rows + 3) / 4;
    const uint8_t *bytes = source + row % quarter * cols;
    switch (row / quarter) {
    case 0: return !quarter_row(codes, bytes, cols, 0);
    case 1: return !quarter_row(codes, bytes, cols, 2);
    case 2: return !quarter_row(codes, bytes, cols, 4);
    default: return !quarter_row(codes, bytes, cols, 6);
    }
}

void tritx_put_quarters_row(uint8_t *bytes, const uint8_t *codes, size_t cols, size_t quarter)
{
    for (size_t k = 0; k < cols; k++) bytes[k] |= (uint8_t)(codes[k] << 2 * quarter);
}

/* ceil(256 v / 243) of v below 243; 69043 / 2^24 is 1 / 243 and so little more that no quotient is another. */
static inline uint8_t wire_byte(uint32_t v) { return (uint8_t)((v * 256 + 242) * 69043 >> 24); }

void tritx_wire_encode(uint8_t *restrict wire, const uint8_t *restrict codes, size_t cols)
{
    size_t n = trit_wire_bytes(cols), n_whole = cols > 4 * n ? cols - 4 * n : 0;
    /* without a branch inside: compilers make vectors of it */
    for (size_t j = 0; j < n_whole; j++) {
        uint32_t v = codes[j];
        v = v * 3 + codes[n + j];
        v = v * 3 + codes[2 * n + j];
        v = v * 3 + codes[3 * n + j];
        wire[j] = wire_byte(v * 3 + codes[4 * n + j]);
    }
    for (size_t j = n_whole; j < n; j++) {
        uint32_t v = 0;
        for (size_t i = 0; i < 5; i++) v = v * 3 + (i * n + j < cols ? codes[i * n + j] : 1u);
        wire[j] = wire_byte(v);
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
    float max = tritx_largest(x, n), step = max / 127.0f;
    int32_t total = 0;
    if (!(max <= 3.4e38f)) return false;
    *scale = step;
    if (!(step > 0)) memset(codes, 0, n);
    /* a quotient by a subnormal scale may round past 127 */
    for (size_t i = 0; step > 0 && i < n; i++) {
        float q = tritx_rint(x[i] / step);
        q = q > 127 ? 127 : q;
        q = q < -127 ? -127 : q;
        int32_t code = (int32_t)q;
        codes[i] = (int8_t)code;
        total += code;
    }
    *sum = total;
    return true;
}
