/* SHA-256 by the examples of FIPS 180-4 (NIST, "Secure Hash Standard" example values) and the empty text. */
#include <stdlib.h>

#include "base.h"
#include "check.h"

static void check_digest(const uint8_t digest[32], const char *hex)
{
    char got[65];
    for (int i = 0; i < 32; i++) tritx_format(got + 2 * i, 3, "%02x", digest[i]);
    TRIT_CHECK(strcmp(got, hex) == 0);
}

static void check_text(const char *text, size_t times, size_t piece, const char *hex)
{
    size_t n = strlen(text) * times;
    uint8_t digest[32], *all = malloc(n + !n);
    for (size_t i = 0; i < n; i++) all[i] = (uint8_t)text[i % strlen(text)];
    trit_sha256 sha;
    trit_sha256_begin(&sha);
    for (size_t at = 0; at < n; at += piece)
        trit_sha256_push(&sha, all + at, n - at < piece ? n - at : piece);
    trit_sha256_end(&sha, digest);
    check_digest(digest, hex);
    free(all);
}

static const struct {
    const char *text;
    size_t times;
    const char *hex;
} cases[] = {
    {"", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

int main(void)
{
    static const size_t pieces[] = {1, 3, 55, 56, 63, 64, 65, 128, 1u << 20};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++)
            check_text(cases[c].text, cases[c].times, pieces[p], cases[c].hex);
    return TRIT_DONE();
}
