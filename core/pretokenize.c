/* Each function below is one alternative of the expression, tried in its order. */
#include "pretokenize.h"
#include "unicode.h"

typedef struct {
    tritx_class class;
    size_t end; /* where the next character begins */
} character;

static bool is_newline(uint8_t byte) { return byte == '\n' || byte == '\r'; }

static tritx_class ascii_class(uint8_t byte)
{
    if ((uint8_t)((byte | 0x20) - 'a') < 26) return TRITX_LETTER;
    if ((uint8_t)(byte - '0') < 10) return TRITX_NUMBER;
    return byte == ' ' || (uint8_t)(byte - '\t') < 5 ? TRITX_SPACE : TRITX_OTHER;
}

static character read_character(const uint8_t *text, size_t n, size_t at)
{
    if (text[at] < 0x80) return (character){ascii_class(text[at]), at + 1};
    uint32_t point;
    size_t length = tritx_utf8_decode(text + at, n - at, &point);
    if (length == 0) return (character){TRITX_OTHER, at + 1};
    return (character){tritx_unicode_class(point), at + length};
}

/* End of the run of characters of one class, at most `limit` of them. */
static size_t run_end(const uint8_t *text, size_t n, size_t at, tritx_class class, size_t limit)
{
    for (; at < n && limit > 0; limit--) {
        character c = read_character(text, n, at);
        if (c.class != class) break;
        at = c.end;
    }
    return at;
}

/* (?i:'s|'t|'re|'ve|'m|'ll|'d), or `at` when there is none. U+017F is an s without its case. */
static size_t contraction_end(const uint8_t *text, size_t n, size_t at)
{
    if (text[at] != '\'' || n - at < 2) return at;
    uint8_t a = text[at + 1] | 0x20;
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 2;
    if (n - at < 3) return at;
    uint8_t b = text[at + 2] | 0x20;
    bool match = ((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l') ||
                 (text[at + 1] == 0xc5 && text[at + 2] == 0xbf);
    return match ? at + 3 : at;
}

/* ' ?[^\s\p{L}\p{N}]+[\r\n]*' from the first character that is not the space. */
static size_t symbols_end(const uint8_t *text, size_t n, size_t at)
{
    at = run_end(text, n, at, TRITX_OTHER, SIZE_MAX);
    while (at < n && is_newline(text[at])) at++;
    return at;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ where the character at `at` is white space. */
static size_t space_end(const uint8_t *text, size_t n, size_t at)
{
    size_t end = at, after_newline = at,
           last = at; /* last: where the run's last character begins */
    while (end < n) {
        character c = read_character(text, n, end);
        if (c.class != TRITX_SPACE) break;
        if (is_newline(text[end])) after_newline = c.end;
        last = end;
        end = c.end;
    }
    /* \s* takes the whole run and gives back until a newline follows: the run's last one. */
    if (after_newline > at) return after_newline;
    /* Before more text the last space is left over: it belongs to the word that follows. */
    return end < n && last > at ? last : end;
}

size_t tritx_pretoken_end(const uint8_t *text, size_t n_bytes, size_t at)
{
    size_t end = contraction_end(text, n_bytes, at);
    if (end > at) return end;
    character first = read_character(text, n_bytes, at);
    if (first.class == TRITX_LETTER)
        return run_end(text, n_bytes, first.end, TRITX_LETTER, SIZE_MAX);
    if (first.class == TRITX_NUMBER) return run_end(text, n_bytes, first.end, TRITX_NUMBER, 2);
    if (!is_newline(text[at]) && first.end < n_bytes) {
        character second = read_character(text, n_bytes, first.end);
        if (second.class == TRITX_LETTER)
            return run_end(text, n_bytes, second.end, TRITX_LETTER, SIZE_MAX);
        if (text[at] == ' ' && second.class == TRITX_OTHER)
            return symbols_end(text, n_bytes, first.end);
    }
    return first.class == TRITX_OTHER ? symbols_end(text, n_bytes, at)
                                      : space_end(text, n_bytes, at);
}
