#include "check.h"
#include "unicode.h"

/* Pushes text in pieces of `step` bytes, then flushes; compares with what must come out. */
static void check_push(const char *in, size_t n_in, const char *out, size_t step)
{
    uint8_t got[256];
    trit_utf8 state = {{0}, 0};
    size_t n = 0;
    for (size_t at = 0; at < n_in; at += step) {
        size_t n_piece = n_in - at < step ? n_in - at : step;
        size_t n_new = trit_utf8_push(&state, (const uint8_t *)in + at, n_piece, got + n);
        TRIT_CHECK(n_new <= 3 * (n_piece + 4));
        n += n_new;
    }
    n += trit_utf8_push(&state, NULL, 0, got + n);
    TRIT_CHECK_EQ_I(n, strlen(out));
    TRIT_CHECK(n == strlen(out) && memcmp(got, out, n) == 0);
    TRIT_CHECK_EQ_I(trit_utf8_push(&state, NULL, 0, got), 0);
}

#define FFFD "\xef\xbf\xbd"

static void test_push(void)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"abc", "abc"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\x80", FFFD},
        {"\xff", FFFD},
        {"\xc0\xaf", FFFD FFFD},
        {"\xe0\x80\x80", FFFD FFFD FFFD}, /* overlong: no byte fits the one before */
        {"\xed\xa0\x80", FFFD FFFD FFFD}, /* a surrogate */
        {"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD},
        {"\xe2\x82", FFFD}, /* one maximal subpart at the end */
        {"\xf0\x9f\x98", FFFD},
        {"\xf0\x9f\x98x", FFFD "x"},
        {"\xe2\x82\xe2\x82\xac", FFFD "\xe2\x82\xac"},
        {"\xf0\xf0\x9f\x98\x80", FFFD "\xf0\x9f\x98\x80"},
        /* Table 3-8 of the standard */
        {"a\xf1\x80\x80\xe1\x80\xc2"
         "b\x80"
         "c\x80\xbf"
         "d",
         "a" FFFD FFFD FFFD "b" FFFD "c" FFFD FFFD "d"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t step = 1; step < 6; step++)
            check_push(cases[i].in, strlen(cases[i].in), cases[i].out, step);
}

/* Every code point there and back, and every pair of bytes that must not decode. */
static void test_code_points(void)
{
    uint8_t bytes[4];
    bool fine = true;
    for (uint32_t point = 0; point <= 0x10ffff; point++) {
        if (point >= 0xd800 && point <= 0xdfff) continue;
        size_t n = tritx_utf8_encode(point, bytes);
        uint32_t read = 0;
        fine &= tritx_utf8_decode(bytes, n, &read) == n && read == point;
        fine &= tritx_utf8_decode(bytes, n - 1, &read) == 0;
    }
    TRIT_CHECK(fine);
    static const char *const bad[] = {"\x80",
                                      "\xc1\x81",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xc3(",
                                      "\xe2\x28\xa1",
                                      "\xe2\x82("};
    uint32_t point;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        TRIT_CHECK_EQ_I(tritx_utf8_decode((const uint8_t *)bad[i], strlen(bad[i]), &point), 0);
}

static void test_classes(void)
{
    static const uint32_t spaces[] = {0x9,    0xa,    0xb,    0xc,    0xd,    0x20,
                                      0x85,   0xa0,   0x1680, 0x2000, 0x200a, 0x2028,
                                      0x2029, 0x202f, 0x205f, 0x3000};
    for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++)
        TRIT_CHECK_EQ_I(tritx_unicode_class(spaces[i]), TRITX_SPACE);
    int n_spaces = 0;
    for (uint32_t point = 0; point <= 0x10ffff; point++)
        n_spaces += tritx_unicode_class(point) == TRITX_SPACE;
    TRIT_CHECK_EQ_I(n_spaces, 25);
    TRIT_CHECK_EQ_I(tritx_unicode_class('a'), TRITX_LETTER);
    TRIT_CHECK_EQ_I(tritx_unicode_class(0x4e00), TRITX_LETTER);
    TRIT_CHECK_EQ_I(tritx_unicode_class(0x2160), TRITX_NUMBER);
    TRIT_CHECK_EQ_I(tritx_unicode_class(0x663), TRITX_NUMBER);
    TRIT_CHECK_EQ_I(tritx_unicode_class(0x301), TRITX_OTHER);
    TRIT_CHECK_EQ_I(tritx_unicode_class(0xfeff), TRITX_OTHER);
    TRIT_CHECK_EQ_I(tritx_unicode_class(0xd800), TRITX_OTHER);
    TRIT_CHECK_EQ_I(tritx_unicode_class(0x10ffff), TRITX_OTHER);
    TRIT_CHECK_EQ_I(tritx_unicode_class(UINT32_MAX), TRITX_OTHER);
}

int main(void)
{
    test_push();
    test_code_points();
    test_classes();
    return TRIT_DONE();
}
