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

/* Where in the file the tensor's data begin. */
static size_t data_of(const buffer *file, const char *tensor)
{
    size_t n_header = file->bytes[0] | (size_t)file->bytes[1] << 8 | (size_t)file->bytes[2] << 16;
    const char *offsets = strstr(find(file, tensor), "\"data_offsets\":[");
    return 8 + n_header + strtoul(offsets + strlen("\"data_offsets\":["), NULL, 10);
}

/* Several groups of rows, whose last is not full, and threads that find two errors in any order. */
static void test_threads(void)
{
    trit_config c;
    trit_model *model = NULL, *again = NULL;
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &c, NULL), TRIT_OK);
    c.n_layer = 1, c.n_vocab = 300, c.dim = 48, c.ffn_dim = 260, c.n_head = 2, c.n_head_kv = 1,
    c.head_dim = 8;
    TRIT_CHECK_EQ_I(
        trit_model_synthetic(&c, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model, NULL),
        TRIT_OK);
    buffer file = write_model(model, NULL);
    size_t gate = data_of(&file, "\"0.gate\":"), embed = data_of(&file, "\"embed\":"), row = 10;
    for (int n_threads = 0; n_threads <= 9; n_threads += n_threads < 4 ? 1 : 5) {
        trit_pool *pool = NULL;
        if (n_threads && trit_pool_new(&pool, n_threads, NULL) == TRIT_UNSUPPORTED) break;
        for (size_t step = 641; step < 2 * file.n; step *= 9) {
            trit_error err = {0};
            TRIT_CHECK_EQ_I(load_by(pool, file.bytes, file.n, step, &again, NULL), TRIT_OK);
            buffer copy = write_model(again, NULL);
            TRIT_CHECK(same_bytes(&copy, &file));
            trit_model_free(again);
            free(copy.bytes);
            uint8_t kept[] = {file.bytes[gate + 70 * row + 3], file.bytes[gate + 200 * row],
                              file.bytes[embed + 130 * 48 + 47]};
            file.bytes[gate + 70 * row + 3] = file.bytes[gate + 200 * row] = 1;
            TRIT_CHECK_EQ_I(load_by(pool, file.bytes, file.n, step, &again, &err), TRIT_BAD_CODES);
            TRIT_CHECK_EQ_I(err.offset, gate + 70 * row);
            TRIT_CHECK(strstr(err.message, "0.gate: row 70 ") != NULL);
            file.bytes[embed + 130 * 48 + 47] = 128;
            TRIT_CHECK_EQ_I(load_by(pool, file.bytes, file.n, step, &again, &err), TRIT_BAD_CODES);
            TRIT_CHECK_EQ_I(err.offset, embed + 130 * 48);
            file.bytes[gate + 70 * row + 3] = kept[0], file.bytes[gate + 200 * row] = kept[1];
            file.bytes[embed + 130 * 48 + 47] = kept[2];
        }
        trit_pool_free(pool);
    }
    free(file.bytes);
    trit_model_free(model);
}

/* A name without an end, up to the end of the memory; matrices whose size does not fit 32 bits. */
static void test_config(trit_config c)
{
    trit_config wide = c;
    wide.n_head = 512, wide.head_dim = 128, wide.dim = 8192;
    TRIT_CHECK_EQ_I(trit_config_validate(&wide, NULL), TRIT_OK);
    wide.head_dim = 132;
    TRIT_CHECK_EQ_I(trit_config_validate(&wide, NULL), TRIT_BAD_CONFIG);
    memset(c.template_id, 'a', sizeof c - offsetof(trit_config, template_id));
    TRIT_CHECK_EQ_I(trit_config_validate(&c, NULL), TRIT_BAD_CONFIG);
}

/* A header is enough to know the model, and nothing behind it is looked at. */
static void test_plan(const buffer *file, const trit_model *model)
{
    trit_loader *loader = NULL;
    trit_model *none = NULL;
    size_t header = 8 + (size_t)file->bytes[0] + ((size_t)file->bytes[1] << 8), planned, loaded;
    trit_session_params params = {.n_ctx = 8, .n_slice = 4, .kv = TRIT_KV_F16};
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_plan_only(loader, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, file->bytes, header - 1, NULL), TRIT_OK);
    TRIT_CHECK(trit_loader_model(loader) == NULL && trit_loader_bytes(loader) == 0);
    TRIT_CHECK_EQ_I(trit_loader_plan_only(loader, NULL), TRIT_STATE);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, file->bytes + header - 1, 1, NULL), TRIT_OK);
    const trit_model *plan = trit_loader_model(loader);
    TRIT_CHECK(plan != NULL && trit_loader_bytes(loader) > 0);
    TRIT_CHECK(trit_model_bytes(plan) == trit_model_bytes(model));
    TRIT_CHECK(strcmp(trit_model_card(plan), CARD) == 0);
    TRIT_CHECK_EQ_I(trit_session_bytes(plan, &params, &planned, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_session_bytes(model, &params, &loaded, NULL), TRIT_OK);
    TRIT_CHECK(planned == loaded);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, (const uint8_t *)"no data of this", 15, NULL),
                    TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_finish(loader, &none, NULL), TRIT_STATE);
    trit_loader_free(loader);
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

    test_plan(&file, model);
    test_order(&file);
    test_sides();
    test_threads();
    test_config(*trit_model_config(model));
    again = NULL;
    for (size_t n = 0; n < file.n; n += n < 6000 ? 1 : 97)
        TRIT_CHECK_EQ_I(load(file.bytes, n, file.n, &again, &err), TRIT_TRUNCATED);
    append(&file, (const uint8_t *)"", 1);
    TRIT_CHECK_EQ_I(load(file.bytes, file.n, 4096, &again, &err), TRIT_TRAILING_BYTES);
    TRIT_CHECK(again == NULL);

    int writes = 0;
    TRIT_CHECK_EQ_I(trit_model_write(model, NULL, refuse, &writes, NULL), TRIT_ABORTED);
    TRIT_CHECK_EQ_I(trit_model_write(model, "[1]", append, &file, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_model_write(model, "{", append, &file, NULL), TRIT_BAD_JSON);
    free(file.bytes);
    trit_model_free(model);
    return TRIT_DONE();
}
