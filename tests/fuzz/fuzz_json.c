/* JSON text grown from a small grammar by the input's bytes: mostly well-formed, so that it gets past
 * the first character, and broken in places. */
#include <stdint.h>
#include <string.h>

#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const char *const pieces[] = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"a\"",
    "\"b\"",
    "\"\\u0000\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud83d\"",
    "0",
    "-1",
    "1e400",
    "9007199254740993",
    "0.1",
    "01",
    "true",
    "null",
    " ",
    "\xff",
    "\xed\xa0\x80",
    "\xf0\x9f\x98\x80",
    "\"",
    "[[[[[[[[",
    "{\"a\":",
    "\"key\":",
    "\n",
    "/",
    "\xef\xbb\xbf",
    "nan",
    "\\",
};
enum { N_PIECES = sizeof pieces / sizeof *pieces, CAPACITY = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char text[CAPACITY];
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        const char *piece = pieces[data[i] % N_PIECES];
        size_t length = strlen(piece);
        if (used + length > sizeof text) break;
        memcpy(text + used, piece, length);
        used += length;
    }
    tritx_json json = {0};
    trit_error err = {0};
    if (tritx_json_parse(text, used, &json, &err) == TRIT_OK) tritx_json_free(&json);
    return 0;
}
