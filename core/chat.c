/* Templates that we know, as forms. Special ids are put in as ids and text is encoded as text, so no message
 * can forge the end of a turn. */
#include "chat.h"
#include "unicode.h"

#include <stdlib.h>

/* In a form, these stand for what a message says; what stands between two NAMEs is a special token. */
#define ROLE "\1"
#define TITLE "\2" /* the role with a capital */
#define TRIMMED "\3"
#define TEXT "\4"
#define NAME "\5"
#define SPECIAL(name) NAME name NAME

typedef struct {
    const char *id;
    bool bos;
    const char *message, *answer;
} form;

static const form forms[] = {
    {TRITX_TEMPLATE_2B4T, true, TITLE ": " TRIMMED SPECIAL("<|eot_id|>"), "Assistant: "},
    {TRITX_TEMPLATE_LLAMA3, true,
     SPECIAL("<|start_header_id|>")
         ROLE SPECIAL("<|end_header_id|>") "\n\n" TRIMMED SPECIAL("<|eot_id|>"),
     SPECIAL("<|start_header_id|>") "assistant" SPECIAL("<|end_header_id|>") "\n\n"},
    {TRITX_TEMPLATE_FALCON3, false, SPECIAL("<|" ROLE "|>") "\n" TEXT "\n",
     SPECIAL("<|assistant|>") "\n"},
};

enum { MAX_NAME = 32, FORM_TEXT = 64 }; /* bytes of a special token; of a form around a message */

typedef struct {
    const tritx_tokenizer *tokenizer;
    const form *form;
    int32_t bos;
    int32_t *ids;
    size_t capacity, n;
    char *text; /* plain text up to the next special token */
    size_t n_text;
    trit_error *err;
} renderer;

static const char *title_of(const char *role)
{
    if (!role) return NULL;
    if (strcmp(role, "system") == 0) return "System";
    if (strcmp(role, "user") == 0) return "User";
    return strcmp(role, "assistant") == 0 ? "Assistant" : NULL;
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

static void add_text(renderer *r, const char *text, size_t n_bytes)
{
    if (n_bytes) memcpy(r->text + r->n_text, text, n_bytes);
    r->n_text += n_bytes;
}

/* Encodes the text so far. */
static trit_status flush(renderer *r)
{
    size_t room = r->n < r->capacity ? r->capacity - r->n : 0, n = 0;
    trit_error failure;
    trit_status status = tritx_tokenizer_encode(r->tokenizer, r->text, r->n_text, false,
                                                room ? r->ids + r->n : NULL, room, &n, &failure);
    r->n += n;
    r->n_text = 0;
    /* Too little room is no failure yet: the rest is counted. */
    if (status == TRIT_OK || (status == TRIT_PARAM && n > room)) return TRIT_OK;
    if (r->err) *r->err = failure;
    return status;
}

/* The special token at `at`, behind a NAME; moves behind the NAME that ends it. */
static trit_status add_special(renderer *r, const char **at, const char *role)
{
    char name[MAX_NAME];
    size_t n = 0;
    for (; **at != *NAME; ++*at) {
        if (**at != *ROLE) name[n++] = **at;
        else n += tritx_format(name + n, sizeof name - n, "%s", role);
    }
    name[n] = 0;
    ++*at;
    int32_t id = tritx_tokenizer_special(r->tokenizer, name);
    if (id < 0)
        return tritx_fail(r->err, TRIT_STATE, 0, "chat: this model lacks the template's token %s",
                          name);
    TRIT_TRY(flush(r));
    add_id(r, id);
    return TRIT_OK;
}

static trit_status add_part(renderer *r, const char *part, const trit_message *message)
{
    for (const char *at = part; *at;) {
        char c = *at++;
        const char *text = message->text;
        size_t n = message->n_bytes;
        if (c == *NAME) {
            TRIT_TRY(add_special(r, &at, message->role));
        } else if (c == *ROLE) {
            add_text(r, message->role, strlen(message->role));
        } else if (c == *TITLE) {
            add_text(r, title_of(message->role), strlen(message->role));
        } else if (c == *TRIMMED || c == *TEXT) {
            if (c == *TRIMMED && n) trim(&text, &n);
            add_text(r, text, n);
        } else {
            add_text(r, &c, 1);
        }
    }
    return TRIT_OK;
}

static trit_status render(renderer *r, const trit_message *messages, size_t n_messages)
{
    r->n = r->n_text = 0;
    if (r->form->bos) add_id(r, r->bos);
    for (size_t i = 0; i < n_messages; i++) TRIT_TRY(add_part(r, r->form->message, &messages[i]));
    TRIT_TRY(add_part(r, r->form->answer, &(trit_message){"assistant", NULL, 0}));
    return flush(r);
}

static trit_status check_messages(const trit_message *messages, size_t n_messages, size_t *longest,
                                  trit_error *err)
{
    if (n_messages == 0) return tritx_fail(err, TRIT_PARAM, 0, "chat: there is no message");
    for (size_t i = 0; i < n_messages; i++) {
        if (!title_of(messages[i].role))
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

static trit_status find_form(const trit_config *config, const form **found, trit_error *err)
{
    if (!config->template_id[0])
        return tritx_fail(err, TRIT_STATE, 0, "this model has no chat template: give plain text");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(config->template_id, forms[i].id) == 0) {
            *found = &forms[i];
            if (!forms[i].bos || config->bos_id >= 0) return TRIT_OK;
            return tritx_fail(err, TRIT_STATE, 0, "chat: this model lacks the template's BOS");
        }
    return tritx_fail(err, TRIT_UNSUPPORTED, 0, "chat: the template \"%s\" is not rendered here",
                      config->template_id);
}

trit_status tritx_chat_render(const tritx_tokenizer *tokenizer, const trit_config *config,
                              const trit_message *messages, size_t n_messages, int32_t *ids,
                              size_t capacity, size_t *n_ids, trit_error *err)
{
    renderer r = {.tokenizer = tokenizer, .bos = config->bos_id, .err = err};
    size_t longest = 0;
    TRIT_TRY(find_form(config, &r.form, err));
    TRIT_TRY(check_messages(messages, n_messages, &longest, err));
    r.text = malloc(longest + FORM_TEXT);
    if (!r.text) return tritx_fail(err, TRIT_OOM, 0, "chat: no memory for a message");
    /* Counted first, so that `ids` is left alone when there are too many. */
    trit_status status = render(&r, messages, n_messages);
    size_t n = r.n;
    if (status == TRIT_OK && n <= capacity) {
        r.ids = ids;
        r.capacity = capacity;
        status = render(&r, messages, n_messages);
    }
    free(r.text);
    if (status != TRIT_OK) return status;
    *n_ids = n;
    if (n > capacity)
        return tritx_fail(err, TRIT_PARAM, 0, "chat: room for %zu ids, %zu needed", capacity, n);
    return TRIT_OK;
}

bool tritx_chat_knows(const char *id)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcmp(id, forms[i].id) == 0) return true;
    return false;
}
