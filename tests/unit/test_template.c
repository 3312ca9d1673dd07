#include "check.h"
#include "template.h"

#include <stdlib.h>

static const char *const llama3 =
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = "
    "'<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim "
    "+ "
    "'<|eot_id|>' %}{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ "
    "content }}{% endfor %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}";

/* What becomes of a text: the id, and what is kept of it. */
static void check_take(const char *text, size_t n, const char *id, const char *want)
{
    trit_config config = {0};
    char *kept = NULL;
    TRIT_CHECK_EQ_I(tritx_template_take(text, n, &config, &kept, NULL), TRIT_OK);
    TRIT_CHECK(strcmp(config.template_id, id) == 0);
    TRIT_CHECK((kept == NULL) == (want == NULL));
    if (kept && want) TRIT_CHECK(strcmp(kept, want) == 0);
    free(kept);
}

static void check_config(const char *json, trit_status status, const char *id, const char *want)
{
    trit_config config = {0};
    char *kept = NULL;
    TRIT_CHECK_EQ_I(tritx_template_config(json, strlen(json), &config, &kept, NULL), status);
    TRIT_CHECK(strcmp(config.template_id, id) == 0);
    TRIT_CHECK(want ? kept && strcmp(kept, want) == 0 : kept == NULL);
    free(kept);
}

static void test_take(void)
{
    static char longest[TRITX_MAX_TEMPLATE + 1];
    memset(longest, 'x', sizeof longest);
    check_take(llama3, strlen(llama3), "llama3", NULL);
    check_take("{{ 1 }}", 7, "jinja", "{{ 1 }}");
    check_take("\xc3\xa9", 2, "jinja", "\xc3\xa9");
    check_take("", 0, "", NULL);
    check_take("a\0b", 3, "", NULL);
    check_take("\xc3", 1, "", NULL);
    check_take(longest, sizeof longest, "", NULL);
    trit_config config = {0};
    char *kept = NULL;
    TRIT_CHECK_EQ_I(tritx_template_take(longest, sizeof longest - 1, &config, &kept, NULL),
                    TRIT_OK);
    TRIT_CHECK(kept && strlen(kept) == TRITX_MAX_TEMPLATE);
    /* a second text takes the place of the first */
    TRIT_CHECK_EQ_I(tritx_template_take("{{ 2 }}", 7, &config, &kept, NULL), TRIT_OK);
    TRIT_CHECK(kept && strcmp(kept, "{{ 2 }}") == 0);
    TRIT_CHECK_EQ_I(tritx_template_take(llama3, strlen(llama3), &config, &kept, NULL), TRIT_OK);
    TRIT_CHECK(kept == NULL);
    free(kept);
}

static void test_config(void)
{
    check_config("{\"chat_template\":\"{{ 1 }}\"}", TRIT_OK, "jinja", "{{ 1 }}");
    check_config("{\"chat_template\":[{\"name\":\"rag\",\"template\":\"{{ 1 }}\"},"
                 "{\"name\":\"default\",\"template\":\"{{ 2 }}\"}]}",
                 TRIT_OK, "jinja", "{{ 2 }}");
    check_config("{\"chat_template\":[{\"name\":\"rag\",\"template\":\"{{ 1 }}\"}]}", TRIT_OK, "",
                 NULL);
    check_config("{\"chat_template\":[7,{\"name\":\"default\"}]}", TRIT_OK, "", NULL);
    check_config("{\"chat_template\":7}", TRIT_OK, "", NULL);
    check_config("{}", TRIT_OK, "", NULL);
    check_config("{", TRIT_BAD_JSON, "", NULL);
}

int main(void)
{
    test_take();
    test_config();
    return TRIT_DONE();
}
