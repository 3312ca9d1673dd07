#include "layout.h"

#include "v128.h"

enum { GROUP_BYTES = 256 }; /* 64 rows of 16 columns */

/* Where columns 16c ... of the group of 64 rows that `row` is in begin. */
static size_t group_offset(size_t row, size_t c, size_t rows, size_t cols)
{
    size_t tile = row / TRIT_TILE_ROWS * TRIT_TILE_ROWS, chunks = trit_t2_cols(cols) / 16;
    size_t left = trit_t2_rows(rows) - tile,
           groups = (left < TRIT_TILE_ROWS ? left : TRIT_TILE_ROWS) / TRIT_T2_ROWS;
    return tile * chunks * 4 + (c * groups + (row - tile) / TRIT_T2_ROWS) * GROUP_BYTES;
}

static void put_pairs(uint8_t *w, const uint8_t *codes, size_t padded)
{
    for (size_t r = 0; r < TRIT_T2_ROWS; r++)
        for (size_t k = 0; k < padded; k += TRIT_T2_COLS) {
            const uint8_t *c = codes + r * padded + k;
            v128 low = v_or(v_load(c), v_shl_u16(v_load(c + 16), 2));
            v128 high = v_or(v_shl_u16(v_load(c + 32), 4), v_shl_u16(v_load(c + 48), 6));
            v_store(w + (r / 2 * padded + k) / 2 + r % 2 * 16, v_or(low, high));
        }
}

/* 128 bytes are numbered by 3 bits of the vector and 4 of the place in it. Each stage turns the highest bit of the
 * vector's number into the lowest of the place, and the highest of the place into the lowest of the number; after
 * seven stages all is where it was. */
static void turn(v128 v[8], int n_stages)
{
    for (int stage = 0; stage < n_stages; stage++) {
        v128 next[8];
        for (int i = 0; i < 4; i++) {
            next[2 * i] = v_zip_low_u8(v[i], v[i + 4]);
            next[2 * i + 1] = v_zip_high_u8(v[i], v[i + 4]);
        }
        memcpy(v, next, sizeof next);
    }
}

/* 16 rows of 16 codes, padded apart, become 8 vectors: pair p of columns, a row a byte. */
static void gather_nibbles(v128 v[8], const uint8_t *codes, size_t padded)
{
    const v128 nibble = v_splat_u16(15);
    for (size_t i = 0; i < 8; i++) {
        v128 a = v_load(codes + 2 * i * padded), b = v_load(codes + (2 * i + 1) * padded);
        a = v_and(v_or(a, v_shr_u16(a, 6)), nibble);
        b = v_and(v_or(b, v_shr_u16(b, 6)), nibble);
        v[i] = v_narrow_i16(a, b);
    }
    turn(v, 4);
}

/* The way back. */
static void spread_nibbles(uint8_t *codes, size_t padded, v128 v[8])
{
    const v128 both = v_splat_u16(0x0303), zero = v_splat_u8(0);
    turn(v, 3);
    for (size_t i = 0; i < 8; i++) {
        v128 a = v_zip_low_u8(v[i], zero), b = v_zip_high_u8(v[i], zero);
        v_store(codes + 2 * i * padded, v_and(v_or(a, v_shl_u16(a, 6)), both));
        v_store(codes + (2 * i + 1) * padded, v_and(v_or(b, v_shl_u16(b, 6)), both));
    }
}

static void put_tiles(uint8_t *w, const uint8_t *codes, size_t row, size_t rows, size_t cols)
{
    size_t padded = trit_t2_cols(cols);
    for (size_t c = 0; c < padded / 16; c++) {
        uint8_t *group = w + group_offset(row, c, rows, cols);
        for (size_t half = 0; half < 2; half++) {
            v128 low[8], high[8];
            const uint8_t *from = codes + 32 * half * padded + 16 * c;
            gather_nibbles(low, from, padded);
            gather_nibbles(high, from + 16 * padded, padded);
            for (size_t p = 0; p < 8; p++)
                v_store(group + 32 * p + 16 * half, v_or(low[p], v_shl_u16(high[p], 4)));
        }
    }
}

void trit_t2_put(trit_layout layout, uint8_t *w, const uint8_t *codes, size_t row, size_t rows,
                 size_t cols)
{
    size_t padded = trit_t2_cols(cols);
    switch (layout) {
    case TRIT_LAYOUT_PAIRS: put_pairs(w + row * padded / 4, codes, padded); break;
    case TRIT_LAYOUT_TILES: put_tiles(w, codes, row, rows, cols); break;
    }
}

static void get_pairs(const uint8_t *w, uint8_t *codes, size_t padded)
{
    const v128 three = v_splat_u8(3);
    for (size_t r = 0; r < TRIT_T2_ROWS; r++)
        for (size_t k = 0; k < padded; k += TRIT_T2_COLS) {
            uint8_t *c = codes + r * padded + k;
            v128 four = v_load(w + (r / 2 * padded + k) / 2 + r % 2 * 16);
            v_store(c, v_and(four, three));
            v_store(c + 16, v_and(v_shr_u16(four, 2), three));
            v_store(c + 32, v_and(v_shr_u16(four, 4), three));
            v_store(c + 48, v_and(v_shr_u16(four, 6), three));
        }
}

static void get_tiles(const uint8_t *w, uint8_t *codes, size_t row, size_t rows, size_t cols)
{
    const v128 nibble = v_splat_u8(15);
    size_t padded = trit_t2_cols(cols);
    for (size_t c = 0; c < padded / 16; c++) {
        const uint8_t *group = w + group_offset(row, c, rows, cols);
        for (size_t half = 0; half < 2; half++) {
            v128 low[8], high[8];
            uint8_t *to = codes + 32 * half * padded + 16 * c;
            for (size_t p = 0; p < 8; p++) {
                v128 both = v_load(group + 32 * p + 16 * half);
                low[p] = v_and(both, nibble);
                high[p] = v_and(v_shr_u16(both, 4), nibble);
            }
            spread_nibbles(to, padded, low);
            spread_nibbles(to + 16 * padded, padded, high);
        }
    }
}

void trit_t2_get(trit_layout layout, const uint8_t *w, uint8_t *codes, size_t row, size_t rows,
                 size_t cols)
{
    size_t padded = trit_t2_cols(cols);
    switch (layout) {
    case TRIT_LAYOUT_PAIRS: get_pairs(w + row * padded / 4, codes, padded); break;
    case TRIT_LAYOUT_TILES: get_tiles(w, codes, row, rows, cols); break;
    }
}

static void get_row_of_pairs(const uint8_t *w, size_t row, uint8_t *codes, size_t cols)
{
    const uint8_t *p = w + row / 2 * trit_t2_cols(cols) / 2 + row % 2 * 16;
    for (size_t k = 0; k < cols; k++) codes[k] = p[k / 64 * 32 + k % 16] >> (k % 64 / 16 * 2) & 3;
}

static void get_row_of_tiles(const uint8_t *w, size_t row, uint8_t *codes, size_t rows, size_t cols)
{
    size_t r = row % TRIT_T2_ROWS, shift = r % 32 / 16 * 4;
    for (size_t c = 0; c < (cols + 15) / 16; c++) {
        const uint8_t *p = w + group_offset(row, c, rows, cols) + r / 32 * 16 + r % 16;
        for (size_t k = 16 * c; k < cols && k < 16 * c + 16; k++)
            codes[k] = p[k % 16 / 2 * 32] >> (shift + k % 2 * 2) & 3;
    }
}

void trit_t2_get_row(trit_layout layout, const uint8_t *w, size_t row, uint8_t *codes, size_t rows,
                     size_t cols)
{
    switch (layout) {
    case TRIT_LAYOUT_PAIRS: get_row_of_pairs(w, row, codes, cols); break;
    case TRIT_LAYOUT_TILES: get_row_of_tiles(w, row, codes, rows, cols); break;
    }
}
