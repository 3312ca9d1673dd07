/* A packed file in any split is the same model; cut or lengthened it is a named error. */
#include "packed_bytes.h"

#define CARD "{\"name\":\"a \\\"test\\\"\"}"

static int refuse(void *ctx, const uint8_t *bytes, size_t n)
{
    (void)bytes, (void)n;
    return --*(int *)ctx < 0;
}

static char *find(const buffer *file, const char *text)
{
    for (size_t at = 0; at + strlen(text) <= file->n; at++)
        if (memcmp(file->bytes + at, text, strlen(text)) == 0) return (char *)file->bytes + at;
    fprintf(stderr, "no %s in the file\n", text);
    exit(1);
}

/* k and v have one shape, so that only their order tells. */
static void test_order(buffer *file)
{
    trit_model *model = NULL;
    trit_error err;
    char *k = find(file, "\"0.k\":"), *v = find(file, "\"0.v\":");
    k[3] = 'v', v[3] = 'k';
    TRIT_CHECK_EQ_I(load(file->bytes, file->n, file->n, &model, &err), TRIT_BAD_HEADER);
    k[3] = 'k', v[3] = 'v';
}

/* A second configuration would not fit the tokenizer that was read by the first one. */
static void test_sides(void)
{
    static const char config[] =
        "{\"model_type\":\"bitnet\",\"num_hidden_layers\":1,\"hidden_size\":16,"
        "\"intermediate_size\":16,\"num_attention_heads\":2,\"num_key_value_heads\":1,"
        "\"vocab_size\":270,\"max_position_embeddings\":20,\"hidden_act\":\"silu\","
        "\"rms_norm_eps\":1e-05,\"rope_theta\":10000.0,\"tie_word_embeddings\":true}";
    trit_loader *loader = NULL;
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_side(loader, TRIT_SIDE_GENERATION_CONFIG, "{}", 2, NULL),
                    TRIT_STATE);
    for (int again = 0; again < 2; again++)
        TRIT_CHECK_EQ_I(trit_loader_side(loader, TRIT_SIDE_CONFIG, config, sizeof config - 1, NULL),
                        again ? TRIT_STATE : TRIT_OK);
    static const struct {
        const char *text;
        trit_status status;
    } ids[] = {{"{\"bos_token_id\":null,\"eos_token_id\":null}", TRIT_OK},
               {"{\"bos_token_id\":269,\"eos_token_id\":[1,2]}", TRIT_OK},
               {"{\"bos_token_id\":\"<s>\"}", TRIT_BAD_CONFIG},
               {"{\"bos_token_id\":-1}", TRIT_BAD_CONFIG},
               {"{\"eos_token_id\":0.5}", TRIT_BAD_CONFIG},
               {"{\"eos_token_id\":[1,2,3,4,5,6,7,8,9]}", TRIT_BAD_CONFIG}};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        TRIT_CHECK_EQ_I(trit_loader_side(loader, TRIT_SIDE_GENERATION_CONFIG, ids[i].text,
                                         strlen(ids[i].text), NULL),
                        ids[i].status);
    trit_error err = {0};
    TRIT_CHECK_EQ_I(trit_loader_side(loader, TRIT_SIDE_GENERATION_CONFIG, "", 0, &err),
                    TRIT_BAD_JSON);
    TRIT_CHECK(strstr(err.message, "cut off") != NULL);
    trit_loader_free(loader);
}

/* A name without an end, up to the end of the memory. */
static void test_config(trit_config c)
{
    memset(c.template_id, 'a', sizeof c - offsetof(trit_config, template_id));
    TRIT_CHECK_EQ_I(trit_config_validate(&c, NULL), TRIT_BAD_CONFIG);
}

int main(void)
{
    trit_model *model = small_model(), *again = NULL;
    trit_error err;
    buffer file = write_model(model, CARD);

    static const size_t steps[] = {1, 7, 64, 4096, 1 << 20};
    for (size_t i = 0; i < 5; i++) {
        TRIT_CHECK_EQ_I(load(file.bytes, file.n, steps[i], &again, &err), TRIT_OK);
        buffer copy = write_model(again, NULL);
        TRIT_CHECK(same_bytes(&copy, &file));
        TRIT_CHECK(strcmp(trit_model_card(again), CARD) == 0);
        free(copy.bytes);
        trit_model_free(again);
    }

    test_order(&file);
    test_sides();
    test_config(*trit_model_config(model));
    again = NULL;
    for (size_t n = 0; n < file.n; n += n < 6000 ? 1 : 97)
        TRIT_CHECK_EQ_I(load(file.bytes, n, file.n, &again, &err), TRIT_TRUNCATED);
    append(&file, (const uint8_t *)"", 1);
    TRIT_CHECK_EQ_I(load(file.bytes, file.n, 4096, &again, &err), TRIT_TRAILING_BYTES);
    TRIT_CHECK(again == NULL);

    int writes = 3;
    TRIT_CHECK_EQ_I(trit_model_write(model, NULL, refuse, &writes, NULL), TRIT_ABORTED);
    TRIT_CHECK_EQ_I(trit_model_write(model, "[1]", append, &file, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_model_write(model, "{", append, &file, NULL), TRIT_BAD_JSON);
    free(file.bytes);
    trit_model_free(model);
    return TRIT_DONE();
}
