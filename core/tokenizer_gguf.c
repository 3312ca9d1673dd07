/* The tokenizer in the keys of a GGUF file, read as strictly as tokenizer.json. */
#include "gguf_model.h"
#include "score_merges.h"
#include "spelling.h"

#include <stdlib.h>

enum { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE }; /* kinds of tokens */

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

/* "tokenizer.ggml.x is "name": only …"; the name of a missing key is empty. */
static trit_status refuse_name(const tritx_gguf *g, const char *key, const char *served,
                               trit_error *err)
{
    const tritx_gguf_pair *pair = find(g, key);
    bool named = pair && pair->type == TRITX_GGUF_STRING && pair->n < 40;
    return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "GGUF: tokenizer.ggml.%s is \"%.*s\", not %s",
                      key, named ? (int)pair->n : 0,
                      named ? (const char *)g->bytes + pair->value : "", served);
}

/* The first files of 2B4T do not say how text is cut; it is as in Llama 3. Falcon-E's name has no
 * description, and with this cut its model works (ik_llama.cpp, issue 551). */
static trit_status check_cut(const tritx_gguf *g, trit_error *err)
{
    static const char *const names[] = {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon_e"};
    const tritx_gguf_pair *pre = find(g, "pre"), *arch = tritx_gguf_find(g, "general.architecture");
    if (!pre && (tritx_gguf_is(g, arch, "bitnet-b1.58") || tritx_gguf_is(g, arch, "bitnet-25")))
        return TRIT_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (tritx_gguf_is(g, pre, names[i])) return TRIT_OK;
    return refuse_name(g, "pre", "that of Llama 3 or Falcon", err);
}

static trit_status check_bytes(const tritx_gguf *g, uint8_t *flags, trit_error *err)
{
    TRIT_TRY(check_cut(g, err));
    *flags = TRITX_WHOLE_PIECES;
    if (!tritx_gguf_elements(g, find(g, "merges"), TRITX_GGUF_STRING))
        return refuse(err, "tokenizer.ggml.merges is missing or no list of strings");
    return TRIT_OK;
}

static trit_status check_sentencepiece(const tritx_gguf *g, uint8_t *flags, trit_error *err)
{
    const tritx_gguf_pair *pair = find(g, "add_space_prefix");
    bool first = true;
    if (pair && !tritx_gguf_bool(g, pair, &first))
        return refuse(err, "tokenizer.ggml.add_space_prefix is no boolean");
    *flags = TRITX_SENTENCEPIECE | (first ? TRITX_SPACE_FIRST : 0);
    if (!find(g, "scores")) return refuse(err, "tokenizer.ggml.scores is missing");
    return TRIT_OK;
}

static trit_status check_kind(const tritx_gguf *g, size_t n_vocab, uint8_t *flags, trit_error *err)
{
    const tritx_gguf_pair *scores = find(g, "scores"), *kinds = find(g, "token_type"),
                          *model = find(g, "model");
    if (!tritx_gguf_elements(g, kinds, TRITX_GGUF_I32) || kinds->n != n_vocab)
        return refuse(err, "tokenizer.ggml.token_type is missing or not one int32 a token");
    if (scores && (!tritx_gguf_elements(g, scores, TRITX_GGUF_F32) || scores->n != n_vocab))
        return refuse(err, "tokenizer.ggml.scores is not one float32 a token");
    if (tritx_gguf_is(g, model, "gpt2")) return check_bytes(g, flags, err);
    if (tritx_gguf_is(g, model, "llama")) return check_sentencepiece(g, flags, err);
    return refuse_name(g, "model", "gpt2, byte-level BPE, or llama, SentencePiece's BPE", err);
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
    uint8_t *bytes = t->token_bytes + *end, kind = TRITX_TOKEN_SPECIAL;
    size_t n = n_text; /* tokens that no text is spelled with stand as they are */
    int byte = tritx_unspell_byte(text, n_text);
    switch (tritx_load_u32(r->kinds + 4 * (size_t)id)) {
    case NORMAL:
        kind = TRITX_TOKEN_NORMAL;
        if (!tritx_unspell(&r->alphabet, text, n_text, bytes, &n))
            return refuse(r->err, "a token is not in the byte alphabet");
        break;
    case UNKNOWN:
    case CONTROL: memcpy(bytes, text, n_text); break;
    case USER_DEFINED:
        if (is_pad(text, n_text, id)) n = 0;
        else if (!tritx_is_mark(text, n_text)) kind = TRITX_TOKEN_ADDED;
        memcpy(bytes, text, n);
        break;
    case UNUSED: n = 0; break;
    case BYTE:
        if (byte < 0) return refuse(r->err, "a token of the byte kind is not <0x00> to <0xFF>");
        kind = TRITX_TOKEN_BYTE;
        bytes[0] = (uint8_t)byte;
        n = 1;
        break;
    default: return refuse(r->err, "a token is of an unknown kind");
    }
    t->token_kinds[id] = kind;
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
    t->token_kinds = calloc((size_t)t->n_vocab, 1);
    if (!t->token_bytes || !t->token_ends || !t->token_kinds)
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
    tritx_tokenizer_tables read = {.n_vocab = (int32_t)n_vocab};
    TRIT_TRY(check_kind(g, n_vocab, &read.flags, err));
    bool pieces = read.flags & TRITX_SENTENCEPIECE;
    reader r = {.g = g, .tables = &read, .err = err};
    r.kinds = tritx_gguf_elements(g, find(g, "token_type"), TRITX_GGUF_I32);
    tritx_alphabet_fill(&r.alphabet, pieces);
    trit_status status = read_tokens(&r);
    if (status == TRIT_OK && pieces)
        status = tritx_merges_by_score(
            &read, tritx_gguf_elements(g, find(g, "scores"), TRITX_GGUF_F32), err);
    else if (status == TRIT_OK) status = read_merges(&r);
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
