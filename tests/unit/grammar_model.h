/* A model of which only the vocabulary matters: every byte, some tokens of several, and a few that are special. */
#ifndef TRIT_GRAMMAR_MODEL_H
#define TRIT_GRAMMAR_MODEL_H

#include "check.h"
#include "model.h"

/* Behind the bytes; characters are cut in every way. The last ones are two that stop, of which one is text, and one
 * that is special and does not. */
static const char *const grammar_texts[] = {"aa",
                                            "ab",
                                            "ba",
                                            "aab",
                                            "abab",
                                            "bb",
                                            "aaaa",
                                            "\xc3\xa9",
                                            "\xc3\xa9\xc3",
                                            "\xa9\xe2",
                                            "\xe2\x82",
                                            "\x82\xac",
                                            "\xe2\x82\xac",
                                            "a\xc3",
                                            "\xac"
                                            "ab",
                                            "\xf0\x9f\x98",
                                            "\x98\x80",
                                            "\xf0\x9f",
                                            "\x80"
                                            "b",
                                            "z\xdf",
                                            "\xed\xa0",
                                            "\xf4\x8f\xbf\xbf",
                                            "{\"",
                                            "\":",
                                            "\": ",
                                            "\", \"",
                                            "true",
                                            "false",
                                            "null",
                                            "12",
                                            "\n  ",
                                            "-1",
                                            "[]",
                                            "e+",
                                            "0.5",
                                            ",\"",
                                            "\"}",
                                            "zz",
                                            "aaaaaaaaaaaaaaaa",
                                            "aaaaaaaaaaaaaaaaa",
                                            "aabbaabbaabbaabbaabb",
                                            "bbbbbbbbbbbbbbbbb",
                                            "<|end|>",
                                            "<|other|>"};
enum {
    N_GRAMMAR_VOCAB = 256 + sizeof grammar_texts / sizeof *grammar_texts,
    GRAMMAR_STOP_TEXT = N_GRAMMAR_VOCAB - 3,
    GRAMMAR_STOP,
    GRAMMAR_SPECIAL
};

static inline trit_model *grammar_model(void)
{
    trit_config c;
    trit_model *model = NULL;
    tritx_tokenizer_tables t = {.n_vocab = N_GRAMMAR_VOCAB};
    trit_error err = {0};
    if (trit_config_preset("tiny", &c, NULL) != TRIT_OK) abort();
    c.n_layer = 1, c.n_vocab = N_GRAMMAR_VOCAB;
    c.n_stop = 2, c.stop_ids[0] = GRAMMAR_STOP, c.stop_ids[1] = GRAMMAR_STOP_TEXT;
    if (trit_model_synthetic(&c, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model,
                             NULL) != TRIT_OK)
        abort();
    t.token_ends = malloc(N_GRAMMAR_VOCAB * sizeof *t.token_ends);
    t.token_bytes = malloc(1024);
    t.token_kinds = calloc(N_GRAMMAR_VOCAB, 1);
    t.merges = calloc(1, sizeof *t.merges);
    if (!t.token_ends || !t.token_bytes || !t.token_kinds || !t.merges) abort();
    for (uint32_t id = 0; id < N_GRAMMAR_VOCAB; id++) {
        uint8_t byte = (uint8_t)id;
        const void *bytes = id < 256 ? (const void *)&byte : grammar_texts[id - 256];
        size_t n = id < 256 ? 1 : strlen(bytes);
        memcpy(t.token_bytes + t.n_token_bytes, bytes, n);
        t.n_token_bytes += (uint32_t)n;
        t.token_kinds[id] = id >= GRAMMAR_STOP;
        t.token_ends[id] = t.n_token_bytes;
    }
    tritx_tokenizer_free(model->tokenizer);
    model->tokenizer = NULL;
    if (tritx_tokenizer_new(&t, &model->tokenizer, &err) != TRIT_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return model;
}

#endif
