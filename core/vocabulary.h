/* The tokens that make text, sorted by their bytes, so that a walk over all of them reads what they share once. What
 * it reads stands in a row. */
#ifndef TRIT_VOCABULARY_H
#define TRIT_VOCABULARY_H

#include "tokenizer.h"

enum { TRITX_BRIEF_TOKEN = 16 }; /* bytes; 99 % of Llama 3's tokens have no more */

typedef struct {
    int32_t *ids;     /* [n_ids] in the order of their bytes */
    uint32_t *shared; /* [n_ids] how many first bytes a token has in common with the one before */
    uint32_t *ends; /* [n_ids] of its other bytes in `rest`; they begin where the one before ends */
    uint8_t *rest;
    int32_t n_ids;
} tritx_sorted_tokens;

typedef struct {
    tritx_sorted_tokens brief; /* of at most TRITX_BRIEF_TOKEN bytes */
    tritx_sorted_tokens lengthy;
    uint32_t longest; /* bytes of a token */
    bool is_sorted;
} tritx_vocabulary;

/* OOM. */
trit_status tritx_vocabulary_new(const tritx_tokenizer_tables *tables, tritx_vocabulary *vocabulary,
                                 trit_error *err);
void tritx_vocabulary_free(tritx_vocabulary *vocabulary);

#endif
