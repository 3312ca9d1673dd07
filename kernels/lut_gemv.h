/* One token by look-ups, for the tables without a byte dot product: a nibble of weights names one of
 * nine sums of two activations, and one instruction, which each file hands in, looks up sixteen rows.
 *
 * A sum s = q[2p] * w[2p] + q[2p+1] * w[2p+1] + 256 is in 2 ... 510: two tables of bytes hold s >> 4
 * (at most 31) and s & 15, so that eight pairs of columns add up in a byte. */
#ifndef TRIT_LUT_GEMV_H
#define TRIT_LUT_GEMV_H

#include "kernels.h"
#include "v128.h"
#include "v128_table.h"

/* table[i] for indices 0 ... 15 */
typedef v128 look_up_fn(v128 table, v128 indices);

enum { BIAS = 256, CHUNK_BYTES = 256 /* of 64 rows, and of the tables, of 16 columns */ };
/* 16-bit sums take 248 for every 16 columns. */
enum { FLUSH_CHUNKS = 256 };

static volatile const uint8_t nibble_mask = 0x0f; /* volatile: see v128_table.h */

/* Sums of 64 rows in 16 bits. Vector 2j + 1 of [8][2] counts rows 16j' + odd, j' = j / 2, and vector
 * 2j all bytes as words, from which the odd ones are taken off at the end; even j are the high parts. */
typedef struct {
    uint16_t part[8][2][8];
} group_sums;

static inline void add_bytes(uint16_t sums[2][8], v128 bytes)
{
    v_store(sums[0], v_add_i16(v_load(sums[0]), bytes));
    v_store(sums[1], v_add_i16(v_load(sums[1]), v_shr_u16(bytes, 8)));
}

/* Adds 16 columns of 64 rows. */
static inline __attribute__((always_inline)) void add_chunk(look_up_fn *look_up, group_sums *sums,
                                                            const uint8_t *restrict w,
                                                            const uint8_t *restrict lut, v128 mask)
{
    const v128 zero = v_splat_i32(0);
    v128 h0 = zero, h1 = zero, h2 = zero, h3 = zero, l0 = zero, l1 = zero, l2 = zero, l3 = zero;
    const uint8_t *end = lut + CHUNK_BYTES;
    TRIT_KEEP_LOOP
    for (; lut < end; lut += 32, w += 32) {
        v128 a = v_load(w), b = v_load(w + 16), high = v_load(lut), low = v_load(lut + 16);
        v128 i0 = v_and(a, mask), i1 = v_and(v_shr_u16(a, 4), mask);
        v128 i2 = v_and(b, mask), i3 = v_and(v_shr_u16(b, 4), mask);
        h0 = v_add_i8(h0, look_up(high, i0));
        l0 = v_add_i8(l0, look_up(low, i0));
        h1 = v_add_i8(h1, look_up(high, i1));
        l1 = v_add_i8(l1, look_up(low, i1));
        h2 = v_add_i8(h2, look_up(high, i2));
        l2 = v_add_i8(l2, look_up(low, i2));
        h3 = v_add_i8(h3, look_up(high, i3));
        l3 = v_add_i8(l3, look_up(low, i3));
    }
    add_bytes(sums->part[0], h0);
    add_bytes(sums->part[1], l0);
    add_bytes(sums->part[2], h1);
    add_bytes(sums->part[3], l1);
    add_bytes(sums->part[4], h2);
    add_bytes(sums->part[5], l2);
    add_bytes(sums->part[6], h3);
    add_bytes(sums->part[7], l3);
}

/* The 16-bit sums of 16 rows as rows 0 ... 7 and 8 ... 15. */
static inline void order_rows(uint16_t sums[2][8], v128 *low, v128 *high)
{
    v128 odd = v_load(sums[1]), even = v_sub_i16(v_load(sums[0]), v_shl_u16(odd, 8));
    *low = v_zip_low_u16(even, odd);
    *high = v_zip_high_u16(even, odd);
}

/* total [8] += 16 * high + low */
static inline void add_words(int32_t *restrict total, v128 high, v128 low)
{
    const v128 zero = v_splat_i32(0);
    v128 a = v_add_i32(v_shl_i32(v_zip_low_u16(high, zero), 4), v_zip_low_u16(low, zero));
    v128 b = v_add_i32(v_shl_i32(v_zip_high_u16(high, zero), 4), v_zip_high_u16(low, zero));
    v_store(total, v_add_i32(v_load(total), a));
    v_store(total + 4, v_add_i32(v_load(total + 4), b));
}

/* Moves the 16-bit sums to 32 bits: total [64]. */
static inline void flush_group(int32_t *restrict total, group_sums *restrict sums)
{
    for (int j = 0; j < 8; j += 2, total += 16) {
        v128 high0, high1, low0, low1;
        order_rows(sums->part[j], &high0, &high1);
        order_rows(sums->part[j + 1], &low0, &low1);
        add_words(total, high0, low0);
        add_words(total + 8, high1, low1);
    }
    memset(sums, 0, sizeof *sums);
}

/* total [groups][64] of a tile's groups; w its first group's columns 0 ... 15, step bytes from one
 * chunk of 16 columns to the next. */
static inline __attribute__((always_inline)) void
sum_groups(look_up_fn *look_up, int32_t *restrict total, const uint8_t *restrict w, size_t step,
           int groups, const uint8_t *restrict lut, int chunks)
{
    const v128 mask = v_splat_u8(nibble_mask);
    group_sums sums[TRIT_TILE_ROWS / TRIT_T2_ROWS];
    memset(sums, 0, sizeof sums);
    memset(total, 0, (size_t)(groups * TRIT_T2_ROWS) * sizeof *total);
    for (int begin = 0; begin < chunks; begin += FLUSH_CHUNKS) {
        int end = chunks - begin < FLUSH_CHUNKS ? chunks : begin + FLUSH_CHUNKS;
        for (int c = begin; c < end; c++)
            for (int group = 0; group < groups; group++)
                add_chunk(look_up, &sums[group], w + (size_t)c * step + (size_t)group * CHUNK_BYTES,
                          lut + (size_t)c * CHUNK_BYTES, mask);
        for (int group = 0; group < groups; group++)
            flush_group(total + group * TRIT_T2_ROWS, &sums[group]);
    }
}

/* The contract of gemv_t2_a8, by this look-up. */
static inline __attribute__((always_inline)) void
lut_gemv(look_up_fn *look_up, int32_t *restrict sum, const uint8_t *restrict w,
         const uint8_t *restrict lut, int row_begin, int row_end, int rows, int col_begin,
         int col_end, int cols)
{
    const size_t padded = trit_t2_cols((size_t)cols), padded_rows = trit_t2_rows((size_t)rows),
                 chunk = (size_t)col_begin / 16;
    const int chunks = (int)trit_t2_cols((size_t)col_end) / 16 - (int)chunk;
    int32_t total[TRIT_TILE_ROWS];
    for (size_t row = (size_t)row_begin, next; row < (size_t)row_end; row = next) {
        size_t tile = row / TRIT_TILE_ROWS * TRIT_TILE_ROWS, tile_end = tile + TRIT_TILE_ROWS;
        if (tile_end > padded_rows) tile_end = padded_rows;
        next = tile_end < (size_t)row_end ? tile_end : (size_t)row_end;
        size_t step = (tile_end - tile) / TRIT_T2_ROWS * CHUNK_BYTES;
        const uint8_t *p =
            w + tile * padded / 4 + chunk * step + (row - tile) / TRIT_T2_ROWS * CHUNK_BYTES;
        sum_groups(look_up, total, p, step, (int)((next - row + TRIT_T2_ROWS - 1) / TRIT_T2_ROWS),
                   lut + chunk * CHUNK_BYTES, chunks);
        /* eight pairs of columns a chunk, each BIAS too much; what is padding counts 0 */
        for (size_t r = row; r < next; r++) sum[r] = total[r - row] - BIAS * 8 * chunks;
    }
}

#endif
