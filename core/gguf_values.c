/* Typed access to the values of a GGUF header: never another type than asked for. */
#include "gguf.h"
#include "scalar.h"

const tritx_gguf_pair *tritx_gguf_find(const tritx_gguf *g, const char *key)
{
    for (size_t i = 0; i < g->n_pairs; i++)
        if (strcmp(g->pairs[i].key, key) == 0) return &g->pairs[i];
    return NULL;
}

bool tritx_gguf_int(const tritx_gguf *g, const tritx_gguf_pair *pair, int64_t low, int64_t high,
                    int64_t *out)
{
    const uint8_t *p = g->bytes + pair->value;
    int64_t value;
    switch (pair->type) {
    case TRITX_GGUF_U8: value = p[0]; break;
    case TRITX_GGUF_I8: value = (int8_t)p[0]; break;
    case TRITX_GGUF_U16: value = p[0] | p[1] << 8; break;
    case TRITX_GGUF_I16: value = (int16_t)(p[0] | p[1] << 8); break;
    case TRITX_GGUF_U32: value = tritx_load_u32(p); break;
    case TRITX_GGUF_I32: value = (int32_t)tritx_load_u32(p); break;
    case TRITX_GGUF_U64:
        if (tritx_load_u64(p) > INT64_MAX) return false;
        value = (int64_t)tritx_load_u64(p);
        break;
    case TRITX_GGUF_I64: value = (int64_t)tritx_load_u64(p); break;
    default: return false;
    }
    if (value < low || value > high) return false;
    *out = value;
    return true;
}

bool tritx_gguf_float(const tritx_gguf *g, const tritx_gguf_pair *pair, float *out)
{
    if (pair->type != TRITX_GGUF_F32) return false;
    *out = tritx_float(tritx_load_u32(g->bytes + pair->value));
    return true;
}

bool tritx_gguf_bool(const tritx_gguf *g, const tritx_gguf_pair *pair, bool *out)
{
    if (pair->type != TRITX_GGUF_BOOL) return false;
    *out = g->bytes[pair->value] == 1;
    return true;
}

bool tritx_gguf_is(const tritx_gguf *g, const tritx_gguf_pair *pair, const char *text)
{
    return pair && pair->type == TRITX_GGUF_STRING && pair->n == strlen(text) &&
           memcmp(g->bytes + pair->value, text, pair->n) == 0;
}

const uint8_t *tritx_gguf_elements(const tritx_gguf *g, const tritx_gguf_pair *pair,
                                   tritx_gguf_type element)
{
    bool fits = pair && pair->type == TRITX_GGUF_ARRAY && pair->element == element;
    return fits ? g->bytes + pair->value : NULL;
}

const char *tritx_gguf_next_string(const uint8_t **at, size_t *n_bytes)
{
    const char *text = (const char *)*at + 8;
    *n_bytes = (size_t)tritx_load_u64(*at);
    *at += 8 + *n_bytes;
    return text;
}
