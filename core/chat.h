/* Chat templates: a conversation becomes ids, segment by segment. */
#ifndef TRIT_CHAT_H
#define TRIT_CHAT_H

#include "template.h"
#include "tokenizer.h"

/* trit_chat_render for a tokenizer and a configuration (its template, its BOS). UNSUPPORTED for a
 * template this engine does not know, STATE when there is none or the model lacks its tokens. */
trit_status tritx_chat_render(const tritx_tokenizer *tokenizer, const trit_config *config,
                              const trit_message *messages, size_t n_messages, int32_t *ids,
                              size_t capacity, size_t *n_ids, trit_error *err);
/* Whether the template of this id is rendered here. */
bool tritx_chat_knows(const char *id);

#endif
