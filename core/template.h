/* What a file says about its chat template. */
#ifndef TRIT_TEMPLATE_H
#define TRIT_TEMPLATE_H

#include "base.h"

#define TRITX_TEMPLATE_2B4T "bitnet-2b4t"
#define TRITX_TEMPLATE_LLAMA3 "llama3"
#define TRITX_TEMPLATE_FALCON3 "falcon3"
#define TRITX_TEMPLATE_JINJA "jinja" /* the model keeps the text; somebody else renders it */

enum { TRITX_MAX_TEMPLATE = 256 << 10 }; /* bytes; longer ones are as if there was none */

/* The id of one that we render, by its exact text; NULL for another. */
const char *tritx_template_id(const char *text, size_t n_bytes);
/* A text that has this id; NULL when none is known. */
const char *tritx_template_text(const char *id);
/* Takes a template's text: the id of one that we render goes to the configuration; of any other "jinja",
 * and *kept becomes a copy. What is no text of at most so many bytes is left out. OOM. */
trit_status tritx_template_take(const char *text, size_t n_bytes, trit_config *config, char **kept,
                                trit_error *err);
/* The chat_template of a tokenizer_config.json: a text, or a list of which one is "default". */
trit_status tritx_template_config(const char *text, size_t n_bytes, trit_config *config,
                                  char **kept, trit_error *err);

#endif
