/* Which kind of tokenizer a tokenizer.json is, and small helpers for reading it. */
#ifndef TRIT_TOKENIZER_KIND_H
#define TRIT_TOKENIZER_KIND_H

#include "json.h"

/* Checks everything but vocabulary, merges, added tokens and post-processor against the two kinds that
 * are served; *flags are those of the tables. BAD_TOKENIZER names what is different. */
trit_status tritx_tokenizer_kind(const cJSON *root, uint8_t *flags, trit_error *err);

static inline const cJSON *tritx_member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static inline bool tritx_is_absent(const cJSON *item) { return !item || cJSON_IsNull(item); }

static inline bool tritx_is_text(const cJSON *item, const char *text)
{
    return cJSON_IsString(item) && strcmp(item->valuestring, text) == 0;
}

static inline bool tritx_is_type(const cJSON *object, const char *type)
{
    return tritx_is_text(tritx_member(object, "type"), type);
}

/* Missing and false are the same for every switch of this format that matters here. */
static inline bool tritx_is_off(const cJSON *object, const char *key)
{
    const cJSON *item = tritx_member(object, key);
    return tritx_is_absent(item) || cJSON_IsFalse(item);
}

#endif
