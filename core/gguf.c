#include "gguf.h"

#include <stdlib.h>

static const uint8_t type_bytes[TRITX_GGUF_TYPE_COUNT] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

static trit_status bad(const tritx_gguf *g, trit_error *err, const char *what)
{
    return tritx_fail(err, TRIT_BAD_HEADER, g->at, "GGUF: %s, at byte %zu", what, g->at);
}

static void expect(tritx_gguf *g, tritx_gguf_step step, size_t n_bytes)
{
    g->step = step;
    g->need = n_bytes;
}

void tritx_gguf_begin(tritx_gguf *g)
{
    *g = (tritx_gguf){.alignment = 32};
    expect(g, TRITX_GGUF_HEAD, 24);
}

void tritx_gguf_free(tritx_gguf *g)
{
    free(g->bytes);
    free(g->pairs);
    free(g->tensors);
    free(g->names);
    memset(g, 0, sizeof *g);
}

/* Printable ASCII, which names are made of and which an error can show. */
static bool copy_name(char *out, const uint8_t *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] < ' ' || text[i] > '~') return false;
    memcpy(out, text, n);
    out[n] = 0;
    return true;
}

/* ---- the steps: each finds its bytes at p, and g->at behind them ---- */

static trit_status read_head(tritx_gguf *g, const uint8_t *p, trit_error *err)
{
    uint32_t version = tritx_load_u32(p + 4);
    uint64_t n_tensors = tritx_load_u64(p + 8), n_pairs = tritx_load_u64(p + 16);
    if (memcmp(p, "GGUF", 4) != 0)
        return tritx_fail(err, TRIT_NOT_A_MODEL, 0, "the file does not begin with GGUF");
    if (version >= 1 << 24 && !(version & 0xffffff))
        return tritx_fail(err, TRIT_BAD_VERSION, 4, "GGUF: a big-endian file, which is not read");
    if (version != 2 && version != 3)
        return tritx_fail(err, TRIT_BAD_VERSION, 4, "GGUF: version %u, only 2 and 3 are read",
                          (unsigned)version);
    if (n_tensors > TRITX_GGUF_MAX_TENSORS)
        return tritx_fail(err, TRIT_BAD_HEADER, 8, "GGUF: the number of tensors is not 1 ... %d",
                          TRITX_GGUF_MAX_TENSORS);
    if (n_pairs < 1 || n_pairs > TRITX_GGUF_MAX_PAIRS)
        return tritx_fail(err, TRIT_BAD_HEADER, 16, "GGUF: the number of keys is not 1 ... %d",
                          TRITX_GGUF_MAX_PAIRS);
    g->n_tensors = (size_t)n_tensors;
    g->n_pairs = (size_t)n_pairs;
    g->pairs = calloc(g->n_pairs, sizeof *g->pairs);
    g->tensors = calloc(g->n_tensors + 1, sizeof *g->tensors);
    g->names = calloc(g->n_tensors + 1, sizeof *g->names);
    if (!g->pairs || !g->tensors || !g->names)
        return tritx_fail(err, TRIT_OOM, 0, "no memory for the header");
    expect(g, TRITX_GGUF_KEY_LENGTH, 8);
    return TRIT_OK;
}

static trit_status read_key_length(tritx_gguf *g, const uint8_t *p, trit_error *err)
{
    uint64_t n = tritx_load_u64(p);
    if (n < 1 || n >= TRITX_GGUF_MAX_KEY) return bad(g, err, "a key is empty or too long");
    expect(g, TRITX_GGUF_KEY, (size_t)n + 4);
    return TRIT_OK;
}

static trit_status read_key(tritx_gguf *g, const uint8_t *p, trit_error *err)
{
    tritx_gguf_pair *pair = &g->pairs[g->pair];
    size_t n = g->need - 4;
    uint32_t type = tritx_load_u32(p + n);
    if (!copy_name(pair->key, p, n)) return bad(g, err, "a key is not printable text");
    if (type >= TRITX_GGUF_TYPE_COUNT) return bad(g, err, "a value is of an unknown type");
    pair->type = (tritx_gguf_type)type;
    pair->value = g->at;
    g->n_texts = 1;
    if (type == TRITX_GGUF_STRING) expect(g, TRITX_GGUF_TEXT_LENGTH, 8);
    else if (type == TRITX_GGUF_ARRAY) expect(g, TRITX_GGUF_ARRAY_HEAD, 12);
    else expect(g, TRITX_GGUF_VALUE, type_bytes[type]);
    return TRIT_OK;
}

static trit_status end_header(tritx_gguf *g, trit_error *err)
{
    /* The first part of a split file may leave all tensors to the others. */
    if (!g->n_tensors && !tritx_gguf_find(g, "split.count"))
        return tritx_fail(err, TRIT_BAD_HEADER, 8, "GGUF: the file has no tensors");
    expect(g, TRITX_GGUF_DONE, 0);
    g->data = tritx_round_up(g->at, g->alignment);
    return tritx_gguf_check_places(g, err);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const tritx_gguf_pair *)a)->key, ((const tritx_gguf_pair *)b)->key);
}

static trit_status end_pairs(tritx_gguf *g, trit_error *err)
{
    qsort(g->pairs, g->n_pairs, sizeof *g->pairs, by_key);
    for (size_t i = 1; i < g->n_pairs; i++)
        if (strcmp(g->pairs[i].key, g->pairs[i - 1].key) == 0)
            return tritx_fail(err, TRIT_BAD_HEADER, g->at, "GGUF: the key %.60s stands there twice",
                              g->pairs[i].key);
    const tritx_gguf_pair *pair = tritx_gguf_find(g, "general.alignment");
    int64_t alignment = g->alignment;
    if (pair && (!tritx_gguf_int(g, pair, 1, TRITX_GGUF_MAX_ALIGNMENT, &alignment) ||
                 (alignment & (alignment - 1))))
        return tritx_fail(err, TRIT_BAD_HEADER, pair->value,
                          "GGUF: general.alignment is no power of two up to %d",
                          TRITX_GGUF_MAX_ALIGNMENT);
    g->alignment = (uint32_t)alignment;
    if (g->n_tensors) expect(g, TRITX_GGUF_NAME_LENGTH, 8);
    else return end_header(g, err);
    return TRIT_OK;
}

static trit_status end_pair(tritx_gguf *g, trit_error *err)
{
    if (++g->pair == g->n_pairs) return end_pairs(g, err);
    expect(g, TRITX_GGUF_KEY_LENGTH, 8);
    return TRIT_OK;
}

static trit_status read_value(tritx_gguf *g, const uint8_t *p, trit_error *err)
{
    if (g->pairs[g->pair].type == TRITX_GGUF_BOOL && p[0] > 1)
        return bad(g, err, "a boolean is not 0 or 1");
    return end_pair(g, err);
}

static trit_status read_array_head(tritx_gguf *g, const uint8_t *p, trit_error *err)
{
    tritx_gguf_pair *pair = &g->pairs[g->pair];
    uint32_t type = tritx_load_u32(p);
    uint64_t n = tritx_load_u64(p + 4);
    if (type >= TRITX_GGUF_TYPE_COUNT) return bad(g, err, "an array is of an unknown type");
    if (type == TRITX_GGUF_ARRAY) return bad(g, err, "an array of arrays");
    if (n > TRITX_GGUF_MAX_ELEMENTS) return bad(g, err, "an array is too long");
    pair->element = (tritx_gguf_type)type;
    pair->value = g->at;
    pair->n = g->n_texts = (size_t)n;
    if (n == 0) return end_pair(g, err);
    if (type == TRITX_GGUF_STRING) expect(g, TRITX_GGUF_TEXT_LENGTH, 8);
    else expect(g, TRITX_GGUF_VALUE, (size_t)n * type_bytes[type]);
    return TRIT_OK;
}

static trit_status read_text_length(tritx_gguf *g, const uint8_t *p, trit_error *err)
{
    uint64_t n = tritx_load_u64(p);
    if (n > TRITX_GGUF_MAX_STRING) return bad(g, err, "a string is too long");
    expect(g, TRITX_GGUF_TEXT, (size_t)n);
    return TRIT_OK;
}

static trit_status read_text(tritx_gguf *g, const uint8_t *p, trit_error *err)
{
    tritx_gguf_pair *pair = &g->pairs[g->pair];
    (void)p;
    if (pair->type == TRITX_GGUF_STRING) {
        pair->n = g->need;
        pair->value = g->at - g->need;
    }
    if (--g->n_texts == 0) return end_pair(g, err);
    expect(g, TRITX_GGUF_TEXT_LENGTH, 8);
    return TRIT_OK;
}

static trit_status read_name_length(tritx_gguf *g, const uint8_t *p, trit_error *err)
{
    uint64_t n = tritx_load_u64(p);
    if (n < 1 || n >= TRITX_GGUF_MAX_NAME)
        return bad(g, err, "a tensor's name is empty or too long");
    expect(g, TRITX_GGUF_NAME, (size_t)n + 4);
    return TRIT_OK;
}

static trit_status read_name(tritx_gguf *g, const uint8_t *p, trit_error *err)
{
    tritx_tensor *t = &g->tensors[g->tensor];
    size_t n = g->need - 4;
    uint32_t n_dims = tritx_load_u32(p + n);
    if (!copy_name(g->names[g->tensor], p, n))
        return bad(g, err, "a tensor's name is not printable text");
    t->name = g->names[g->tensor];
    if (n_dims < 1 || n_dims > TRIT_MAX_DIMS)
        return tritx_fail(err, TRIT_BAD_HEADER, g->at, "tensor %.60s: it has %u dimensions",
                          t->name, (unsigned)n_dims);
    t->n_dims = (int)n_dims;
    expect(g, TRITX_GGUF_PLACE, 8 * (size_t)n_dims + 12);
    return TRIT_OK;
}

/* Dimensions (columns first, in this format), type, place. */
static trit_status read_place(tritx_gguf *g, const uint8_t *p, trit_error *err)
{
    tritx_tensor *t = &g->tensors[g->tensor];
    for (int i = t->n_dims - 1; i >= 0; i--, p += 8) {
        uint64_t d = tritx_load_u64(p);
        if (d < 1 || d > SIZE_MAX)
            return tritx_fail(err, TRIT_BAD_HEADER, g->at, "tensor %.60s: impossible shape",
                              t->name);
        t->shape[i] = (size_t)d;
    }
    TRIT_TRY(tritx_gguf_tensor_type(t, tritx_load_u32(p), tritx_load_u64(p + 4), err));
    if (++g->tensor == g->n_tensors) return end_header(g, err);
    expect(g, TRITX_GGUF_NAME_LENGTH, 8);
    return TRIT_OK;
}

/* ---- bytes in, steps on ---- */

/* Copies until the step has what it needs. Memory grows by what came, not by what was announced. */
static trit_status fill(tritx_gguf *g, const uint8_t **bytes, size_t *n_bytes, trit_error *err)
{
    size_t n = g->at + g->need - g->n_bytes;
    if (g->at + g->need > TRITX_GGUF_MAX_HEADER)
        return bad(g, err, "the header is larger than 64 MiB");
    if (n > *n_bytes) n = *n_bytes;
    if (g->n_bytes + n > g->capacity) {
        size_t capacity = 2 * (g->n_bytes + n) + 1024;
        uint8_t *grown = realloc(g->bytes, capacity);
        if (!grown) return tritx_fail(err, TRIT_OOM, 0, "no memory for the header");
        g->bytes = grown;
        g->capacity = capacity;
    }
    if (n) memcpy(g->bytes + g->n_bytes, *bytes, n);
    g->n_bytes += n;
    *bytes += n;
    *n_bytes -= n;
    return TRIT_OK;
}

trit_status tritx_gguf_push(tritx_gguf *g, const uint8_t **bytes, size_t *n_bytes, trit_error *err)
{
    static trit_status (*const steps[])(tritx_gguf *, const uint8_t *, trit_error *) = {
        [TRITX_GGUF_HEAD] = read_head,
        [TRITX_GGUF_KEY_LENGTH] = read_key_length,
        [TRITX_GGUF_KEY] = read_key,
        [TRITX_GGUF_VALUE] = read_value,
        [TRITX_GGUF_ARRAY_HEAD] = read_array_head,
        [TRITX_GGUF_TEXT_LENGTH] = read_text_length,
        [TRITX_GGUF_TEXT] = read_text,
        [TRITX_GGUF_NAME_LENGTH] = read_name_length,
        [TRITX_GGUF_NAME] = read_name,
        [TRITX_GGUF_PLACE] = read_place,
    };
    while (g->step != TRITX_GGUF_DONE) {
        TRIT_TRY(fill(g, bytes, n_bytes, err));
        if (g->n_bytes < g->at + g->need) return TRIT_OK;
        const uint8_t *p = g->bytes + g->at;
        g->at += g->need;
        TRIT_TRY(steps[g->step](g, p, err));
    }
    return TRIT_OK;
}
