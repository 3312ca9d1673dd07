/* BPE in two kinds: over bytes with the Llama-3 pre-tokenizer, and over characters as SentencePiece has
 * it. Tables are immutable after init. */
#ifndef TRIT_TOKENIZER_H
#define TRIT_TOKENIZER_H

#include "base.h"

/* What a token is for. The numbers stand in packed files. */
typedef enum {
    TRITX_TOKEN_NORMAL,
    TRITX_TOKEN_SPECIAL, /* never made from text, unless asked for; may be empty */
    TRITX_TOKEN_ADDED,   /* found in every text, before anything else */
    TRITX_TOKEN_BYTE     /* SentencePiece: one byte of a character that has no token */
} tritx_token_kind;

/* How text is encoded. The bits stand in packed files. */
enum {
    TRITX_WHOLE_PIECES = 1,  /* a pre-token that is a token needs no merges */
    TRITX_SENTENCEPIECE = 2, /* text is not cut, characters are merged, U+2581 is a space */
    TRITX_SPACE_FIRST = 4    /* with SENTENCEPIECE: a space is put before the text */
};

/* The ready tables, as they travel in the packed file (models/FORMAT.md, "tokenizer"). */
typedef struct {
    int32_t n_vocab;      /* 1 ... 1,000,000 */
    uint32_t *token_ends; /* [n_vocab] end of token i's bytes in token_bytes; begin = end of i-1 */
    uint8_t *token_bytes; /* raw bytes (not the printable alphabet of tokenizer.json) */
    uint32_t n_token_bytes;
    uint8_t *token_kinds; /* [n_vocab] tritx_token_kind */
    uint32_t *merges;     /* [n_merges][3]: left id, right id, id of the joined token; rank order */
    uint32_t n_merges;
    uint8_t flags;
} tritx_tokenizer_tables;

typedef struct tritx_tokenizer tritx_tokenizer;

/* Checks the tables (hostile until then) and builds the look-up indexes. On success the tokenizer
 * owns the tables' arrays (all from malloc); on failure the caller still does. BAD_TOKENIZER, OOM. */
trit_status tritx_tokenizer_new(tritx_tokenizer_tables *tables, tritx_tokenizer **out,
                                trit_error *err);
void tritx_tokenizer_free(tritx_tokenizer *tokenizer);
const tritx_tokenizer_tables *tritx_tokenizer_get(const tritx_tokenizer *tokenizer);

/* Reads tokenizer.json (strict; other kinds are refused by name). add_bos: whether the post-processor puts *bos_id in front. n_vocab_model >= the
 * number of tokens: ids without a token get an empty, special entry. */
trit_status tritx_tokenizer_json(const char *text, size_t n_bytes, int32_t n_vocab_model,
                                 tritx_tokenizer_tables *tables, bool *add_bos, int32_t *bos_id,
                                 trit_error *err);
void tritx_tokenizer_tables_free(tritx_tokenizer_tables *tables);

/* No text of so many bytes has more ids. */
size_t tritx_tokenizer_most(const tritx_tokenizer *tokenizer, size_t n_bytes);
/* As trit_tokenize, without BOS. */
trit_status tritx_tokenizer_encode(const tritx_tokenizer *tokenizer, const char *text,
                                   size_t n_bytes, bool special, int32_t *ids, size_t capacity,
                                   size_t *n_ids, trit_error *err);
/* As trit_tokenize_parts; ends are checked. */
trit_status tritx_tokenizer_encode_parts(const tritx_tokenizer *tokenizer, const char *text,
                                         const uint32_t *ends, size_t n_parts, int32_t *ids,
                                         size_t capacity, size_t *n_ids, trit_error *err);
/* Id of a special token by its text, -1 when there is none. */
int32_t tritx_tokenizer_special(const tritx_tokenizer *tokenizer, const char *text);

#endif
