/* How files spell the bytes of tokens: GPT-2's printable characters, or SentencePiece's U+2581 for a
 * space and <0x0A> for a byte. */
#ifndef TRIT_SPELLING_H
#define TRIT_SPELLING_H

#include "token_map.h"

enum { TRITX_ALPHABET_END = 0x144 };

typedef struct {
    bool sentencepiece;
    int16_t bytes_of[TRITX_ALPHABET_END]; /* by code point: the byte it stands for, -1 = none */
    uint16_t points_of[256];              /* by byte: its code point */
} tritx_alphabet;

void tritx_alphabet_fill(tritx_alphabet *alphabet, bool sentencepiece);
/* The bytes that a text spells, at most n_text of them. False for a character outside it. */
bool tritx_unspell(const tritx_alphabet *alphabet, const char *text, size_t n_text, uint8_t *out,
                   size_t *n_bytes);
/* <0x00> ... <0xFF>: the byte; -1 for every other text. */
int tritx_unspell_byte(const char *text, size_t n_text);
/* Whether a text looks like <|this|>: a token of a conversation, whatever the file calls it. */
bool tritx_is_mark(const char *text, size_t n_text);

/* The text of n_bytes bytes, at most three for each; returns its length. */
size_t tritx_spell(const tritx_alphabet *alphabet, const uint8_t *bytes, size_t n_bytes,
                   char *text);

/* Ids of the two spelled tokens and of the joined one to merge[0 ... 2]. `joined` has room for both
 * texts. NULL, or what is wrong with them. */
const char *tritx_unspell_merge(const tritx_alphabet *alphabet, const tritx_token_map *map,
                                const char *left, size_t n_left, const char *right, size_t n_right,
                                uint8_t *joined, uint32_t merge[3]);

#endif
