/* Between layouts of weights: source numbers, ternary codes, bytes of the file, kernel layout. */
#ifndef TRIT_PACK_H
#define TRIT_PACK_H

#include "base.h"

typedef enum {
    TRIT_DTYPE_U8,
    TRIT_DTYPE_I8,
    TRIT_DTYPE_F16,
    TRIT_DTYPE_BF16,
    TRIT_DTYPE_F32,
    TRIT_DTYPE_I32,
    TRIT_DTYPE_COUNT, /* of safetensors; behind it the blocks of GGUF (blocks.h) */
    TRIT_DTYPE_Q8_0 = TRIT_DTYPE_COUNT,
    TRIT_DTYPE_Q6_K,
    TRIT_DTYPE_TQ1_0,
    TRIT_DTYPE_TQ2_0,
    TRIT_DTYPE_I2_S
} tritx_dtype;
/* Of a number that is not in a block. */
size_t tritx_dtype_bytes(tritx_dtype dtype);

/* Number i of little-endian source values of type F16, BF16, F32, Q8_0 or Q6_K. */
float tritx_source_float(const uint8_t *source, size_t i, tritx_dtype dtype);

/* Numbers 0 to n - 1 of them. */
void tritx_source_floats(float *out, const uint8_t *source, size_t n, tritx_dtype dtype);
/* max |x|; not finite when one of them is not. */
float tritx_largest(const float *x, size_t n);

/* scale = mean |W| over n source values, at least 1e-5; NUMERIC when a value is not finite.
 * Source: BitNet b1.58, Training Tips (absmean). Summed in double, in order, rounded once. */
trit_status tritx_absmean(const uint8_t *source, size_t n, tritx_dtype dtype, float *scale);
/* codes[i] = clamp(round(x / scale), -1, 1) + 1: +-1 exactly where |x| > scale / 2. */
void tritx_ternarise(uint8_t *codes, const float *x, size_t n, float scale);

/* Row `row` of a matrix of `rows` rows as Hugging Face packs it: the bytes [ceil(rows / 4)][cols] hold
 * at bits 2i, 2i + 1 the codes of the i-th quarter of the rows. False for the code 3. What fills the
 * last quarter up is no row and is not looked at. */
bool tritx_quarters_row(uint8_t *codes, const uint8_t *source, size_t rows, size_t cols,
                        size_t row);
/* The way back: adds the codes of a row of this quarter, 0 to 3, to the bytes [cols] that it shares with
 * one of each other. */
void tritx_put_quarters_row(uint8_t *bytes, const uint8_t *codes, size_t cols, size_t quarter);

/* A row of the packed file (kernels.h, "wire") from codes [cols]. The way back is a kernel. */
void tritx_wire_encode(uint8_t *restrict wire, const uint8_t *restrict codes, size_t cols);

/* One row into or out of the i8 layout of kernels.h; cols a multiple of 16. */
void tritx_i8_put_row(int8_t *i8, size_t row, const int8_t *codes, size_t cols);
void tritx_i8_get_row(const int8_t *i8, size_t row, int8_t *codes, size_t cols);

/* One row to int8: scale = max |x| / 127, half to even; *sum of the codes. False when not finite. */
bool tritx_int8_row(int8_t *codes, float *scale, int32_t *sum, const float *x, size_t n);

#endif
