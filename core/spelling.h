/* GPT-2's spelling of bytes as printable characters, which tokenizer.json and GGUF write tokens in. */
#ifndef TRIT_SPELLING_H
#define TRIT_SPELLING_H

#include "token_map.h"

enum { TRITX_ALPHABET_END = 0x144 };

typedef struct {
    int16_t bytes_of[TRITX_ALPHABET_END]; /* by code point: the byte it stands for, -1 = none */
    uint16_t points_of[256];              /* by byte: its code point */
} tritx_alphabet;

void tritx_alphabet_fill(tritx_alphabet *alphabet);
/* The bytes that a text spells, at most n_text of them. False for a character outside it. */
bool tritx_unspell(const tritx_alphabet *alphabet, const char *text, size_t n_text, uint8_t *out,
                   size_t *n_bytes);

/* The text of n_bytes bytes, at most two for each; returns its length. */
size_t tritx_spell(const tritx_alphabet *alphabet, const uint8_t *bytes, size_t n_bytes,
                   char *text);

/* Ids of the two spelled tokens and of the joined one to merge[0 ... 2]. `joined` has room for both
 * texts. NULL, or what is wrong with them. */
const char *tritx_unspell_merge(const tritx_alphabet *alphabet, const tritx_token_map *map,
                                const char *left, size_t n_left, const char *right, size_t n_right,
                                uint8_t *joined, uint32_t merge[3]);

#endif
