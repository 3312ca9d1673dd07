/* The public tokenizer and chat calls: a model's tables behind the interface of trit.h. */
#include "chat.h"
#include "model.h"
#include "token_map.h"

#include <stdlib.h>

static trit_status need_tokenizer(const trit_model *model, trit_error *err)
{
    if (!model) return tritx_fail(err, TRIT_PARAM, 0, "model is NULL");
    return model->tokenizer
               ? TRIT_OK
               : tritx_fail(err, TRIT_STATE, 0, "this model has no tokenizer: give ids");
}

trit_status trit_tokenize(const trit_model *model, const char *text, size_t n_bytes, uint32_t flags,
                          int32_t *ids, size_t capacity, size_t *n_ids, trit_error *err)
{
    TRIT_TRY(need_tokenizer(model, err));
    if ((!text && n_bytes) || (!ids && capacity) || !n_ids || flags > 3)
        return tritx_fail(err, TRIT_PARAM, 0, "tokenize: bad argument");
    size_t n_bos = flags & TRIT_TOKENIZE_BOS ? 1 : 0, n = 0;
    if (n_bos && model->config.bos_id < 0)
        return tritx_fail(err, TRIT_STATE, 0, "this model has no token for the beginning");
    size_t room = capacity > n_bos ? capacity - n_bos : 0;
    trit_status status =
        tritx_tokenizer_encode(model->tokenizer, text, n_bytes, flags & TRIT_TOKENIZE_SPECIAL,
                               room ? ids + n_bos : NULL, room, &n, err);
    if (status == TRIT_OK || status == TRIT_PARAM) *n_ids = n + n_bos;
    if (status == TRIT_OK && n + n_bos > capacity)
        return tritx_fail(err, TRIT_PARAM, 0, "tokenize: room for %zu ids, %zu needed", capacity,
                          n + n_bos);
    if (status == TRIT_OK && n_bos) ids[0] = model->config.bos_id;
    return status;
}

trit_status trit_token_bytes(const trit_model *model, int32_t id, const uint8_t **bytes,
                             size_t *n_bytes, bool *special)
{
    if (need_tokenizer(model, NULL) != TRIT_OK) return TRIT_STATE;
    const tritx_tokenizer_tables *t = tritx_tokenizer_get(model->tokenizer);
    if (id < 0 || id >= t->n_vocab || !bytes || !n_bytes || !special) return TRIT_PARAM;
    *bytes = tritx_token(t, (uint32_t)id, n_bytes);
    *special = t->token_kinds[id] == TRITX_TOKEN_SPECIAL;
    return TRIT_OK;
}

trit_status trit_chat_render(const trit_model *model, const trit_message *messages,
                             size_t n_messages, int32_t *ids, size_t capacity, size_t *n_ids,
                             trit_error *err)
{
    TRIT_TRY(need_tokenizer(model, err));
    if ((!messages && n_messages) || (!ids && capacity) || !n_ids)
        return tritx_fail(err, TRIT_PARAM, 0, "chat: bad argument");
    return tritx_chat_render(model->tokenizer, &model->config, messages, n_messages, ids, capacity,
                             n_ids, err);
}

trit_status trit_tokenize_parts(const trit_model *model, const char *text, const uint32_t *ends,
                                size_t n_parts, int32_t *ids, size_t capacity, size_t *n_ids,
                                trit_error *err)
{
    TRIT_TRY(need_tokenizer(model, err));
    if (!text || (!ends && n_parts) || (!ids && capacity) || !n_ids)
        return tritx_fail(err, TRIT_PARAM, 0, "tokenize: bad argument");
    return tritx_tokenizer_encode_parts(model->tokenizer, text, ends, n_parts, ids, capacity, n_ids,
                                        err);
}

bool trit_model_space_first(const trit_model *model)
{
    return model->tokenizer && tritx_tokenizer_get(model->tokenizer)->flags & TRITX_SPACE_FIRST;
}

const char *trit_model_template(const trit_model *model)
{
    return model->chat_template ? model->chat_template : "";
}

trit_status trit_model_set_template(trit_model *model, const char *text, trit_error *err)
{
    if (!model || !text) return tritx_fail(err, TRIT_PARAM, 0, "template: NULL argument");
    trit_config config = model->config;
    char *kept = NULL;
    if (strlen(text) < sizeof config.template_id && tritx_chat_knows(text)) {
        strcpy(config.template_id, text);
    } else {
        config.template_id[0] = 0;
        /* every template that does something has a brace */
        if (strchr(text, '{'))
            TRIT_TRY(tritx_template_take(text, strlen(text), &config, &kept, err));
    }
    if (!config.template_id[0])
        return tritx_fail(err, TRIT_PARAM, 0,
                          "the chat template is none of bitnet-2b4t, llama3, falcon3, nor Jinja of "
                          "at most 256 KiB");
    free(model->chat_template);
    model->chat_template = kept;
    model->config = config;
    return TRIT_OK;
}
