/* The tokenizer: hostile tables become indexes, text becomes ids. */
#include "tokenizer.h"
#include "bpe.h"
#include "pretokenize.h"
#include "token_map.h"

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
    int32_t *specials; /* ids of special tokens with a text: by first byte, then longest first */
    int32_t n_specials;
    int32_t first_special[257]; /* where the ones of a first byte begin in specials */
};

static trit_status check_tables(const tritx_tokenizer_tables *t, trit_error *err)
{
    if (t->n_vocab < 1 || t->n_vocab > TRITX_MAX_VOCAB)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "a vocabulary of %d tokens", (int)t->n_vocab);
    if (t->n_merges > MAX_MERGES)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "%u merges are too many", t->n_merges);
    if (!t->token_ends || !t->token_special || (!t->token_bytes && t->n_token_bytes) ||
        (!t->merges && t->n_merges))
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "a table is missing");
    if (t->ignore_merges > 1)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "ignore_merges is not 0 or 1");
    uint32_t begin = 0;
    for (int32_t i = 0; i < t->n_vocab; i++) {
        uint32_t end = t->token_ends[i];
        if (end < begin || end > t->n_token_bytes)
            return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "token %d ends outside", (int)i);
        if (t->token_special[i] > 1)
            return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "token %d: bad flag", (int)i);
        if (end == begin && !t->token_special[i])
            return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "token %d is empty", (int)i);
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

static trit_status index_specials(tritx_tokenizer *t, trit_error *err)
{
    size_t n, count = 0;
    for (int32_t id = 0; id < t->tables.n_vocab; id++) {
        (void)tritx_token(&t->tables, (uint32_t)id, &n);
        count += t->tables.token_special[id] && n > 0;
    }
    if (count > MAX_SPECIALS)
        return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "%zu special tokens are too many", count);
    t->specials = malloc((count + 1) * sizeof *t->specials);
    if (!t->specials) return tritx_fail(err, TRIT_OOM, 0, "no memory for the special tokens");
    for (int32_t id = 0; id < t->tables.n_vocab; id++) {
        const uint8_t *bytes = tritx_token(&t->tables, (uint32_t)id, &n);
        if (!t->tables.token_special[id] || n == 0) continue;
        insert_special(t, id);
        t->first_special[bytes[0] + 1]++;
    }
    for (int byte = 0; byte < 256; byte++) t->first_special[byte + 1] += t->first_special[byte];
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
    free(tables->token_special);
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
        if (n == n_text && memcmp(bytes, text, n) == 0) return tokenizer->specials[i];
    }
    return -1;
}

/* The longest special token that the text begins with. */
static int32_t special_at(const tritx_tokenizer *t, const uint8_t *text, size_t n_bytes)
{
    for (int32_t i = t->first_special[text[0]]; i < t->first_special[text[0] + 1]; i++) {
        size_t n;
        const uint8_t *bytes = tritx_token(&t->tables, (uint32_t)t->specials[i], &n);
        if (n <= n_bytes && memcmp(bytes, text, n) == 0) return t->specials[i];
    }
    return NO_SPECIAL;
}

/* Text without special tokens. */
static trit_status encode_text(const tritx_tokenizer *t, const uint8_t *text, size_t n,
                               tritx_bpe_scratch *scratch, tritx_ids *out, trit_error *err)
{
    for (size_t at = 0, end; at < n; at = end) {
        end = tritx_pretoken_end(text, n, at);
        int32_t whole =
            t->tables.ignore_merges ? tritx_token_map_find(&t->map, text + at, end - at) : -1;
        if (whole >= 0) tritx_ids_add(out, (uint32_t)whole);
        else TRIT_TRY(tritx_bpe(&t->merges, text + at, (uint32_t)(end - at), scratch, out, err));
    }
    return TRIT_OK;
}

static trit_status encode_all(const tritx_tokenizer *t, const uint8_t *text, size_t n, bool special,
                              tritx_bpe_scratch *scratch, tritx_ids *out, trit_error *err)
{
    if (!special) return encode_text(t, text, n, scratch, out, err);
    size_t begin = 0;
    for (size_t at = 0; at < n;) {
        int32_t id = special_at(t, text + at, n - at);
        if (id == NO_SPECIAL) {
            at++;
            continue;
        }
        TRIT_TRY(encode_text(t, text + begin, at - begin, scratch, out, err));
        tritx_ids_add(out, (uint32_t)id);
        size_t length;
        (void)tritx_token(&t->tables, (uint32_t)id, &length);
        begin = at += length;
    }
    return encode_text(t, text + begin, n - begin, scratch, out, err);
}

trit_status tritx_tokenizer_encode(const tritx_tokenizer *tokenizer, const char *text,
                                   size_t n_bytes, bool special, int32_t *ids, size_t capacity,
                                   size_t *n_ids, trit_error *err)
{
    if (n_bytes > INT32_MAX) return tritx_fail(err, TRIT_PARAM, 0, "a text of %zu bytes", n_bytes);
    const uint8_t *bytes = (const uint8_t *)text;
    tritx_bpe_scratch scratch = {NULL, 0};
    tritx_ids out = {ids, 0, 0};
    trit_status status = TRIT_OK;
    /* No text has more ids than bytes. With less room than that the ids are counted first, so
     * that `ids` is left alone when there are too many. */
    if (capacity < n_bytes)
        status = encode_all(tokenizer, bytes, n_bytes, special, &scratch, &out, err);
    size_t n_needed = out.n;
    if (status == TRIT_OK && n_needed <= capacity) {
        out = (tritx_ids){ids, capacity, 0};
        status = encode_all(tokenizer, bytes, n_bytes, special, &scratch, &out, err);
    }
    tritx_bpe_scratch_free(&scratch);
    if (status != TRIT_OK) return status;
    *n_ids = out.n;
    if (out.n > capacity)
        return tritx_fail(err, TRIT_PARAM, 0, "room for %zu ids, %zu needed", capacity, out.n);
    return TRIT_OK;
}
