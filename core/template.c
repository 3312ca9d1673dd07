/* Chat templates are programs (Jinja). Those that we know are rendered by chat.c; the text of any other is
 * kept for a renderer outside: nothing here runs it. */
#include "template.h"
#include "json.h"
#include "unicode.h"

#include <stdlib.h>

/* Texts that do what a form of chat.c does; of an id the first is the one that is exported. */
static const struct {
    const char *id, *text;
} templates[] = {
    /* 2B4T's, whose file was not at hand: written to the ids in the test of Hugging Face transformers */
    {TRITX_TEMPLATE_2B4T,
     "{% for message in messages %}{% if loop.first %}{{ bos_token }}{% endif %}{{ "
     "message['role'] | capitalize + ': ' + "
     "message['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if "
     "add_generation_prompt %}{{ 'Assistant: ' }}{% endif %}"},
    /* Meta-Llama-3-8B-Instruct */
    {TRITX_TEMPLATE_LLAMA3,
     "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
     "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim "
     "+ '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif "
     "%}{{ content }}{% endfor %}{% if add_generation_prompt %}{{ "
     "'<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"},
    /* the same as it was first published */
    {TRITX_TEMPLATE_LLAMA3,
     "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
     "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim "
     "+ '<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif "
     "%}{{ content }}{% endfor %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"},
};

const char *tritx_template_id(const char *text, size_t n_bytes)
{
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        if (strlen(templates[i].text) == n_bytes && memcmp(templates[i].text, text, n_bytes) == 0)
            return templates[i].id;
    return NULL;
}

const char *tritx_template_text(const char *id)
{
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        if (strcmp(templates[i].id, id) == 0) return templates[i].text;
    return NULL;
}

static bool is_text(const char *text, size_t n_bytes)
{
    uint32_t point = 0;
    if (n_bytes == 0 || n_bytes > TRITX_MAX_TEMPLATE) return false;
    for (size_t at = 0, length; at < n_bytes; at += length) {
        length = tritx_utf8_decode((const uint8_t *)text + at, n_bytes - at, &point);
        if (length == 0 || point == 0) return false;
    }
    return true;
}

trit_status tritx_template_take(const char *text, size_t n_bytes, trit_config *config, char **kept,
                                trit_error *err)
{
    if (!is_text(text, n_bytes)) return TRIT_OK;
    const char *id = tritx_template_id(text, n_bytes);
    char *copy = id ? NULL : malloc(n_bytes + 1);
    if (!id && !copy) return tritx_fail(err, TRIT_OOM, 0, "no memory for the chat template");
    if (copy) {
        memcpy(copy, text, n_bytes);
        copy[n_bytes] = 0;
    }
    free(*kept);
    *kept = copy;
    strcpy(config->template_id, id ? id : TRITX_TEMPLATE_JINJA);
    return TRIT_OK;
}

trit_status tritx_template_config(const char *text, size_t n_bytes, trit_config *config,
                                  char **kept, trit_error *err)
{
    tritx_json json;
    TRIT_TRY(tritx_json_parse(text, n_bytes, &json, err));
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json.root, "chat_template");
    const cJSON *one = cJSON_IsArray(item) ? item->child : NULL;
    for (; one; one = one->next) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "name"));
        if (!name || strcmp(name, "default") != 0) continue;
        item = cJSON_GetObjectItemCaseSensitive(one, "template");
        break;
    }
    const char *found = cJSON_GetStringValue(item);
    trit_status status =
        found ? tritx_template_take(found, strlen(found), config, kept, err) : TRIT_OK;
    tritx_json_free(&json);
    return status;
}
