/* What the keys of a GGUF header say about a model. */
#ifndef TRIT_GGUF_MODEL_H
#define TRIT_GGUF_MODEL_H

#include "gguf.h"
#include "tokenizer.h"

/* Architectures: bitnet-b1.58 and bitnet-25 (2B4T), bitnet (bitnet_b1_58-large and -3B) and llama (ternary
 * without sub-norms). n_tensors: of all parts. Special ids included, the head's weight and the tokenizer not. Not
 * validated yet. *pairs_qk: the rows of Q and K are in llama.cpp's order for rotating neighbours.
 * BAD_CONFIG, UNSUPPORTED. */
trit_status tritx_gguf_config(const tritx_gguf *gguf, size_t n_tensors, trit_config *config,
                              bool *pairs_qk, trit_error *err);

/* The chat template, unless the architecture has told it; as tritx_template_take. */
trit_status tritx_gguf_template(const tritx_gguf *gguf, trit_config *config, char **kept,
                                trit_error *err);

/* The tokenizer: byte-level BPE, cut as in Llama 3, or SentencePiece's. BAD_TOKENIZER, OOM. */
trit_status tritx_gguf_tokenizer(const tritx_gguf *gguf, tritx_tokenizer_tables *tables,
                                 trit_error *err);

/* Id of the control token with this text, -1 when there is none. */
int32_t tritx_gguf_control(const tritx_gguf *gguf, const char *text);

#endif
