/* The Llama-3 pre-tokenizer: cuts text into the pieces within which BPE merges. */
#ifndef TRIT_PRETOKENIZE_H
#define TRIT_PRETOKENIZE_H

#include "base.h"

/* The expression this code is, as tokenizer.json spells it. */
#define TRITX_PRETOKEN_EXPRESSION                                                                  \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"                      \
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* Where the piece that begins at `at` (< n_bytes) ends. A byte that is no UTF-8 counts as one
 * character of no class. */
size_t tritx_pretoken_end(const uint8_t *text, size_t n_bytes, size_t at);

#endif
