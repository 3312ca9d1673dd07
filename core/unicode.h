/* Unicode for the tokenizer: well-formed UTF-8 and the classes that the pre-tokenizer asks for. */
#ifndef TRIT_UNICODE_H
#define TRIT_UNICODE_H

#include "base.h"

typedef enum { TRITX_OTHER, TRITX_LETTER, TRITX_NUMBER, TRITX_SPACE } tritx_class;

/* \p{L}, \p{N}, White_Space or none of them; no code point is in two. */
tritx_class tritx_unicode_class(uint32_t point);

/* Length of the sequence that this byte begins, 1 ... 4; 0 when no sequence begins with it. */
size_t tritx_utf8_length(uint8_t lead);
/* Whether `byte` may follow the n_begun >= 1 bytes of a sequence that is not complete. */
bool tritx_utf8_continues(const uint8_t *begun, size_t n_begun, uint8_t byte);
/* Reads one code point and returns its length; 0 when the n_bytes do not begin with a whole one. */
size_t tritx_utf8_decode(const uint8_t *bytes, size_t n_bytes, uint32_t *point);
/* Writes a code point that is no surrogate; returns its length. */
size_t tritx_utf8_encode(uint32_t point, uint8_t out[4]);

#endif
