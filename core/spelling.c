#include "spelling.h"

#include "unicode.h"

/* Bytes that print stand for themselves, the other 68 for U+0100 and on. */
void tritx_alphabet_fill(tritx_alphabet *a, bool sentencepiece)
{
    int next = 0x100;
    a->sentencepiece = sentencepiece;
    memset(a->bytes_of, -1, sizeof a->bytes_of);
    for (int byte = 0; byte < 256; byte++) {
        bool prints = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte != 0xad);
        int point = prints ? byte : next++;
        a->bytes_of[point] = (int16_t)byte;
        a->points_of[byte] = (uint16_t)point;
    }
}

/* A space itself has no spelling here: it would be the same as U+2581. */
static bool unspell_spaces(const char *text, size_t n_text, uint8_t *out, size_t *n_bytes)
{
    size_t count = 0;
    for (size_t at = 0; at < n_text; count++) {
        bool space = n_text - at >= 3 && memcmp(text + at, "\xe2\x96\x81", 3) == 0;
        if (text[at] == ' ') return false;
        out[count] = space ? ' ' : (uint8_t)text[at];
        at += space ? 3 : 1;
    }
    *n_bytes = count;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int tritx_unspell_byte(const char *text, size_t n_text)
{
    if (n_text != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return -1;
    int high = hex_digit(text[3]), low = hex_digit(text[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool tritx_is_mark(const char *text, size_t n_text)
{
    return n_text > 4 && memcmp(text, "<|", 2) == 0 && memcmp(text + n_text - 2, "|>", 2) == 0;
}

bool tritx_unspell(const tritx_alphabet *a, const char *text, size_t n_text, uint8_t *out,
                   size_t *n_bytes)
{
    const uint8_t *p = (const uint8_t *)text;
    size_t count = 0;
    if (a->sentencepiece) return unspell_spaces(text, n_text, out, n_bytes);
    for (size_t at = 0, length; at < n_text; at += length, count++) {
        uint32_t point;
        length = tritx_utf8_decode(p + at, n_text - at, &point);
        if (length == 0 || point >= TRITX_ALPHABET_END || a->bytes_of[point] < 0) return false;
        out[count] = (uint8_t)a->bytes_of[point];
    }
    *n_bytes = count;
    return true;
}

size_t tritx_spell(const tritx_alphabet *a, const uint8_t *bytes, size_t n_bytes, char *text)
{
    size_t n = 0;
    for (size_t i = 0; i < n_bytes; i++) {
        unsigned point = a->points_of[bytes[i]];
        if (a->sentencepiece) {
            bool space = bytes[i] == ' ';
            memcpy(text + n, space ? "\xe2\x96\x81" : (const char *)bytes + i, space ? 3 : 1);
            n += space ? 3 : 1;
            continue;
        }
        if (point >= 0x80) text[n++] = (char)(0xc0 | point >> 6);
        text[n++] = (char)(point >= 0x80 ? 0x80 | (point & 0x3f) : point);
    }
    return n;
}

const char *tritx_unspell_merge(const tritx_alphabet *a, const tritx_token_map *map,
                                const char *left, size_t n_left, const char *right, size_t n_right,
                                uint8_t *joined, uint32_t merge[3])
{
    size_t n = 0, m = 0;
    if (!tritx_unspell(a, left, n_left, joined, &n) ||
        !tritx_unspell(a, right, n_right, joined + n, &m))
        return "a merge is not two tokens";
    int32_t ids[3] = {tritx_token_map_find(map, joined, n),
                      tritx_token_map_find(map, joined + n, m),
                      tritx_token_map_find(map, joined, n + m)};
    for (int i = 0; i < 3; i++) {
        if (ids[i] < 0) return "a merge names a token that is not in the vocab";
        merge[i] = (uint32_t)ids[i];
    }
    return NULL;
}
