/* Byte-pair merging of one piece of text. */
#ifndef TRIT_BPE_H
#define TRIT_BPE_H

#include "tokenizer.h"

#define TRITX_NO_RANK UINT32_MAX

typedef struct {
    const tritx_tokenizer_tables *tables;
    uint32_t *slots; /* rank + 1 by the pair's hash; 0 = free */
    uint32_t mask;
    uint32_t byte_ids[256]; /* what stands for one byte, before any merge */
} tritx_merges;

/* What merging works with; grows on demand. Zero-initialise. */
typedef struct {
    uint32_t *symbols; /* of one piece: ids, merged in place */
    size_t n_symbols;
    void *memory; /* for a long piece */
    size_t n_bytes;
} tritx_bpe_scratch;

/* Checks the merges against the (valid) tokens and indexes them. BAD_TOKENIZER, OOM. */
trit_status tritx_merges_new(const tritx_tokenizer_tables *tables, tritx_merges *merges,
                             trit_error *err);
void tritx_merges_free(tritx_merges *merges);
/* Rank of the merge of this pair, TRITX_NO_RANK when there is none. */
uint32_t tritx_merges_rank(const tritx_merges *merges, uint32_t left, uint32_t right);

typedef struct { /* receives ids; counts those that do not fit */
    int32_t *ids;
    size_t capacity, n;
} tritx_ids;

static inline void tritx_ids_add(tritx_ids *out, uint32_t id)
{
    if (out->n < out->capacity) out->ids[out->n] = (int32_t)id;
    out->n++;
}

/* Makes room for n symbols of a piece; what was there is lost. OOM. */
trit_status tritx_bpe_room(tritx_bpe_scratch *scratch, size_t n, trit_error *err);
/* Appends the ids that the n symbols in the scratch, 0 ... INT32_MAX, are merged to. OOM. */
trit_status tritx_bpe(const tritx_merges *merges, uint32_t n, tritx_bpe_scratch *scratch,
                      tritx_ids *out, trit_error *err);
void tritx_bpe_scratch_free(tritx_bpe_scratch *scratch);

#endif
