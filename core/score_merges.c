/* The order is that in which Hugging Face's converter writes the merges of such a vocabulary: score, then
 * id of the token, then ids of its parts. */
#include "score_merges.h"
#include "token_map.h"
#include "unicode.h"

#include <stdlib.h>

enum { MAX_TOKEN = 256 }; /* bytes; every cut of a token is looked up */

typedef struct {
    float score;
    uint32_t id;
} scored;

static int by_score(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* Writes the cuts of a token in the order of their parts; returns how many. */
static uint32_t cuts_of(const tritx_tokenizer_tables *t, const tritx_token_map *map, uint32_t id,
                        uint32_t (*cuts)[3])
{
    size_t n;
    const uint8_t *bytes = tritx_token(t, id, &n);
    uint32_t count = 0;
    for (size_t at = 1; at < n; at++) {
        if (tritx_utf8_length(bytes[at]) == 0) continue; /* inside a character */
        int32_t left = tritx_token_map_find(map, bytes, at),
                right = tritx_token_map_find(map, bytes + at, n - at);
        if (left < 0 || right < 0) continue;
        uint32_t place = count++;
        for (; place > 0 && cuts[place - 1][0] > (uint32_t)left; place--)
            memcpy(cuts[place], cuts[place - 1], sizeof *cuts);
        cuts[place][0] = (uint32_t)left;
        cuts[place][1] = (uint32_t)right;
        cuts[place][2] = id;
    }
    return count;
}

/* Normal tokens, best first; *n_cuts is the most that their cuts can be. */
static trit_status sort_tokens(const tritx_tokenizer_tables *t, const uint8_t *scores, scored *list,
                               size_t *n_list, size_t *n_cuts, trit_error *err)
{
    size_t n;
    for (uint32_t id = 0; id < (uint32_t)t->n_vocab; id++) {
        scored token = {0, id};
        uint32_t bits = tritx_load_u32(scores + 4 * (size_t)id);
        memcpy(&token.score, &bits, sizeof bits);
        if (token.score != token.score)
            return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "GGUF: the score of token %u is NaN", id);
        if (t->token_kinds[id] != TRITX_TOKEN_NORMAL) continue;
        (void)tritx_token(t, id, &n);
        if (n > MAX_TOKEN)
            return tritx_fail(err, TRIT_BAD_TOKENIZER, 0, "GGUF: token %u has %zu bytes", id, n);
        *n_cuts += n > 0 ? n - 1 : 0;
        list[(*n_list)++] = token;
    }
    qsort(list, *n_list, sizeof *list, by_score);
    return TRIT_OK;
}

static trit_status fill(tritx_tokenizer_tables *t, const scored *list, size_t n_list, size_t n_cuts,
                        trit_error *err)
{
    tritx_token_map map;
    uint32_t cuts[MAX_TOKEN][3];
    TRIT_TRY(tritx_token_map_new(t, &map, err));
    t->merges = malloc((n_cuts + 1) * 3 * sizeof *t->merges);
    for (size_t i = 0; t->merges && i < n_list; i++) {
        uint32_t n = cuts_of(t, &map, list[i].id, cuts);
        memcpy(t->merges + 3 * (size_t)t->n_merges, cuts, n * sizeof *cuts);
        t->n_merges += n;
    }
    tritx_token_map_free(&map);
    return t->merges ? TRIT_OK : tritx_fail(err, TRIT_OOM, 0, "no memory for the merges");
}

trit_status tritx_merges_by_score(tritx_tokenizer_tables *tables, const uint8_t *scores,
                                  trit_error *err)
{
    size_t n_list = 0, n_cuts = 0;
    scored *list = malloc((size_t)tables->n_vocab * sizeof *list);
    if (!list) return tritx_fail(err, TRIT_OOM, 0, "no memory for the scores");
    trit_status status = sort_tokens(tables, scores, list, &n_list, &n_cuts, err);
    if (status == TRIT_OK) status = fill(tables, list, n_list, n_cuts, err);
    free(list);
    return status;
}
