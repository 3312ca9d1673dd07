/* UTF-8 as section 3.9 of the Unicode standard defines it. */
#include "unicode.h"

size_t tritx_utf8_length(uint8_t lead)
{
    if (lead < 0x80) return 1;
    if (lead < 0xc2 || lead > 0xf4) return 0; /* continuations, overlong forms, beyond U+10FFFF */
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

bool tritx_utf8_continues(const uint8_t *begun, size_t n_begun, uint8_t byte)
{
    uint8_t low = 0x80, high = 0xbf;
    if (n_begun == 1) { /* the second byte decides about overlong forms, surrogates and the end */
        if (begun[0] == 0xe0) low = 0xa0;
        if (begun[0] == 0xed) high = 0x9f;
        if (begun[0] == 0xf0) low = 0x90;
        if (begun[0] == 0xf4) high = 0x8f;
    }
    return byte >= low && byte <= high;
}

size_t tritx_utf8_decode(const uint8_t *bytes, size_t n_bytes, uint32_t *point)
{
    if (n_bytes == 0) return 0;
    size_t length = tritx_utf8_length(bytes[0]);
    if (length == 0 || length > n_bytes) return 0;
    if (length == 1) {
        *point = bytes[0];
        return 1;
    }
    uint32_t value = bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (!tritx_utf8_continues(bytes, i, bytes[i])) return 0;
        value = value << 6 | (bytes[i] & 0x3fu);
    }
    *point = value;
    return length;
}

size_t tritx_utf8_encode(uint32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, point >>= 6) out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)((0xf00u >> length) | point);
    return length;
}

static size_t put_replacement(uint8_t *out)
{
    memcpy(out, "\xef\xbf\xbd", 3);
    return 3;
}

size_t trit_utf8_push(trit_utf8 *state, const uint8_t *bytes, size_t n_bytes, uint8_t *out)
{
    size_t n = 0;
    if (n_bytes == 0 && state->n_pending) {
        state->n_pending = 0;
        return put_replacement(out);
    }
    for (size_t i = 0; i < n_bytes; i++) {
        if (state->n_pending && !tritx_utf8_continues(state->pending, state->n_pending, bytes[i])) {
            n += put_replacement(out + n); /* what is pending ends here; this byte begins anew */
            state->n_pending = 0;
        }
        if (state->n_pending == 0 && tritx_utf8_length(bytes[i]) == 0) {
            n += put_replacement(out + n);
            continue;
        }
        state->pending[state->n_pending++] = bytes[i];
        if (state->n_pending == tritx_utf8_length(state->pending[0])) {
            memcpy(out + n, state->pending, state->n_pending);
            n += state->n_pending;
            state->n_pending = 0;
        }
    }
    return n;
}
