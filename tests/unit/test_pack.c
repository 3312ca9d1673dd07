#include <math.h>

#include "blocks.h"
#include "check.h"
#include "kernels.h"
#include "pack.h"
#include "real.h"

static uint32_t state = 1;
static uint32_t next(void) { return (state = state * 1664525u + 1013904223u) >> 8; }

static const trit_kernels *const ref = &trit_kernels_ref;

static void test_wire(void)
{
    static const size_t widths[] = {1, 4, 5, 6, 64, 255, 256, 2688, 6912, 8640};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        size_t n = widths[i], bytes = trit_wire_bytes(n);
        uint8_t *codes = malloc(n), *back = malloc(trit_t2_cols(n) + 4), *wire = malloc(bytes);
        for (size_t k = 0; k < n; k++) codes[k] = (uint8_t)(next() % 3);
        tritx_wire_encode(wire, codes, n);
        TRIT_CHECK(ref->wire_decode(back, wire, (int)n) && memcmp(codes, back, n) == 0);
        free(codes), free(back), free(wire);
    }
    /* every byte: 243 are good, and an encoder makes each of them again */
    int good = 0;
    uint8_t codes[TRIT_T2_COLS], wire;
    for (int b = 0; b < 256; b++) {
        uint8_t again;
        wire = (uint8_t)b;
        if (!ref->wire_decode(codes, &wire, 5)) continue;
        good++;
        tritx_wire_encode(&again, codes, 5);
        TRIT_CHECK_EQ_I(again, b);
    }
    TRIT_CHECK_EQ_I(good, 243);
    /* a pad code that is not 1 */
    memcpy(codes, (const uint8_t[]){0, 1, 2, 0, 2}, 5);
    tritx_wire_encode(&wire, codes, 5);
    TRIT_CHECK(!ref->wire_decode(codes, &wire, 4));
}

/* The order of the sum is part of what a model is: one after the other, whatever the blocks. */
static void test_absmean_order(void)
{
    enum { N = 3001 };
    static const tritx_dtype dtypes[] = {TRIT_DTYPE_F16, TRIT_DTYPE_BF16, TRIT_DTYPE_F32};
    uint8_t *source = malloc(4 * N);
    for (size_t d = 0; d < 3; d++) {
        for (size_t i = 0; i < 4 * N; i++) source[i] = (uint8_t)next();
        size_t bytes = tritx_dtype_bytes(dtypes[d]);
        for (size_t i = bytes - 1; i < 4 * N; i += bytes)
            source[i] &= 0xbb; /* no exponent of all ones */
        double sum = 0;
        float scale = 0;
        for (size_t i = 0; i < N; i++)
            sum += fabs((double)tritx_source_float(source, i, dtypes[d]));
        trit_status status = tritx_absmean(source, N, dtypes[d], &scale);
        TRIT_CHECK_EQ_I(status, TRIT_OK);
        TRIT_CHECK(scale == (float)(sum / (double)N));
    }
    free(source);
}

static void test_ternarise(void)
{
    uint8_t codes[4];
    float scale = 0;
    /* a number whose double is infinite */
    const float large[2] = {2e38f, -2e38f};
    tritx_ternarise(codes, large, 2, 3e38f);
    TRIT_CHECK(codes[0] == 2 && codes[1] == 0);
    /* exactly half the scale is 0, the next number above is 1 */
    const float tie[4] = {0.5f, 0.50000006f, -0.5f, -0.50000006f};
    const uint8_t ties[4] = {1, 2, 1, 0};
    tritx_ternarise(codes, tie, 4, 1.0f);
    TRIT_CHECK(memcmp(codes, ties, 4) == 0);
    const float zero[4] = {0}, bad[2] = {1, INFINITY};
    TRIT_CHECK_EQ_I(tritx_absmean((const uint8_t *)zero, 4, TRIT_DTYPE_F32, &scale), TRIT_OK);
    TRIT_CHECK(scale == 1e-5f);
    TRIT_CHECK_EQ_I(tritx_absmean((const uint8_t *)bad, 2, TRIT_DTYPE_F32, &scale), TRIT_NUMERIC);
}

static void test_int8(void)
{
    float x[4] = {1, -2, 0.5f, 0}, scale;
    int8_t codes[4];
    int32_t sum;
    TRIT_CHECK(tritx_int8_row(codes, &scale, &sum, x, 4));
    TRIT_CHECK_EQ_I(codes[0], 64); /* 63.5, half to even */
    TRIT_CHECK_EQ_I(codes[1], -127);
    TRIT_CHECK_EQ_I(sum, 64 - 127 + 32);
    x[0] = 1e-45f, x[1] = x[2] = x[3] = 0; /* the scale underflows */
    TRIT_CHECK(tritx_int8_row(codes, &scale, &sum, x, 4));
    TRIT_CHECK_EQ_I(codes[0], 0);
    x[2] = NAN;
    TRIT_CHECK(!tritx_int8_row(codes, &scale, &sum, x, 4));
}

static void test_real(void)
{
    for (double x = 1e-6; x < 1e12; x *= 1.37)
        TRIT_CHECK(fabs(tritx_log(x) - log(x)) < 1e-13 * (1 + fabs(log(x))));
    for (double x = 0; x < 70000; x += 0.7310585 + x / 900) {
        double s, c;
        tritx_sin_cos(x, &s, &c);
        TRIT_CHECK(fabs(s - sin(x)) < 1e-11 && fabs(c - cos(x)) < 1e-11);
    }
}

/* All numbers of two bytes at once are those one by one, NaN and infinities included. */
static void test_many(void)
{
    enum { N = 65536 };
    static uint8_t source[2 * N];
    static float many[N];
    static const tritx_dtype dtypes[] = {TRIT_DTYPE_F16, TRIT_DTYPE_BF16};
    for (size_t i = 0; i < N; i++)
        source[2 * i] = (uint8_t)i, source[2 * i + 1] = (uint8_t)(i >> 8);
    for (size_t d = 0; d < 2; d++) {
        tritx_source_floats(many, source, N, dtypes[d]);
        for (size_t i = 0; i < N; i++) {
            float one = tritx_source_float(source, i, dtypes[d]);
            TRIT_CHECK(memcmp(&one, &many[i], sizeof one) == 0);
            TRIT_CHECK(isnan(one) == isnan(tritx_largest(&many[i], 1)));
            if (!isnan(one)) TRIT_CHECK(tritx_largest(&many[i], 1) == fabsf(one));
        }
        TRIT_CHECK(isnan(tritx_largest(many, N)));
    }
}

/* ---- one matrix through every layout, of rows that are no multiple of four, as no model has them; that
 * whole models give the same bytes is shown in golden/containers.test.mjs ---- */

enum { ROWS = 7, COLS = 8640 };
static uint8_t codes[ROWS * COLS], found[ROWS * COLS], bytes[4 * ROWS * COLS];
static float floats[COLS];

/* `found` makes the bytes of the packed file that `codes` make; forgets it. */
static void check_found(const char *layout, size_t rows, size_t cols)
{
    static uint8_t expected[COLS / 5 + 1], wire[COLS / 5 + 1];
    bool same = true;
    for (size_t r = 0; r < rows; r++) {
        tritx_wire_encode(expected, codes + r * cols, cols);
        tritx_wire_encode(wire, found + r * cols, cols);
        same &= memcmp(wire, expected, trit_wire_bytes(cols)) == 0;
    }
    if (!same) fprintf(stderr, "%s: %zu rows of %zu\n", layout, rows, cols);
    TRIT_CHECK(same);
    memset(found, 1, sizeof found);
}

static void through_quarters(size_t rows, size_t cols)
{
    size_t quarter = (rows + 3) / 4;
    memset(bytes, 0, quarter * cols);
    for (size_t r = 0; r < rows; r++)
        tritx_put_quarters_row(bytes + r % quarter * cols, codes + r * cols, cols, r / quarter);
    for (size_t r = 0; r < rows; r++)
        TRIT_CHECK(tritx_quarters_row(found + r * cols, bytes, rows, cols, r));
    check_found("quarters", rows, cols);
}

/* As numbers 0 and +-0.5, which the highest byte tells. */
static void through_numbers(size_t rows, size_t cols, tritx_dtype dtype)
{
    size_t n = rows * cols, width = tritx_dtype_bytes(dtype);
    float scale = 0, mean;
    double sum = 0;
    memset(bytes, 0, n * width);
    for (size_t i = 0; i < n; i++) {
        uint8_t half = dtype == TRIT_DTYPE_F16 ? 0x38 : 0x3f;
        if (codes[i] == 1) continue;
        bytes[(i + 1) * width - 1] = codes[i] ? half : half | 0x80;
        sum += 0.5;
    }
    for (size_t r = 0; r < rows; r++)
        TRIT_CHECK_EQ_I(
            tritx_ternary_row(found + r * cols, &scale, bytes + r * cols * width, cols, dtype),
            TRITX_BLOCKS_FINE);
    TRIT_CHECK(scale == 0.5f);
    check_found("numbers", rows, cols);
    TRIT_CHECK_EQ_I(tritx_absmean(bytes, n, dtype, &mean), TRIT_OK);
    TRIT_CHECK(mean == (float)(sum / (double)n));
    for (size_t r = 0; r < rows; r++) {
        tritx_source_floats(floats, bytes + r * cols * width, cols, dtype);
        tritx_ternarise(found + r * cols, floats, cols, mean);
    }
    check_found("masters", rows, cols);
}

static void through_i2_s(size_t rows, size_t cols, size_t run)
{
    for (size_t r = 0; r < rows; r++) {
        const uint8_t *c = codes + r * cols;
        if (run == 32) tritx_put_i2_s_row(bytes, c, cols);
        for (size_t i = 0; run == 16 && i < cols / 4; i++) {
            const uint8_t *first = c + i / 16 * 64 + i % 16;
            bytes[i] = (uint8_t)(first[0] << 6 | first[16] << 4 | first[32] << 2 | first[48]);
        }
        TRIT_CHECK_EQ_I(tritx_i2_s_row(found + r * cols, bytes, cols, run), TRITX_BLOCKS_FINE);
    }
    check_found(run == 32 ? "I2_S of x86" : "I2_S of ARM", rows, cols);
}

/* A byte of TQ1_0 has the digits of one of the packed file, where rows of 160, 80 and 20 stand alike. */
static void put_tq1_0_row(uint8_t *out, const uint8_t *c, size_t cols)
{
    for (size_t i = 0; i < cols; i += 256, out += 54) {
        uint8_t last[20] = {0};
        memcpy(last, c + i + 240, 16);
        tritx_wire_encode(out, c + i, 160);
        tritx_wire_encode(out + 32, c + i + 160, 80);
        tritx_wire_encode(out + 48, last, 20);
        memcpy(out + 52, "\0\x38", 2);
    }
}

static void through_tq(size_t rows, size_t cols, tritx_dtype dtype)
{
    float scale = 0;
    for (size_t r = 0; r < rows; r++) {
        if (dtype == TRIT_DTYPE_TQ1_0) put_tq1_0_row(bytes, codes + r * cols, cols);
        else tritx_put_tq2_0_row(bytes, codes + r * cols, cols, 0x3800);
        TRIT_CHECK_EQ_I(tritx_ternary_row(found + r * cols, &scale, bytes, cols, dtype),
                        TRITX_BLOCKS_FINE);
    }
    TRIT_CHECK(scale == 0.5f);
    check_found(dtype == TRIT_DTYPE_TQ1_0 ? "TQ1_0" : "TQ2_0", rows, cols);
}

static void test_odd_rows(void)
{
    static const size_t widths[] = {256, 2688, 8640};
    for (size_t i = 0; i < sizeof codes; i++) codes[i] = (uint8_t)(next() % 3);
    memset(codes, 1, 256); /* a block of zeros */
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++)
        for (size_t rows = 5; rows <= ROWS; rows++) {
            size_t cols = widths[w];
            through_quarters(rows, cols);
            through_numbers(rows, cols, TRIT_DTYPE_F32);
            through_numbers(rows, cols, TRIT_DTYPE_F16);
            through_numbers(rows, cols, TRIT_DTYPE_BF16);
            through_i2_s(rows, cols - cols % 128, 32);
            through_i2_s(rows, cols - cols % 64, 16);
            through_tq(rows, cols - cols % 256, TRIT_DTYPE_TQ1_0);
            through_tq(rows, cols - cols % 256, TRIT_DTYPE_TQ2_0);
        }
}

int main(void)
{
    test_many();
    test_wire();
    test_absmean_order();
    test_ternarise();
    test_int8();
    test_real();
    test_odd_rows();
    return TRIT_DONE();
}
