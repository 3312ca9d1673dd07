/* The tokenizer: hostile tables become indexes, text becomes ids. */
#include "tokenizer.h"
#include "bpe.h"
#include "pretokenize.h"
#include "token_map.h"
#include "unicode.h"

#include <stdlib.h>

enum {
    MAX_MERGES = 1 << 24,
    MAX_SPECIALS = 4096, /* with a text; bounds the search at every character */
    NO_SPECIAL = -1
};

struct tritx_tokenizer {
    tritx_tokenizer_tables tables;
    tritx_token_map map;
    tritx_merges merges;
    uint32_t space;    /* SentencePiece's id of it */
    bool words;        /* no token has a space behind something else: words can be merged apart */
    int32_t *specials; /* ids of special and added tokens with a text: by first byte, then longest
                          first */
    int32_t n_specials, n_added;
    int32_t first_special[257]; /* where the ones of a first byte begin in specials */
};

static const char *check_token(const tritx_tokenizer_tables *t, uint8_t kind, uint32_t n_bytes)
{
    if (kind > TRITX_TOKEN_BYTE) return "bad kind";
    if (n_bytes == 0 && kind != TRITX_TOKEN_SPECIAL) return "no bytes";
    if (kind == TRITX_TOKEN_BYTE && (n_bytes != 1 || !(t->flags & TRITX_SENTENCEPIECE)))
        return "a byte of no character";
    return NULL;
}

static trit_status check_tables(const tritx_tokenizer_tables *t, trit_error *err)
{
    if (t->n_vocab < 1 || t->n_vocab > TRITX_MAX_VOCAB)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "a vocabulary of %d tokens", (int)t->n_vocab);
    if (t->n_merges > MAX_MERGES)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "%u merges are too many", t->n_merges);
    if (!t->token_ends || !t->token_kinds || (!t->token_bytes && t->n_token_bytes) ||
        (!t->merges && t->n_merges))
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "a table is missing");
    if (t->flags > TRITX_WHOLE_PIECES && t->flags != TRITX_SENTENCEPIECE &&
        t->flags != (TRITX_SENTENCEPIECE | TRITX_SPACE_FIRST))
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "tokenizer.flags: unknown bits");
    uint32_t begin = 0;
    for (int32_t i = 0; i < t->n_vocab; i++) {
        uint32_t end = t->token_ends[i];
        if (end < begin || end > t->n_token_bytes)
            return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "token %d ends outside", (int)i);
        const char *wrong = check_token(t, t->token_kinds[i], end - begin);
        if (wrong) return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "token %d: %s", (int)i, wrong);
        begin = end;
    }
    if (begin != t->n_token_bytes)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "bytes after the last token");
    return TRIT_OK;
}

/* Sorted by insertion: there are few, and files list them in an order that is nearly this one. */
static void insert_special(tritx_tokenizer *t, int32_t id)
{
    size_t n, n_other;
    const uint8_t *bytes = tritx_token(&t->tables, (uint32_t)id, &n);
    int32_t at = t->n_specials++;
    for (; at > 0; at--) {
        const uint8_t *other = tritx_token(&t->tables, (uint32_t)t->specials[at - 1], &n_other);
        if (other[0] < bytes[0] || (other[0] == bytes[0] && n_other >= n)) break;
        t->specials[at] = t->specials[at - 1];
    }
    t->specials[at] = id;
}

/* Whether text is searched for it: special tokens, when asked, and added ones. */
static bool is_searched(const tritx_tokenizer *t, int32_t id)
{
    size_t n;
    (void)tritx_token(&t->tables, (uint32_t)id, &n);
    uint8_t kind = t->tables.token_kinds[id];
    return n > 0 && (kind == TRITX_TOKEN_SPECIAL || kind == TRITX_TOKEN_ADDED);
}

static trit_status index_specials(tritx_tokenizer *t, trit_error *err)
{
    size_t n, count = 0;
    for (int32_t id = 0; id < t->tables.n_vocab; id++) count += is_searched(t, id);
    if (count > MAX_SPECIALS)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "%zu special tokens are too many", count);
    t->specials = malloc((count + 1) * sizeof *t->specials);
    if (!t->specials) return tritx_fail(err, TRIT_OOM, 0, "no memory for the special tokens");
    for (int32_t id = 0; id < t->tables.n_vocab; id++) {
        if (!is_searched(t, id)) continue;
        const uint8_t *bytes = tritx_token(&t->tables, (uint32_t)id, &n);
        t->n_added += t->tables.token_kinds[id] == TRITX_TOKEN_ADDED;
        insert_special(t, id);
        t->first_special[bytes[0] + 1]++;
    }
    for (int byte = 0; byte < 256; byte++) t->first_special[byte + 1] += t->first_special[byte];
    return TRIT_OK;
}

static trit_status index_spaces(tritx_tokenizer *t, trit_error *err)
{
    int32_t space = tritx_token_map_find(&t->map, (const uint8_t *)" ", 1);
    if (!(t->tables.flags & TRITX_SENTENCEPIECE)) return TRIT_OK;
    if (space < 0) return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "no token for the space");
    t->space = (uint32_t)space;
    t->words = true;
    for (int32_t id = 0; id < t->tables.n_vocab && t->words; id++) {
        size_t n;
        const uint8_t *bytes = tritx_token(&t->tables, (uint32_t)id, &n);
        if (t->tables.token_kinds[id] != TRITX_TOKEN_NORMAL) continue;
        for (size_t i = 1; i < n; i++) t->words &= bytes[i] != ' ' || bytes[i - 1] == ' ';
    }
    return TRIT_OK;
}

trit_status tritx_tokenizer_new(tritx_tokenizer_tables *tables, tritx_tokenizer **out,
                                trit_error *err)
{
    TRIT_TRY(check_tables(tables, err));
    tritx_tokenizer *t = calloc(1, sizeof *t);
    if (!t) return tritx_fail(err, TRIT_OOM, 0, "no memory for the tokenizer");
    t->tables = *tables;
    trit_status status = tritx_token_map_new(&t->tables, &t->map, err);
    if (status == TRIT_OK) status = tritx_merges_new(&t->tables, &t->merges, err);
    if (status == TRIT_OK) status = index_specials(t, err);
    if (status == TRIT_OK) status = index_spaces(t, err);
    if (status != TRIT_OK) {
        memset(&t->tables, 0, sizeof t->tables); /* on failure the caller owns the arrays */
        tritx_tokenizer_free(t);
        return status;
    }
    *out = t;
    return TRIT_OK;
}

void tritx_tokenizer_tables_free(tritx_tokenizer_tables *tables)
{
    free(tables->token_ends);
    free(tables->token_bytes);
    free(tables->token_kinds);
    free(tables->merges);
    memset(tables, 0, sizeof *tables);
}

void tritx_tokenizer_free(tritx_tokenizer *tokenizer)
{
    if (!tokenizer) return;
    tritx_token_map_free(&tokenizer->map);
    tritx_merges_free(&tokenizer->merges);
    free(tokenizer->specials);
    tritx_tokenizer_tables_free(&tokenizer->tables);
    free(tokenizer);
}

const tritx_tokenizer_tables *tritx_tokenizer_get(const tritx_tokenizer *tokenizer)
{
    return &tokenizer->tables;
}

int32_t tritx_tokenizer_special(const tritx_tokenizer *tokenizer, const char *text)
{
    size_t n_text = strlen(text), n;
    for (int32_t i = 0; i < tokenizer->n_specials; i++) {
        const uint8_t *bytes =
            tritx_token(&tokenizer->tables, (uint32_t)tokenizer->specials[i], &n);
        if (n == n_text && memcmp(bytes, text, n) == 0 &&
            tokenizer->tables.token_kinds[tokenizer->specials[i]] == TRITX_TOKEN_SPECIAL)
            return tokenizer->specials[i];
    }
    return -1;
}

/* The longest added token, or special one if they count, that the text begins with. */
static int32_t special_at(const tritx_tokenizer *t, const uint8_t *text, size_t n_bytes,
                          bool special)
{
    for (int32_t i = t->first_special[text[0]]; i < t->first_special[text[0] + 1]; i++) {
        size_t n;
        const uint8_t *bytes = tritx_token(&t->tables, (uint32_t)t->specials[i], &n);
        if (!special && t->tables.token_kinds[t->specials[i]] == TRITX_TOKEN_SPECIAL) continue;
        if (n <= n_bytes && memcmp(bytes, text, n) == 0) return t->specials[i];
    }
    return NO_SPECIAL;
}

static trit_status encode_bytes(const tritx_tokenizer *t, const uint8_t *text, size_t n,
                                tritx_bpe_scratch *scratch, tritx_ids *out, trit_error *err)
{
    for (size_t at = 0, end; at < n; at = end) {
        end = tritx_pretoken_end(text, n, at);
        int32_t whole = t->tables.flags & TRITX_WHOLE_PIECES
                            ? tritx_token_map_find(&t->map, text + at, end - at)
                            : -1;
        if (whole >= 0) {
            tritx_ids_add(out, (uint32_t)whole);
            continue;
        }
        TRIT_TRY(tritx_bpe_room(scratch, end - at, err));
        for (size_t i = at; i < end; i++) scratch->symbols[i - at] = t->merges.byte_ids[text[i]];
        TRIT_TRY(tritx_bpe(&t->merges, (uint32_t)(end - at), scratch, out, err));
    }
    return TRIT_OK;
}

/* Length of SentencePiece's spelling of a space, or of a space, at the text's beginning; 0 = none. */
static size_t space_length(const uint8_t *text, size_t n)
{
    if (n >= 1 && text[0] == ' ') return 1;
    return n >= 3 && memcmp(text, "\xe2\x96\x81", 3) == 0 ? 3 : 0;
}

/* Spaces and what follows until the next one. */
static size_t word_end(const uint8_t *text, size_t n, size_t at)
{
    for (size_t length; (length = space_length(text + at, n - at)) > 0;) at += length;
    while (at < n && space_length(text + at, n - at) == 0) at++;
    return at;
}

/* A character's symbol, or those of its bytes; returns how many. Moves *at behind the character. */
static uint32_t character_symbols(const tritx_tokenizer *t, const uint8_t *text, size_t n,
                                  size_t *at, uint32_t *symbols)
{
    const uint8_t *bytes = text + *at;
    uint32_t point;
    size_t space = space_length(bytes, n - *at), length = space;
    if (length == 0) length = tritx_utf8_decode(bytes, n - *at, &point);
    if (length == 0) length = 1; /* no UTF-8 */
    *at += length;
    int32_t whole = length > 1 && !space ? tritx_token_map_find(&t->map, bytes, length) : -1;
    symbols[0] = space ? t->space : (uint32_t)whole;
    if (space || whole >= 0) return 1;
    for (size_t i = 0; i < length; i++) symbols[i] = t->merges.byte_ids[bytes[i]];
    return (uint32_t)length;
}

static trit_status encode_characters(const tritx_tokenizer *t, const uint8_t *text, size_t n,
                                     tritx_bpe_scratch *scratch, tritx_ids *out, trit_error *err)
{
    for (size_t at = 0; at < n;) {
        size_t end = t->words ? word_end(text, n, at) : n;
        uint32_t count = 0;
        TRIT_TRY(tritx_bpe_room(scratch, end - at + 1, err));
        if (at == 0 && t->tables.flags & TRITX_SPACE_FIRST) scratch->symbols[count++] = t->space;
        while (at < end) count += character_symbols(t, text, end, &at, scratch->symbols + count);
        TRIT_TRY(tritx_bpe(&t->merges, count, scratch, out, err));
    }
    return TRIT_OK;
}

/* Text in which no token is searched. */
static trit_status encode_text(const tritx_tokenizer *t, const uint8_t *text, size_t n,
                               tritx_bpe_scratch *scratch, tritx_ids *out, trit_error *err)
{
    if (t->tables.flags & TRITX_SENTENCEPIECE)
        return encode_characters(t, text, n, scratch, out, err);
    return encode_bytes(t, text, n, scratch, out, err);
}

/* A text in parts; special tokens, if wanted, are read in every other one, beginning with the first. */
typedef struct {
    const uint8_t *text;
    const uint32_t *ends; /* [n_parts], ascending; the last one is the text's */
    size_t n_parts;
    bool special;
} parts;

/* Tokens are searched in each part by itself; what is left between two of them is one text. */
static trit_status encode_all(const tritx_tokenizer *t, const parts *p, tritx_bpe_scratch *scratch,
                              tritx_ids *out, trit_error *err)
{
    size_t begin = 0, at = 0;
    for (size_t i = 0; i < p->n_parts; i++) {
        bool special = p->special && i % 2 == 0;
        if (!special && t->n_added == 0) at = p->ends[i];
        while (at < p->ends[i]) {
            int32_t id = special_at(t, p->text + at, p->ends[i] - at, special);
            if (id == NO_SPECIAL) {
                at++;
                continue;
            }
            TRIT_TRY(encode_text(t, p->text + begin, at - begin, scratch, out, err));
            tritx_ids_add(out, (uint32_t)id);
            size_t length;
            (void)tritx_token(&t->tables, (uint32_t)id, &length);
            begin = at += length;
        }
    }
    return encode_text(t, p->text + begin, at - begin, scratch, out, err);
}

size_t tritx_tokenizer_most(const tritx_tokenizer *tokenizer, size_t n_bytes)
{
    /* a space before the text and behind every token that is found in it */
    return tokenizer->tables.flags & TRITX_SPACE_FIRST ? 2 * n_bytes : n_bytes;
}

static trit_status encode_parts(const tritx_tokenizer *tokenizer, const parts *p, size_t n_bytes,
                                int32_t *ids, size_t capacity, size_t *n_ids, trit_error *err)
{
    tritx_bpe_scratch scratch = {NULL, 0, NULL, 0};
    tritx_ids out = {ids, 0, 0};
    trit_status status = TRIT_OK;
    /* With less room than for any text the ids are counted first, so that `ids` is left alone when
     * there are too many. */
    if (capacity < tritx_tokenizer_most(tokenizer, n_bytes))
        status = encode_all(tokenizer, p, &scratch, &out, err);
    size_t n_needed = out.n;
    if (status == TRIT_OK && n_needed <= capacity) {
        out = (tritx_ids){ids, capacity, 0};
        status = encode_all(tokenizer, p, &scratch, &out, err);
    }
    tritx_bpe_scratch_free(&scratch);
    if (status != TRIT_OK) return status;
    *n_ids = out.n;
    if (out.n > capacity)
        return tritx_fail(err, TRIT_PARAM, 0, "room for %zu ids, %zu needed", capacity, out.n);
    return TRIT_OK;
}

trit_status tritx_tokenizer_encode(const tritx_tokenizer *tokenizer, const char *text,
                                   size_t n_bytes, bool special, int32_t *ids, size_t capacity,
                                   size_t *n_ids, trit_error *err)
{
    if (n_bytes > INT32_MAX) return tritx_fail(err, TRIT_PARAM, 0, "a text of %zu bytes", n_bytes);
    uint32_t end = (uint32_t)n_bytes;
    parts p = {(const uint8_t *)text, &end, 1, special};
    return encode_parts(tokenizer, &p, n_bytes, ids, capacity, n_ids, err);
}

trit_status tritx_tokenizer_encode_parts(const tritx_tokenizer *tokenizer, const char *text,
                                         const uint32_t *ends, size_t n_parts, int32_t *ids,
                                         size_t capacity, size_t *n_ids, trit_error *err)
{
    uint32_t end = 0;
    for (size_t i = 0; i < n_parts; end = ends[i++])
        if (ends[i] < end || ends[i] > INT32_MAX)
            return tritx_fail(err, TRIT_PARAM, 0, "part %zu of the text ends before it begins", i);
    parts p = {(const uint8_t *)text, ends, n_parts, true};
    return encode_parts(tokenizer, &p, end, ids, capacity, n_ids, err);
}
