#include <math.h>

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

static void test_ternarise(void)
{
    uint8_t codes[4];
    float scale = 0;
    /* exactly half the scale is 0, the next number above is 1 */
    const float tie[4] = {0.5f, 0.50000006f, -0.5f, -0.50000006f};
    const uint8_t ties[4] = {1, 2, 1, 0};
    tritx_ternarise(codes, (const uint8_t *)tie, 4, TRIT_DTYPE_F32, 1.0f);
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

int main(void)
{
    test_many();
    test_wire();
    test_ternarise();
    test_int8();
    test_real();
    return TRIT_DONE();
}
