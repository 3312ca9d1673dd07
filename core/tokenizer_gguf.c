/* The tokenizer in the keys of a GGUF file, read as strictly as tokenizer.json. */
#include "gguf_model.h"
#include "spelling.h"

#include <stdlib.h>

enum { NORMAL = 1, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5 }; /* kinds of tokens */

typedef struct {
    const tritx_gguf *g;
    tritx_tokenizer_tables *tables;
    const uint8_t *kinds; /* int32 [n_vocab] */
    tritx_alphabet alphabet;
    trit_error *err;
} reader;

static trit_status refuse(trit_error *err, const char *what)
{
    return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "GGUF: %s", what);
}

static const tritx_gguf_pair *find(const tritx_gguf *g, const char *name)
{
    char key[64];
    tritx_format(key, sizeof key, "tokenizer.ggml.%s", name);
    return tritx_gguf_find(g, key);
}

/* The first files of 2B4T do not say how text is cut; it is as in Llama 3. */
static bool cuts_as_llama3(const tritx_gguf *g)
{
    static const char *const names[] = {"llama-bpe", "llama3", "llama-v3", "falcon3"};
    const tritx_gguf_pair *pre = find(g, "pre"), *arch = tritx_gguf_find(g, "general.architecture");
    if (!pre) return tritx_gguf_is(g, arch, "bitnet-b1.58") || tritx_gguf_is(g, arch, "bitnet-25");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (tritx_gguf_is(g, pre, names[i])) return true;
    return false;
}

static trit_status check_kind(const tritx_gguf *g, size_t n_vocab, trit_error *err)
{
    const tritx_gguf_pair *scores = find(g, "scores"), *kinds = find(g, "token_type");
    if (!tritx_gguf_is(g, find(g, "model"), "gpt2"))
        return refuse(err, "tokenizer.ggml.model is not gpt2, byte-level BPE");
    if (!cuts_as_llama3(g)) return refuse(err, "tokenizer.ggml.pre is not that of Llama 3");
    if (!tritx_gguf_elements(g, kinds, TRITX_GGUF_I32) || kinds->n != n_vocab)
        return refuse(err, "tokenizer.ggml.token_type is missing or not one int32 a token");
    if (scores && (!tritx_gguf_elements(g, scores, TRITX_GGUF_F32) || scores->n != n_vocab))
        return refuse(err, "tokenizer.ggml.scores is not one float32 a token");
    if (!tritx_gguf_elements(g, find(g, "merges"), TRITX_GGUF_STRING))
        return refuse(err, "tokenizer.ggml.merges is missing or no list of strings");
    return TRIT_OK;
}

/* Converters fill ids that no token has with such a text. */
static bool is_pad(const char *text, size_t n, int32_t id)
{
    char pad[24];
    return tritx_format(pad, sizeof pad, "[PAD%d]", (int)id) == n && memcmp(text, pad, n) == 0;
}

static trit_status read_token(reader *r, int32_t id, const char *text, size_t n_text, size_t *end)
{
    tritx_tokenizer_tables *t = r->tables;
    size_t n = 0;
    switch (tritx_load_u32(r->kinds + 4 * (size_t)id)) {
    case NORMAL:
        if (!tritx_unspell(&r->alphabet, text, n_text, t->token_bytes + *end, &n))
            return refuse(r->err, "a token is not in the byte alphabet");
        break;
    case CONTROL:
        memcpy(t->token_bytes + *end, text, n_text);
        t->token_special[id] = 1;
        n = n_text;
        break;
    case USER_DEFINED:
        if (!is_pad(text, n_text, id)) return refuse(r->err, "a token is of the user-defined kind");
        t->token_special[id] = 1;
        break;
    case UNUSED: t->token_special[id] = 1; break;
    default: return refuse(r->err, "a token is neither normal nor control");
    }
    *end += n;
    t->token_ends[id] = (uint32_t)*end;
    return TRIT_OK;
}

static trit_status read_tokens(reader *r)
{
    tritx_tokenizer_tables *t = r->tables;
    size_t n, end = 0, total = 1;
    const uint8_t *first = tritx_gguf_elements(r->g, find(r->g, "tokens"), TRITX_GGUF_STRING),
                  *at = first;
    for (int32_t id = 0; id < t->n_vocab; id++, total += n) (void)tritx_gguf_next_string(&at, &n);
    t->token_bytes = malloc(total);
    t->token_ends = malloc((size_t)t->n_vocab * sizeof *t->token_ends);
    t->token_special = calloc((size_t)t->n_vocab, 1);
    if (!t->token_bytes || !t->token_ends || !t->token_special)
        return tritx_fail(r->err, TRIT_OOM, 0, "no memory for the vocabulary");
    at = first;
    for (int32_t id = 0; id < t->n_vocab; id++) {
        const char *text = tritx_gguf_next_string(&at, &n);
        TRIT_TRY(read_token(r, id, text, n, &end));
    }
    t->n_token_bytes = (uint32_t)end;
    return TRIT_OK;
}

static size_t longest_string(const uint8_t *at, size_t count)
{
    size_t longest = 0, n;
    for (; count; count--) {
        (void)tritx_gguf_next_string(&at, &n);
        if (n > longest) longest = n;
    }
    return longest;
}

/* "left right": the alphabet has no space. */
static trit_status fill_merges(reader *r, const tritx_token_map *map, const uint8_t *at,
                               uint8_t *joined)
{
    for (uint32_t i = 0; i < r->tables->n_merges; i++) {
        size_t n;
        const char *left = tritx_gguf_next_string(&at, &n), *space = memchr(left, ' ', n);
        const char *wrong = "a merge is not two tokens";
        if (space)
            wrong = tritx_unspell_merge(&r->alphabet, map, left, (size_t)(space - left), space + 1,
                                        n - (size_t)(space - left) - 1, joined,
                                        r->tables->merges + 3 * (size_t)i);
        if (wrong) return refuse(r->err, wrong);
    }
    return TRIT_OK;
}

static trit_status read_merges(reader *r)
{
    const tritx_gguf_pair *list = find(r->g, "merges");
    const uint8_t *first = tritx_gguf_elements(r->g, list, TRITX_GGUF_STRING);
    tritx_token_map map;
    TRIT_TRY(tritx_token_map_new(r->tables, &map, r->err));
    r->tables->n_merges = (uint32_t)list->n;
    r->tables->merges = malloc((list->n + 1) * 3 * sizeof *r->tables->merges);
    uint8_t *joined = malloc(longest_string(first, list->n) + 1);
    trit_status status = r->tables->merges && joined
                             ? fill_merges(r, &map, first, joined)
                             : tritx_fail(r->err, TRIT_OOM, 0, "no memory for the merges");
    free(joined);
    tritx_token_map_free(&map);
    return status;
}

trit_status tritx_gguf_tokenizer(const tritx_gguf *g, tritx_tokenizer_tables *tables,
                                 trit_error *err)
{
    size_t n_vocab = find(g, "tokens")->n; /* which tritx_gguf_config has checked */
    TRIT_TRY(check_kind(g, n_vocab, err));
    tritx_tokenizer_tables read = {.n_vocab = (int32_t)n_vocab, .ignore_merges = 1};
    reader r = {.g = g, .tables = &read, .err = err};
    r.kinds = tritx_gguf_elements(g, find(g, "token_type"), TRITX_GGUF_I32);
    tritx_alphabet_fill(&r.alphabet);
    trit_status status = read_tokens(&r);
    if (status == TRIT_OK) status = read_merges(&r);
    if (status != TRIT_OK) tritx_tokenizer_tables_free(&read);
    else *tables = read;
    return status;
}

int32_t tritx_gguf_control(const tritx_gguf *g, const char *text)
{
    const tritx_gguf_pair *tokens = find(g, "tokens"), *kinds = find(g, "token_type");
    const uint8_t *at = tritx_gguf_elements(g, tokens, TRITX_GGUF_STRING),
                  *kind = tritx_gguf_elements(g, kinds, TRITX_GGUF_I32);
    size_t n_text = strlen(text), n;
    for (size_t i = 0; at && kind && i < tokens->n && i < kinds->n; i++) {
        const char *token = tritx_gguf_next_string(&at, &n);
        if (tritx_load_u32(kind + 4 * i) == CONTROL && n == n_text && memcmp(token, text, n) == 0)
            return (int32_t)i;
    }
    return -1;
}
