/* A tokenizer of 256 bytes, some merges and some special tokens, as tables and as tokenizer.json. */
#ifndef TRIT_SMALL_TOKENIZER_H
#define TRIT_SMALL_TOKENIZER_H

#include "check.h"
#include "pretokenize.h"
#include "tokenizer.h"

enum { HE = 256, LL, HELL, O_SPACE_W, SAME, BOS, EOT, EOT_LONG, NOTHING, N_SMALL };
enum { N_SMALL_MERGES = 5 };

static const char *const small_texts[] = {"he",      "ll",         "hell",        " w", "aa",
                                          "<|bos|>", "<|eot_id|>", "<|eot_id|>x", ""};
static const uint32_t small_merges[N_SMALL_MERGES][3] = {
    {'h', 'e', HE}, {'l', 'l', LL}, {HE, LL, HELL}, {' ', 'w', O_SPACE_W}, {'a', 'a', SAME}};

static inline tritx_tokenizer_tables small_tables(void)
{
    tritx_tokenizer_tables t = {.n_vocab = N_SMALL, .n_merges = N_SMALL_MERGES};
    t.token_ends = malloc(N_SMALL * sizeof *t.token_ends);
    t.token_bytes = malloc(512);
    t.token_kinds = calloc(N_SMALL, 1);
    t.merges = malloc(sizeof small_merges);
    memcpy(t.merges, small_merges, sizeof small_merges);
    for (uint32_t id = 0; id < N_SMALL; id++) {
        if (id < 256) {
            t.token_bytes[t.n_token_bytes++] = (uint8_t)id;
        } else {
            size_t n = strlen(small_texts[id - 256]);
            memcpy(t.token_bytes + t.n_token_bytes, small_texts[id - 256], n);
            t.n_token_bytes += (uint32_t)n;
            t.token_kinds[id] = id >= BOS;
        }
        t.token_ends[id] = t.n_token_bytes;
    }
    return t;
}

static inline tritx_tokenizer *small_tokenizer(bool ignore_merges)
{
    tritx_tokenizer_tables t = small_tables();
    t.flags = ignore_merges;
    tritx_tokenizer *tokenizer = NULL;
    trit_error err = {0};
    TRIT_CHECK_EQ_I(tritx_tokenizer_new(&t, &tokenizer, &err), TRIT_OK);
    if (!tokenizer) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    return tokenizer;
}

#endif
