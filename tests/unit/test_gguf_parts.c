/* GGUF in parts: the same model as in one file; parts that are missing, mixed or in another order are
 * refused by name. */
#include "gguf_bytes.h"

typedef struct {
    uint32_t no, count;
    int first, end;
    uint32_t total;
} part;

enum { MAX_PARTS = 4 };

/* Gives the parts to a loader, named "0" and on; *model is untouched on failure. */
static trit_status load_parts(const part *parts, int n, trit_model **model, trit_error *err)
{
    trit_loader *loader = NULL;
    trit_status status = trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, err);
    for (int i = 0; i < n && status == TRIT_OK; i++) {
        const part *p = &parts[i];
        char name[] = {(char)('0' + i), 0};
        buffer file = gguf_part(p->no, p->count, p->first, p->end, p->total);
        status = trit_loader_shard(loader, name, err);
        for (size_t at = 0; at < file.n && status == TRIT_OK; at += 5000)
            status = trit_loader_push(loader, file.bytes + at,
                                      file.n - at < 5000 ? file.n - at : 5000, err);
        free(file.bytes);
    }
    if (status == TRIT_OK) status = trit_loader_finish(loader, model, err);
    trit_loader_free(loader);
    return status;
}

static void test_same_model(void)
{
    static const part cases[][MAX_PARTS] = {
        {{0, 3, 0, 5, G_TENSORS}, {1, 3, 5, 13, G_TENSORS}, {2, 3, 13, G_TENSORS, G_TENSORS}},
        /* no tensors in the first; and the head, which makes it untied, in the last */
        {{0, 3, 0, 0, G_TENSORS}, {1, 3, 2, G_TENSORS, G_TENSORS}, {2, 3, 0, 2, G_TENSORS}},
        {{0, 1, 0, G_TENSORS, G_TENSORS}},
    };
    size_t data_at;
    trit_model *model = NULL;
    buffer file = small_gguf(&data_at);
    TRIT_CHECK_EQ_I(load(file.bytes, file.n, 4096, &model, NULL), TRIT_OK);
    buffer whole = write_model(model, NULL);
    trit_model_free(model);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trit_error err = {0};
        model = NULL;
        TRIT_CHECK_EQ_I(load_parts(cases[i], (int)cases[i]->count, &model, &err), TRIT_OK);
        if (!model) fprintf(stderr, "%s\n", err.message), exit(1);
        buffer other = write_model(model, NULL);
        TRIT_CHECK(same_bytes(&whole, &other));
        free(other.bytes);
        trit_model_free(model);
    }
    free(whole.bytes);
    free(file.bytes);
}

static void test_wrong(void)
{
    static const struct {
        part parts[MAX_PARTS];
        int n;
        trit_status status;
        const char *says;
    } cases[] = {
        {{{0, 2, 0, 5, 14}}, 1, TRIT_MISSING_TENSOR, "part 2 of 2 was not given"},
        {{{1, 2, 5, 14, 14}}, 1, TRIT_BAD_INDEX, "part 2 of 2, where part 1"},
        {{{0, 3, 0, 5, 14}, {2, 3, 5, 14, 14}}, 2, TRIT_BAD_INDEX, "1: GGUF: this is part 3"},
        {{{0, 2, 0, 5, 14}, {0, 2, 0, 5, 14}}, 2, TRIT_BAD_INDEX, "this is part 1 of 2"},
        {{{0, 2, 0, 5, 14}, {1, 3, 5, 14, 14}}, 2, TRIT_BAD_INDEX, "a part of 3"},
        {{{0, 2, 0, 5, 14}, {1, 2, 5, 14, 13}}, 2, TRIT_BAD_INDEX, "different models"},
        {{{0, 2, 0, 5, 14}, {1, 2, 5, 13, 14}}, 2, TRIT_BAD_INDEX, "have 13 tensors"},
        {{{0, 2, 0, 5, 14}, {1, 2, 4, 13, 14}}, 2, TRIT_BAD_HEADER, "twice"},
        {{{0, 2, 0, 5, 14}, {1, 2, 5, 14, 14}, {2, 2, 0, 1, 14}},
         3,
         TRIT_BAD_INDEX,
         "only 2 parts"},
        {{{0, 1, 0, 14, 14}, {1, 2, 5, 14, 14}}, 2, TRIT_STATE, "no part"},
        {{{0, 2, 0, 5, 4}, {1, 2, 5, 14, 4}}, 2, TRIT_BAD_INDEX, "have 5 tensors"},
        {{{0, 2, 0, 5, 9000}}, 1, TRIT_BAD_INDEX, "split.tensors.count"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trit_model *model = NULL;
        trit_error err = {0};
        trit_status status = load_parts(cases[i].parts, cases[i].n, &model, &err);
        TRIT_CHECK_EQ_I(status, cases[i].status);
        TRIT_CHECK(!model && strstr(err.message, cases[i].says));
        if (!strstr(err.message, cases[i].says)) fprintf(stderr, "%s\n", err.message);
        trit_model_free(model);
    }
}

/* What comes as a part, or without being called one. */
static void test_names(void)
{
    trit_loader *loader = NULL;
    trit_error err = {0};
    buffer first = gguf_part(0, 2, 0, 5, G_TENSORS);
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, first.bytes, first.n, &err), TRIT_MISSING_TENSOR);
    TRIT_CHECK(strstr(err.message, "part 1 of 2: give all"));
    trit_loader_free(loader);
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_shard(loader, "", &err), TRIT_PARAM);
    trit_loader_free(loader);
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_shard(loader, "a", &err), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, (const uint8_t *)"\x10\0\0\0\0\0\0\0{}", 10, &err),
                    TRIT_NOT_A_MODEL);
    trit_loader_free(loader);
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_shard(loader, "a", &err), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, first.bytes, first.n - 1000, &err), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_shard(loader, "b", &err), TRIT_TRUNCATED);
    trit_loader_free(loader);
    free(first.bytes);
}

int main(void)
{
    test_same_model();
    test_wrong();
    test_names();
    return TRIT_DONE();
}
