/* SentencePiece keeps no merges but a score for every token. */
#ifndef TRIT_SCORE_MERGES_H
#define TRIT_SCORE_MERGES_H

#include "tokenizer.h"

/* Fills merges and n_merges of tables whose tokens are read: every way to cut a normal token into two,
 * the token of the highest score first. `scores` is float32 [n_vocab], little-endian. BAD_TOKENIZER,
 * OOM. */
trit_status tritx_merges_by_score(tritx_tokenizer_tables *tables, const uint8_t *scores,
                                  trit_error *err);

#endif
