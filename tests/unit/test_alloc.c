/* malloc is wrapped: a step and a prefill allocate nothing, and the failure of the n-th allocation,
 * for every n, is a status and leaks nothing (the leak check is the sanitizer's). */
#include "gguf_bytes.h"
#include "grammar_model.h"

static long n_calls, fail_at = -1;

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);

static int fails(void) { return n_calls++ == fail_at; }

void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t count, size_t n) { return fails() ? NULL : __real_calloc(count, n); }
void *__wrap_realloc(void *p, size_t n) { return fails() ? NULL : __real_realloc(p, n); }
void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, n);
}

static uint8_t file[1 << 20];
static size_t n_file;

static int keep(void *ctx, const uint8_t *bytes, size_t n)
{
    (void)ctx;
    memcpy(file + n_file, bytes, n);
    n_file += n;
    return 0;
}

static trit_status write_file(const trit_config *c)
{
    trit_model *model = NULL;
    trit_status status =
        trit_model_synthetic(c, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model, NULL);
    n_file = 0;
    if (status == TRIT_OK) status = trit_model_write(model, NULL, keep, NULL, NULL);
    trit_model_free(model);
    return status;
}

static int drop(void *ctx, const uint8_t *bytes, size_t n)
{
    (void)ctx, (void)bytes, (void)n;
    return 0;
}

static long fail_exports(const trit_config *c)
{
    long n = 0;
    trit_model *model = NULL;
    trit_synthetic how = {.seed = 1, .zeros = 0.33f};
    TRIT_CHECK_EQ_I(trit_model_synthetic(c, &how, NULL, &model, NULL), TRIT_OK);
    for (trit_status status = TRIT_OOM; status != TRIT_OK; n++) {
        n_calls = 0, fail_at = n;
        status = trit_model_export(model, TRIT_EXPORT_SAFETENSORS, drop, NULL, NULL);
        if (status != TRIT_OK) TRIT_CHECK_EQ_I(status, TRIT_OOM);
    }
    fail_at = -1;
    trit_model_free(model);
    return n;
}

/* Everything that a conversation does. *hot counts what prefill and steps allocated. */
static trit_status converse(const trit_model *model, long *hot)
{
    trit_session *s = NULL;
    trit_sampler *sampler = NULL;
    int32_t ids[64], id = 0;
    size_t n = 0;
    trit_session_params p = {.n_ctx = 64, .n_slice = 8, .kv = TRIT_KV_INT8};
    trit_sampler_params sp = trit_sampler_defaults();
    trit_status status = trit_tokenize(model, "the other thing", 15, 0, ids, 64, &n, NULL);
    if (status == TRIT_OK) status = trit_session_new(model, &p, &s, NULL);
    if (status == TRIT_OK) status = trit_sampler_new(model, &sp, &sampler, NULL);
    if (status == TRIT_OK) status = trit_session_sync(s, ids, n, NULL, NULL);
    long before = n_calls;
    if (status == TRIT_OK) status = trit_session_run(s, NULL, NULL, 0, NULL);
    for (int i = 0; i < 8 && status == TRIT_OK; i++) {
        status = trit_sampler_draw(sampler, trit_session_logits(s), ids, n, &id, NULL);
        if (status == TRIT_OK) status = trit_session_append(s, id, NULL);
        if (status == TRIT_OK) status = trit_session_run(s, NULL, NULL, 0, NULL);
    }
    *hot += n_calls - before;
    if (status == TRIT_OK) status = trit_session_save(s, drop, NULL, NULL);
    trit_sampler_free(sampler);
    trit_session_free(s);
    return status;
}

static trit_status load_and_converse(long *hot)
{
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    trit_status status = trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL);
    if (status == TRIT_OK) status = trit_loader_push(loader, file, n_file, NULL);
    if (status == TRIT_OK) status = trit_loader_finish(loader, &model, NULL);
    trit_loader_free(loader);
    if (status == TRIT_OK) status = converse(model, hot);
    trit_model_free(model);
    return status;
}

static long fail_loads_of_gguf(void)
{
    size_t data;
    long hot = 0, n = 0;
    buffer gguf = small_gguf(&data);
    TRIT_CHECK(gguf.n <= sizeof file);
    memcpy(file, gguf.bytes, n_file = gguf.n);
    free(gguf.bytes);
    for (trit_status status = TRIT_OOM; status != TRIT_OK; n++) {
        n_calls = 0, fail_at = n;
        status = load_and_converse(&hot);
        if (status != TRIT_OK) TRIT_CHECK_EQ_I(status, TRIT_OOM);
    }
    fail_at = -1;
    TRIT_CHECK_EQ_I(hot, 0);
    return n;
}

/* Makes a grammar and follows it to its end, the sorting of the vocabulary included. */
static trit_status follow_grammar(trit_model *model, bool is_schema, const char *text,
                                  const char *answer)
{
    trit_grammar *g = NULL;
    float logits[N_GRAMMAR_VOCAB];
    tritx_vocabulary_free(&model->vocabulary);
    trit_status status = is_schema ? trit_grammar_schema(model, text, strlen(text), &g, NULL)
                                   : trit_grammar_new(model, text, strlen(text), &g, NULL);
    for (; *answer && status == TRIT_OK; answer++) {
        status = trit_grammar_mask(g, logits, NULL);
        if (status == TRIT_OK) status = trit_grammar_take(g, (uint8_t)*answer, NULL);
    }
    if (status == TRIT_OK) TRIT_CHECK(trit_grammar_ended(g));
    trit_grammar_free(g);
    return status;
}

static long fail_grammars(bool is_schema, const char *text, const char *answer)
{
    long n = 0;
    trit_model *model = grammar_model();
    for (trit_status status = TRIT_OOM; status != TRIT_OK; n++) {
        n_calls = 0, fail_at = n;
        status = follow_grammar(model, is_schema, text, answer);
        if (status != TRIT_OK) TRIT_CHECK_EQ_I(status, TRIT_OOM);
    }
    fail_at = -1;
    trit_model_free(model);
    return n;
}

int main(void)
{
    trit_config c;
    long hot = 0, n = 0;
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &c, NULL), TRIT_OK);
    c.n_layer = 1, c.n_vocab = 300, c.dim = 32, c.ffn_dim = 36, c.n_head = 2, c.n_head_kv = 1,
    c.head_dim = 8;
    TRIT_CHECK_EQ_I(write_file(&c), TRIT_OK);
    TRIT_CHECK_EQ_I(load_and_converse(&hot), TRIT_OK);
    TRIT_CHECK_EQ_I(hot, 0);
    for (trit_status status = TRIT_OOM; status != TRIT_OK; n++) {
        n_calls = 0, fail_at = n;
        status = write_file(&c);
        if (status != TRIT_OK) TRIT_CHECK_EQ_I(status, TRIT_OOM);
    }
    fail_at = -1;
    TRIT_CHECK_EQ_I(write_file(&c), TRIT_OK);
    long n_write = n;
    n = 0;
    for (trit_status status = TRIT_OOM; status != TRIT_OK; n++) {
        n_calls = 0, fail_at = n;
        status = load_and_converse(&hot);
        if (status != TRIT_OK) TRIT_CHECK_EQ_I(status, TRIT_OOM);
    }
    fail_at = -1;
    long n_load = n, n_gguf = fail_loads_of_gguf();
    long n_export = fail_exports(&c);
    long n_schema = fail_grammars(true,
                                  "{\"properties\":{\"a\":{\"enum\":[\"x\",7]},\"ab\":"
                                  "{\"type\":\"string\",\"maxLength\":300}},"
                                  "\"additionalProperties\":{\"minimum\":-3,\"type\":"
                                  "\"integer\"},\"required\":[\"ab\"]}",
                                  "{\"a\":7,\"ab\":\"\\u00e9\",\"b\":-2}");
    long n_grammar =
        fail_grammars(false, "root ::= \"a\"? [^b]{2,40} \"b\" | \"(\" root \")\"", "((axxb))");
    printf("failed each of %ld allocations of writing, %ld of loading, %ld of loading GGUF, %ld of "
           "exporting, %ld of a schema, %ld of a grammar\n",
           n_write - 1, n_load - 1, n_gguf - 1, n_export - 1, n_schema - 1, n_grammar - 1);
    TRIT_CHECK(n_write > 5 && n_load > 15 && n_gguf > 15 && n_export > 3 && n_schema > 30 &&
               n_grammar > 30);
    return TRIT_DONE();
}
