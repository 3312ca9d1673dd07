#include "vocabulary.h"
#include "token_map.h"

#include <stdlib.h>

static uint32_t shared_bytes(const uint8_t *a, size_t n_a, const uint8_t *b, size_t n_b)
{
    uint32_t n = 0;
    while (n < n_a && n < n_b && a[n] == b[n]) n++;
    return n;
}

static bool is_after(const tritx_tokenizer_tables *t, int32_t a, int32_t b)
{
    size_t n_a, n_b;
    const uint8_t *bytes_a = tritx_token(t, (uint32_t)a, &n_a);
    const uint8_t *bytes_b = tritx_token(t, (uint32_t)b, &n_b);
    int order = memcmp(bytes_a, bytes_b, n_a < n_b ? n_a : n_b);
    return order ? order > 0 : n_a > n_b;
}

/* Merges from[begin, middle) and from[middle, end), each sorted. */
static void merge(const tritx_tokenizer_tables *t, const int32_t *from, int32_t *to, int32_t begin,
                  int32_t middle, int32_t end)
{
    int32_t left = begin, right = middle;
    for (int32_t i = begin; i < end; i++) {
        bool take_right = left == middle || (right < end && is_after(t, from[left], from[right]));
        to[i] = from[take_right ? right++ : left++];
    }
}

/* Sorts by merging, so that no vocabulary takes longer than another; spare [n]. */
static void sort(const tritx_tokenizer_tables *t, int32_t *ids, int32_t *spare, int32_t n)
{
    int32_t *from = ids, *to = spare;
    for (int32_t width = 1; width < n; width *= 2) {
        for (int32_t begin = 0; begin < n; begin += 2 * width) {
            int32_t middle = begin + width < n ? begin + width : n;
            merge(t, from, to, begin, middle, middle + width < n ? middle + width : n);
        }
        int32_t *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != ids) memcpy(ids, from, (size_t)n * sizeof *ids);
}

/* What each token shares with the one before, and the rest. */
static void part_bytes(const tritx_tokenizer_tables *tables, tritx_sorted_tokens *tokens)
{
    const uint8_t *before = NULL;
    uint32_t n_rest = 0;
    size_t n, n_before = 0;
    for (int32_t i = 0; i < tokens->n_ids; i++, n_before = n) {
        const uint8_t *bytes = tritx_token(tables, (uint32_t)tokens->ids[i], &n);
        tokens->shared[i] = shared_bytes(before, n_before, bytes, n);
        for (size_t k = tokens->shared[i]; k < n; k++) tokens->rest[n_rest++] = bytes[k];
        tokens->ends[i] = n_rest;
        before = bytes;
    }
}

/* Those of `least` to `most` bytes; false without memory. */
static bool sort_tokens(const tritx_tokenizer_tables *tables, size_t least, size_t most,
                        tritx_sorted_tokens *tokens)
{
    size_t n_vocab = (size_t)tables->n_vocab, n_bytes = 0, n;
    tokens->ids = malloc(n_vocab * sizeof *tokens->ids);
    if (!tokens->ids) return false;
    for (int32_t id = 0; id < tables->n_vocab; id++) {
        (void)tritx_token(tables, (uint32_t)id, &n);
        if (tables->token_kinds[id] == TRITX_TOKEN_SPECIAL || n < least || n > most) continue;
        tokens->ids[tokens->n_ids++] = id;
        n_bytes += n;
    }
    size_t n_ids = (size_t)tokens->n_ids;
    int32_t *ids = realloc(tokens->ids, (n_ids + 1) * sizeof *ids); /* few are lengthy */
    if (ids) tokens->ids = ids;
    tokens->shared = malloc((n_ids + 1) * sizeof *tokens->shared);
    tokens->ends = malloc((n_ids + 1) * sizeof *tokens->ends);
    tokens->rest = malloc(n_bytes + 1);
    if (!ids || !tokens->shared || !tokens->ends || !tokens->rest) return false;
    sort(tables, tokens->ids, (int32_t *)tokens->shared, tokens->n_ids);
    part_bytes(tables, tokens);
    return true;
}

trit_status tritx_vocabulary_new(const tritx_tokenizer_tables *tables, tritx_vocabulary *vocabulary,
                                 trit_error *err)
{
    tritx_vocabulary v = {0};
    size_t n;
    if (!sort_tokens(tables, 0, TRITX_BRIEF_TOKEN, &v.brief) ||
        !sort_tokens(tables, TRITX_BRIEF_TOKEN + 1, SIZE_MAX, &v.lengthy)) {
        tritx_vocabulary_free(&v);
        return tritx_fail(err, TRIT_OOM, 0, "no memory for the sorted vocabulary");
    }
    for (int32_t id = 0; id < tables->n_vocab; id++) {
        (void)tritx_token(tables, (uint32_t)id, &n);
        if (tables->token_kinds[id] != TRITX_TOKEN_SPECIAL && n > v.longest)
            v.longest = (uint32_t)n;
    }
    v.is_sorted = true;
    *vocabulary = v;
    return TRIT_OK;
}

static void free_tokens(tritx_sorted_tokens *tokens)
{
    free(tokens->ids);
    free(tokens->shared);
    free(tokens->ends);
    free(tokens->rest);
}

void tritx_vocabulary_free(tritx_vocabulary *vocabulary)
{
    free_tokens(&vocabulary->brief);
    free_tokens(&vocabulary->lengthy);
    memset(vocabulary, 0, sizeof *vocabulary);
}
