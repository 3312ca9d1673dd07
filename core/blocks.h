/* Tensors of GGUF whose numbers stand in blocks. Layouts: ggml's ggml-common.h; I2_S as in BitNet's
 * converter (128 numbers in 32 bytes, one scale behind the tensor). */
#ifndef TRIT_BLOCKS_H
#define TRIT_BLOCKS_H

#include "pack.h"

/* Number i of a row of Q8_0 or Q6_K. */
float tritx_block_float(const uint8_t *row, size_t i, tritx_dtype dtype);

typedef enum { TRITX_BLOCKS_FINE, TRITX_BLOCKS_BAD_CODES, TRITX_BLOCKS_BAD_SCALE } tritx_blocks;

/* Codes (weight + 1) [cols] of a row of TQ1_0, TQ2_0, F32, F16 or BF16, whose numbers are 0 and
 * +-*scale and nothing else. *scale is 0 until a number that is not 0 has told it. */
tritx_blocks tritx_ternary_row(uint8_t *codes, float *scale, const uint8_t *row, size_t cols,
                               tritx_dtype dtype);
/* The same of a row of I2_S, whose scale stands elsewhere. Four runs of 32 or 16 numbers share bytes. */
tritx_blocks tritx_i2_s_row(uint8_t *codes, const uint8_t *row, size_t cols, size_t run);
/* Row `row` of a matrix of I2_S in which four rows share bytes. */
tritx_blocks tritx_i2_s_rows_row(uint8_t *codes, const uint8_t *matrix, size_t row, size_t cols);

/* The ways back: row [cols / 256 * 66] of TQ2_0, each block with this scale, and [cols / 4] of I2_S. */
void tritx_put_tq2_0_row(uint8_t *row, const uint8_t *codes, size_t cols, uint16_t scale_f16);
void tritx_put_i2_s_row(uint8_t *row, const uint8_t *codes, size_t cols);

#endif
