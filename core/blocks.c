#include "blocks.h"

#include <math.h>

#include "scalar.h"

enum { BLOCK = 256, TQ1_0_BYTES = 54, TQ2_0_BYTES = 66, Q6_K_BYTES = 210, Q8_0_BYTES = 34 };

static float load_f16(const uint8_t *p) { return tritx_f32_of_f16((uint16_t)(p[0] | p[1] << 8)); }

/* [128] low four bits, [64] high two bits, [16] int8 scales of 16 numbers each, f16 scale of all. */
static float q6_k(const uint8_t *block, size_t i)
{
    size_t half = i / 128, quarter = i % 128 / 32, j = i % 32;
    unsigned low = block[64 * half + 32 * (quarter & 1) + j] >> 4 * (quarter >> 1) & 15u,
             high = block[128 + 32 * half + j] >> 2 * quarter & 3u;
    float scale = (float)(int8_t)block[192 + i / 16];
    return load_f16(block + 208) * scale * (float)((int)(low | high << 4) - 32);
}

float tritx_block_float(const uint8_t *row, size_t i, tritx_dtype dtype)
{
    if (dtype == TRIT_DTYPE_Q6_K) return q6_k(row + i / BLOCK * Q6_K_BYTES, i % BLOCK);
    const uint8_t *block = row + i / 32 * Q8_0_BYTES;
    return load_f16(block) * (float)(int8_t)block[2 + i % 32];
}

/* Five digits of base 3 a byte, as on the wire; the last four bytes have four. */
static bool tq1_0(uint8_t *codes, const uint8_t *block)
{
    bool fine = true;
    for (size_t m = 0; m < 32; m++) fine &= tritx_wire_byte(codes + m, 32, block[m]);
    for (size_t m = 0; m < 16; m++) fine &= tritx_wire_byte(codes + 160 + m, 16, block[32 + m]);
    for (size_t m = 0; m < 4; m++) {
        uint8_t digits[5];
        fine &= tritx_wire_byte(digits, 1, block[48 + m]) && digits[4] == 0;
        for (size_t k = 0; k < 4; k++) codes[240 + 4 * k + m] = digits[k];
    }
    return fine;
}

static uint8_t three_bits(uint8_t byte) { return byte & byte >> 1 & 0x55; }

static bool tq2_0(uint8_t *codes, const uint8_t *block)
{
    uint8_t threes = 0;
    for (size_t half = 0; half < 2; half++)
        for (size_t m = 0; m < 32; m++) {
            uint8_t byte = block[32 * half + m], *out = codes + 128 * half + m;
            threes |= three_bits(byte);
            out[0] = byte & 3;
            out[32] = byte >> 2 & 3;
            out[64] = byte >> 4 & 3;
            out[96] = byte >> 6;
        }
    return !threes;
}

/* A block of zeros may have the scale 0, whatever the others have. */
static tritx_blocks same_scale(float *scale, float found, const uint8_t *codes)
{
    if (!(found >= 0 && found <= 65504.0f)) return TRITX_BLOCKS_BAD_SCALE;
    if (found == 0) {
        for (size_t i = 0; i < BLOCK; i++)
            if (codes[i] != 1) return TRITX_BLOCKS_BAD_SCALE;
        return TRITX_BLOCKS_FINE;
    }
    if (*scale == 0) *scale = found;
    return found == *scale ? TRITX_BLOCKS_FINE : TRITX_BLOCKS_BAD_SCALE;
}

static tritx_blocks numbers(uint8_t *codes, float *scale, const uint8_t *row, size_t cols,
                            tritx_dtype dtype)
{
    for (size_t i = 0; i < cols; i++) {
        float x = tritx_source_float(row, i, dtype), size = fabsf(x);
        if (*scale == 0) *scale = size;
        if (!(size <= 3.4e38f) || (size != 0 && size != *scale)) return TRITX_BLOCKS_BAD_SCALE;
        codes[i] = (uint8_t)(1 + (x > 0) - (x < 0));
    }
    return TRITX_BLOCKS_FINE;
}

tritx_blocks tritx_ternary_row(uint8_t *codes, float *scale, const uint8_t *row, size_t cols,
                               tritx_dtype dtype)
{
    if (dtype != TRIT_DTYPE_TQ1_0 && dtype != TRIT_DTYPE_TQ2_0)
        return numbers(codes, scale, row, cols, dtype);
    size_t n_bytes = dtype == TRIT_DTYPE_TQ1_0 ? TQ1_0_BYTES : TQ2_0_BYTES;
    for (size_t i = 0; i < cols; i += BLOCK, row += n_bytes) {
        bool fine = dtype == TRIT_DTYPE_TQ1_0 ? tq1_0(codes + i, row) : tq2_0(codes + i, row);
        if (!fine) return TRITX_BLOCKS_BAD_CODES;
        tritx_blocks status = same_scale(scale, load_f16(row + n_bytes - 2), codes + i);
        if (status != TRITX_BLOCKS_FINE) return status;
    }
    return TRITX_BLOCKS_FINE;
}

tritx_blocks tritx_i2_s_row(uint8_t *codes, const uint8_t *row, size_t cols, size_t run)
{
    uint8_t threes = 0;
    for (size_t i = 0; i < cols; i += 4 * run, row += run)
        for (size_t m = 0; m < run; m++) {
            uint8_t byte = row[m], *out = codes + i + m;
            threes |= three_bits(byte);
            out[0] = byte >> 6;
            out[run] = byte >> 4 & 3;
            out[2 * run] = byte >> 2 & 3;
            out[3 * run] = byte & 3;
        }
    return threes ? TRITX_BLOCKS_BAD_CODES : TRITX_BLOCKS_FINE;
}

tritx_blocks tritx_i2_s_rows_row(uint8_t *codes, const uint8_t *matrix, size_t row, size_t cols)
{
    const uint8_t *bytes = matrix + row / 4 * cols;
    unsigned shift = 6 - 2 * (unsigned)(row % 4);
    uint8_t threes = 0;
    for (size_t k = 0; k < cols; k++) {
        codes[k] = bytes[k] >> shift & 3;
        threes |= codes[k] & codes[k] >> 1;
    }
    return threes ? TRITX_BLOCKS_BAD_CODES : TRITX_BLOCKS_FINE;
}

/* 32 bytes of the codes of 128 columns; the first 32 of them stand at bit `first`, each further 32 at
 * `step` bits more. */
static void put_128(uint8_t *out, const uint8_t *codes, int first, int step)
{
    for (size_t m = 0; m < 32; m++) {
        unsigned byte = 0;
        for (int i = 0; i < 4; i++) byte |= (unsigned)codes[32 * i + (int)m] << (first + step * i);
        out[m] = (uint8_t)byte;
    }
}

void tritx_put_tq2_0_row(uint8_t *row, const uint8_t *codes, size_t cols, uint16_t scale_f16)
{
    for (size_t i = 0; i < cols; i += BLOCK, row += TQ2_0_BYTES) {
        put_128(row, codes + i, 0, 2);
        put_128(row + 32, codes + i + 128, 0, 2);
        row[64] = (uint8_t)scale_f16;
        row[65] = (uint8_t)(scale_f16 >> 8);
    }
}

void tritx_put_i2_s_row(uint8_t *row, const uint8_t *codes, size_t cols)
{
    for (size_t i = 0; i < cols; i += 128) put_128(row + i / 4, codes + i, 6, -2);
}
