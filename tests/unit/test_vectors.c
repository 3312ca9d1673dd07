/* Worked vectors of the quantisers and of the layouts in which files keep ternary weights, each computed
 * apart from the engine, both ways where the engine goes both. Sections are those of the specification
 * of the BitNet family, A its appendix.
 *
 *  A     A8: Training Tips (and 2.2: half to even)      test_a8                          [r]
 *  A     W-tern: arXiv 2402.17764, section 2            test_ternary                     [r]
 *  A     A4 absmean: 2411.04965, 2504.18415             test_not_served: nothing computes these; the
 *  A     W-bin: 2310.11453, section 2                     words of their axes are refused, and when one
 *  A     Hadamard: 2504.18415                             is served, that test fails and asks for its
 *  A     top-K, ties: 2411.04965, 2407.10969              vector
 *  A     2-bit order of w[j] = (j mod 3) - 1            with its layout, below
 *  15.1  quarters of Hugging Face                       test_quarters, both ways         [r]
 *  15.2  I2_S of x86 (A)                                test_i2_s, both ways             [r]
 *  15.2  I2_S of ARM (B) and of four rows (C)           test_i2_s, read only: not written [r]
 *  15.3, 15.4  TL1, TL2                                 not read: refused by name in test_gguf.c
 *  15.5  TQ2_0                                          test_tq, both ways               [r]
 *  15.5  TQ1_0                                          test_tq, read only: not written  [r]
 *  15.8  packings of other programs                     no container that is read
 *
 * [r]: the writers and quantisers that the golden tests compare with are held against the same bytes in
 * golden/reference.test.mjs. */
#include "blocks.h"
#include "check.h"
#include "kernels.h"
#include "pack.h"
#include "trit.h"

/* ---- quantisers ---- */

static void test_a8(void)
{
    static const float x[6] = {0.5f, -0.5f, 1, -1, 0.003937f, 0};
    static const int8_t expected[6] = {64, -64, 127, -127, 0, 0};
    const trit_kernels *k;
    for (int i = 0; (k = trit_kernels_by_index(i)); i++) {
        int8_t q[TRIT_T2_COLS];
        int32_t sum;
        TRIT_CHECK(k->quant_a8(q, &sum, x, 6, 6) == 127.0f);
        TRIT_CHECK(memcmp(q, expected, 6) == 0);
        TRIT_CHECK_EQ_I(sum, 0);
    }
}

static void test_ternary(void)
{
    static const float w[8] = {.02f, -.5f, .3f, 0, 1.2f, -.04f, -.26f, .11f};
    static const uint8_t expected[8] = {1, 0, 2, 1, 2, 1, 0, 1};
    uint8_t codes[8];
    float scale = 0;
    TRIT_CHECK_EQ_I(tritx_absmean((const uint8_t *)w, 8, TRIT_DTYPE_F32, &scale), TRIT_OK);
    TRIT_CHECK(scale == 0.30375f);
    tritx_ternarise(codes, w, 8, scale);
    TRIT_CHECK(memcmp(codes, expected, 8) == 0);
}

static void test_not_served(void)
{
    static const struct {
        size_t offset; /* in trit_linear_spec */
        uint8_t value;
        const char *word;
    } cases[] = {
        {offsetof(trit_linear_spec, act), TRIT_ACT_A4, "act \"a4\""},
        {offsetof(trit_linear_spec, weight), TRIT_WEIGHT_BINARY, "weight \"binary\""},
        {offsetof(trit_linear_spec, rotate), TRIT_ROTATE_HADAMARD, "rotate \"hadamard\""},
        {offsetof(trit_linear_spec, keep), TRIT_KEEP_TOPK, "keep \"topk\""},
        {offsetof(trit_linear_spec, keep), TRIT_KEEP_N_OF_M, "keep \"n_of_m\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trit_config c;
        trit_error err = {0};
        TRIT_CHECK_EQ_I(trit_config_preset("2B4T", &c, NULL), TRIT_OK);
        memcpy((char *)&c.site[TRIT_SITE_DOWN] + cases[i].offset, &cases[i].value, 1);
        TRIT_CHECK_EQ_I(trit_config_validate(&c, &err), TRIT_UNSUPPORTED);
        TRIT_CHECK(strstr(err.message, cases[i].word) != NULL);
    }
}

/* ---- layouts; a code is a weight + 1, so that of w[j] = (j mod 3) - 1 is j mod 3 ---- */

/* The bytes of w where four runs of `run` numbers share `run` bytes: the first number of a byte tells it. */
static void fill(uint8_t *bytes, size_t n, size_t run, const char turn[3])
{
    for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)turn[(i / run * 4 * run + i % run) % 3];
}

static void check_read(const uint8_t codes[256])
{
    for (size_t i = 0; i < 256; i++) TRIT_CHECK_EQ_I(codes[i], i % 3);
}

static void test_quarters(void)
{
    /* [8, 2] in two rows of bytes */
    static const uint8_t bytes[] = {0xa1, 0x18, 0x90, 0x0a};
    static const uint8_t rows[8][2] = {{1, 0}, {0, 2}, {0, 2}, {0, 2},
                                       {2, 1}, {1, 0}, {2, 0}, {2, 0}};
    uint8_t codes[2], written[4] = {0};
    for (size_t r = 0; r < 8; r++) {
        TRIT_CHECK(tritx_quarters_row(codes, bytes, 8, 2, r) && memcmp(codes, rows[r], 2) == 0);
        tritx_put_quarters_row(written + r % 2 * 2, rows[r], 2, r / 2);
    }
    TRIT_CHECK(memcmp(written, bytes, sizeof bytes) == 0);
    /* rows that do not fill the last quarter: what is behind them is not looked at */
    static const uint8_t column[] = {0x24, 0xc9};
    static const uint8_t expected[][7] = {
        {0, 1, 1, 2, 2, 0, 0}, {0, 1, 1, 2, 2, 0}, {0, 1, 1, 2, 2}};
    for (size_t rows_of = 5; rows_of <= 7; rows_of++)
        for (size_t r = 0; r < rows_of; r++)
            TRIT_CHECK(tritx_quarters_row(codes, column, rows_of, 1, r) &&
                       codes[0] == expected[7 - rows_of][r]);
    TRIT_CHECK(!tritx_quarters_row(codes, column, 8, 1, 7));
}

static void test_i2_s(void)
{
    uint8_t bytes[64], written[64], codes[256];
    fill(bytes, 64, 32, "\x24\x49\x92");
    TRIT_CHECK_EQ_I(tritx_i2_s_row(codes, bytes, 256, 32), TRITX_BLOCKS_FINE);
    check_read(codes);
    tritx_put_i2_s_row(written, codes, 256);
    TRIT_CHECK(memcmp(written, bytes, 64) == 0);
    fill(bytes, 64, 16, "\x18\x61\x86");
    TRIT_CHECK_EQ_I(tritx_i2_s_row(codes, bytes, 256, 16), TRITX_BLOCKS_FINE);
    check_read(codes);
    /* four rows of w, each further by one; then four of one code a column */
    static const uint8_t rows[] = {0x18, 0x61, 0x86, 0x00, 0x55, 0xaa};
    for (size_t r = 0; r < 8; r++) {
        TRIT_CHECK_EQ_I(tritx_i2_s_rows_row(codes, rows, r, 3), TRITX_BLOCKS_FINE);
        for (size_t k = 0; k < 3; k++) TRIT_CHECK_EQ_I(codes[k], r < 4 ? (r + k) % 3 : k);
    }
    TRIT_CHECK_EQ_I(tritx_i2_s_rows_row(codes, (const uint8_t *)"\x0c", 2, 1),
                    TRITX_BLOCKS_BAD_CODES);
}

static void test_tq(void)
{
    uint8_t tq1_0[54], tq2_0[66], written[66], codes[256];
    float scale = 0;
    fill(tq2_0, 64, 32, "\x18\x61\x86");
    memcpy(tq2_0 + 64, "\0\x38", 2);
    TRIT_CHECK_EQ_I(tritx_ternary_row(codes, &scale, tq2_0, 256, TRIT_DTYPE_TQ2_0),
                    TRITX_BLOCKS_FINE);
    check_read(codes);
    TRIT_CHECK(scale == 0.5f);
    tritx_put_tq2_0_row(written, codes, 256, 0x3800);
    TRIT_CHECK(memcmp(written, tq2_0, 66) == 0);

    fill(tq1_0, 32, 32, "\x45\x6c\xcf");
    fill(tq1_0 + 32, 16, 16, "\x94\xbb\x31");
    memcpy(tq1_0 + 48, "\x30\x92\xbb\x30\0\x38", 6);
    TRIT_CHECK_EQ_I(tritx_ternary_row(codes, &scale, tq1_0, 256, TRIT_DTYPE_TQ1_0),
                    TRITX_BLOCKS_FINE);
    check_read(codes);
    /* a byte of the packed file has the same five digits, so that it begins as TQ1_0 does */
    tritx_wire_encode(written, codes, 160);
    TRIT_CHECK(memcmp(written, tq1_0, 32) == 0);
}

/* The first 128 weights of tiny-tales' first query row, and the bytes that begin its files in I2_S and TQ2_0,
 * which another program wrote. */
static void test_known_row(void)
{
    static const char text[] = "--+00++0-0--0000-0--00-++00-+0-+0++0+-+0+--000+000+0+00-0+0-0+-+"
                               "-00--000++00-00--0+0-+++---+--00--0-0--0-0-++----0--00+0--0+----";
    static const uint8_t i2_s[8] = {0x10, 0x24, 0xa5, 0x50, 0x61, 0x84, 0xa4, 0x55},
                         tq2_0[8] = {0x04, 0x18, 0x5a, 0x05, 0x49, 0x12, 0x1a, 0x55};
    uint8_t row[66], codes[256], known[256];
    float scale = 0;
    for (size_t i = 0; i < 256; i++)
        known[i] = i >= 128 ? 1 : (uint8_t)(1 + (text[i] == '+') - (text[i] == '-'));
    tritx_put_i2_s_row(row, known, 128);
    TRIT_CHECK(memcmp(row, i2_s, 8) == 0);
    TRIT_CHECK_EQ_I(tritx_i2_s_row(codes, row, 128, 32), TRITX_BLOCKS_FINE);
    TRIT_CHECK(memcmp(codes, known, 128) == 0);
    tritx_put_tq2_0_row(row, known, 256, 0x2d28);
    TRIT_CHECK(memcmp(row, tq2_0, 8) == 0 && memcmp(row + 64, "\x28\x2d", 2) == 0);
    TRIT_CHECK_EQ_I(tritx_ternary_row(codes, &scale, row, 256, TRIT_DTYPE_TQ2_0),
                    TRITX_BLOCKS_FINE);
    TRIT_CHECK(memcmp(codes, known, 256) == 0);
    TRIT_CHECK(scale == 0.08056640625f);
}

int main(void)
{
    test_a8();
    test_ternary();
    test_not_served();
    test_quarters();
    test_i2_s();
    test_tq();
    test_known_row();
    return TRIT_DONE();
}
