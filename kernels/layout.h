/* The kernel layouts of ternary weights, "t2": two bits a weight, code = weight + 1. Rows are padded
 * to 64 and columns to 64, with code 1. A table of kernels works on one of them. */
#ifndef TRIT_LAYOUT_H
#define TRIT_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    /* For dot products: rows in pairs, [rows/2][cols/64][2][16 bytes], so that one thread reads one
     * stream. Byte j of a block holds its columns 16f + j at bits 2f, 2f+1, f = 0 ... 3. */
    TRIT_LAYOUT_PAIRS,
    /* For look-ups, whose tables of 16 columns serve a whole tile (smaller tiles are read from memory at
     * half the speed): tiles of 1152 rows (the last one may be smaller), in groups of 64 rows,
     * [tile][cols/16][group][8][32 bytes]. Byte i of 32 bytes holds columns 2p, 2p+1 of the 16, of
     * row 32*(i/16) + i%16 of the group in its low nibble and of the 16th row after in its high one;
     * a nibble is code(2p) + 4 * code(2p + 1). */
    TRIT_LAYOUT_TILES
} trit_layout;

enum { TRIT_T2_COLS = 64, TRIT_T2_ROWS = 64, TRIT_TILE_ROWS = 1152, TRIT_COLS_MAX = 65536 };

static inline size_t trit_t2_cols(size_t cols)
{
    return (cols + TRIT_T2_COLS - 1) / TRIT_T2_COLS * TRIT_T2_COLS;
}
static inline size_t trit_t2_rows(size_t rows)
{
    return (rows + TRIT_T2_ROWS - 1) / TRIT_T2_ROWS * TRIT_T2_ROWS;
}
/* Of a matrix in either layout. */
static inline size_t trit_t2_bytes(size_t rows, size_t cols)
{
    return trit_t2_rows(rows) * (trit_t2_cols(cols) / 4);
}

/* Writes rows [row, row + TRIT_T2_ROWS), row a multiple of TRIT_T2_ROWS, of a matrix of `rows` rows:
 * codes [TRIT_T2_ROWS][trit_t2_cols(cols)], 0 ... 2, padding included. */
void trit_t2_put(trit_layout layout, uint8_t *w, const uint8_t *codes, size_t row, size_t rows,
                 size_t cols);
/* The way back. */
void trit_t2_get(trit_layout layout, const uint8_t *w, uint8_t *codes, size_t row, size_t rows,
                 size_t cols);
/* codes [cols] of one row; of many rows trit_t2_get is faster. */
void trit_t2_get_row(trit_layout layout, const uint8_t *w, size_t row, uint8_t *codes, size_t rows,
                     size_t cols);

#endif
