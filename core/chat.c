/* TRITX_TEMPLATE_2B4T: BOS, then "Role: text<|eot_id|>" for every message without newlines,
 * then "Assistant: ". Special ids are put in as ids and text is encoded as text, so no message can
 * forge the end of a turn. */
#include "chat.h"
#include "unicode.h"

#include <stdlib.h>

static const char answer_opening[] = "Assistant: ";

typedef struct {
    const tritx_tokenizer *tokenizer;
    int32_t *ids;
    size_t capacity, n;
    char *text; /* one segment: the role's prefix and the message */
} renderer;

static const char *role_prefix(const char *role)
{
    if (!role) return NULL;
    if (strcmp(role, "system") == 0) return "System: ";
    if (strcmp(role, "user") == 0) return "User: ";
    return strcmp(role, "assistant") == 0 ? answer_opening : NULL;
}

/* White space as the template's `trim` means it, which is Python's: four separators more. */
static bool is_trimmed(uint32_t point)
{
    return tritx_unicode_class(point) == TRITX_SPACE || (point >= 0x1c && point <= 0x1f);
}

static void trim(const char **text, size_t *n_bytes)
{
    const uint8_t *bytes = (const uint8_t *)*text;
    size_t begin = 0, end = 0, length; /* end: after the last character that stays */
    uint32_t point;
    while ((length = tritx_utf8_decode(bytes + begin, *n_bytes - begin, &point)) > 0 &&
           is_trimmed(point))
        begin += length;
    for (size_t at = begin; at < *n_bytes; at += length) {
        length = tritx_utf8_decode(bytes + at, *n_bytes - at, &point);
        bool space = length > 0 && is_trimmed(point);
        if (length == 0) length = 1;
        if (!space) end = at + length;
    }
    *text += begin;
    *n_bytes = end > begin ? end - begin : 0;
}

static void add_id(renderer *r, int32_t id)
{
    if (r->n < r->capacity) r->ids[r->n] = id;
    r->n++;
}

static trit_status add_text(renderer *r, const char *text, size_t n_bytes, trit_error *err)
{
    size_t room = r->n < r->capacity ? r->capacity - r->n : 0, n = 0;
    trit_error failure;
    trit_status status = tritx_tokenizer_encode(r->tokenizer, text, n_bytes, false,
                                                room ? r->ids + r->n : NULL, room, &n, &failure);
    r->n += n;
    /* Too little room is no failure yet: the rest is counted. */
    if (status == TRIT_OK || (status == TRIT_PARAM && n > room)) return TRIT_OK;
    if (err) *err = failure;
    return status;
}

static trit_status render(renderer *r, int32_t bos, int32_t end_of_turn,
                          const trit_message *messages, size_t n_messages, trit_error *err)
{
    r->n = 0;
    add_id(r, bos);
    for (size_t i = 0; i < n_messages; i++) {
        const char *prefix = role_prefix(messages[i].role), *text = messages[i].text;
        size_t n_prefix = strlen(prefix), n_text = messages[i].n_bytes;
        memcpy(r->text, prefix, n_prefix);
        if (n_text) {
            trim(&text, &n_text);
            memcpy(r->text + n_prefix, text, n_text);
        }
        TRIT_TRY(add_text(r, r->text, n_prefix + n_text, err));
        add_id(r, end_of_turn);
    }
    return add_text(r, answer_opening, strlen(answer_opening), err);
}

static trit_status check_messages(const trit_message *messages, size_t n_messages, size_t *longest,
                                  trit_error *err)
{
    if (n_messages == 0) return tritx_fail(err, TRIT_PARAM, 0, "chat: there is no message");
    for (size_t i = 0; i < n_messages; i++) {
        if (!role_prefix(messages[i].role))
            return tritx_fail(err, TRIT_PARAM, 0,
                              "chat: message %zu: the role is system, user or assistant", i);
        if (!messages[i].text && messages[i].n_bytes)
            return tritx_fail(err, TRIT_PARAM, 0, "chat: message %zu has no text", i);
        if (messages[i].n_bytes > INT32_MAX / 2)
            return tritx_fail(err, TRIT_PARAM, 0, "chat: message %zu is too long", i);
        if (messages[i].n_bytes > *longest) *longest = messages[i].n_bytes;
    }
    return TRIT_OK;
}

trit_status tritx_chat_render(const tritx_tokenizer *tokenizer, const trit_config *config,
                              const trit_message *messages, size_t n_messages, int32_t *ids,
                              size_t capacity, size_t *n_ids, trit_error *err)
{
    if (!config->template_id[0])
        return tritx_fail(err, TRIT_STATE, 0, "this model has no chat template: give plain text");
    if (strcmp(config->template_id, TRITX_TEMPLATE_2B4T) != 0)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0, "unknown chat template \"%s\"",
                          config->template_id);
    int32_t end_of_turn = tritx_tokenizer_special(tokenizer, "<|eot_id|>");
    if (config->bos_id < 0 || end_of_turn < 0)
        return tritx_fail(err, TRIT_STATE, 0, "chat: this model lacks the template's tokens");
    size_t longest = 0;
    TRIT_TRY(check_messages(messages, n_messages, &longest, err));
    char *text = malloc(longest + sizeof answer_opening);
    if (!text) return tritx_fail(err, TRIT_OOM, 0, "chat: no memory for a message");
    /* Counted first, so that `ids` is left alone when there are too many. */
    renderer r = {tokenizer, NULL, 0, 0, text};
    trit_status status = render(&r, config->bos_id, end_of_turn, messages, n_messages, err);
    size_t n = r.n;
    if (status == TRIT_OK && n <= capacity) {
        r = (renderer){tokenizer, ids, capacity, 0, text};
        status = render(&r, config->bos_id, end_of_turn, messages, n_messages, err);
    }
    free(text);
    if (status != TRIT_OK) return status;
    *n_ids = n;
    if (n > capacity)
        return tritx_fail(err, TRIT_PARAM, 0, "chat: room for %zu ids, %zu needed", capacity, n);
    return TRIT_OK;
}
