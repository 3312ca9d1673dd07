/* A packed file in any split is the same model; cut, lengthened or damaged it is a named error. */
#include "check.h"
#include "trit.h"

typedef struct {
    uint8_t *bytes;
    size_t n, capacity;
} buffer;

static int append(void *ctx, const uint8_t *bytes, size_t n)
{
    buffer *b = ctx;
    if (b->n + n > b->capacity) b->bytes = realloc(b->bytes, b->capacity = 2 * (b->n + n));
    memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
    return 0;
}

static int refuse(void *ctx, const uint8_t *bytes, size_t n)
{
    (void)bytes, (void)n;
    return --*(int *)ctx < 0;
}

static trit_status load(const uint8_t *bytes, size_t n, size_t step, trit_model **model,
                        trit_error *err)
{
    trit_loader *loader = NULL;
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, err), TRIT_OK);
    trit_status status = TRIT_OK;
    for (size_t at = 0; at < n && status == TRIT_OK; at += step)
        status = trit_loader_push(loader, bytes + at, n - at < step ? n - at : step, err);
    if (status == TRIT_OK) status = trit_loader_finish(loader, model, err);
    else TRIT_CHECK_EQ_I(trit_loader_push(loader, bytes, 1, NULL), TRIT_STATE);
    trit_loader_free(loader);
    return status;
}

static buffer write_model(const trit_model *model)
{
    buffer file = {0};
    TRIT_CHECK_EQ_I(trit_model_write(model, "{\"name\":\"a \\\"test\\\"\"}", append, &file, NULL),
                    TRIT_OK);
    return file;
}

int main(void)
{
    trit_config c;
    trit_model *model = NULL, *again = NULL;
    trit_error err;
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &c, NULL), TRIT_OK);
    c.n_layer = 1, c.n_vocab = 300, c.dim = 32, c.ffn_dim = 36, c.n_head = 2, c.n_head_kv = 1,
    c.head_dim = 8, c.tied_head = 0;
    TRIT_CHECK_EQ_I(trit_model_synthetic(&c, 1, &model, NULL), TRIT_OK);
    buffer file = write_model(model);

    static const size_t steps[] = {1, 7, 64, 4096, 1 << 20};
    for (size_t i = 0; i < 5; i++) {
        TRIT_CHECK_EQ_I(load(file.bytes, file.n, steps[i], &again, &err), TRIT_OK);
        buffer copy = write_model(again);
        TRIT_CHECK(copy.n == file.n && memcmp(copy.bytes, file.bytes, file.n) == 0);
        TRIT_CHECK(strcmp(trit_model_card(again), "{\"name\":\"a \\\"test\\\"\"}") == 0);
        free(copy.bytes);
        trit_model_free(again);
    }

    again = NULL;
    for (size_t n = 0; n < file.n; n += n < 6000 ? 1 : 97)
        TRIT_CHECK_EQ_I(load(file.bytes, n, file.n, &again, &err), TRIT_TRUNCATED);
    append(&file, (const uint8_t *)"", 1);
    TRIT_CHECK_EQ_I(load(file.bytes, file.n, 4096, &again, &err), TRIT_TRAILING_BYTES);
    TRIT_CHECK(again == NULL);
    file.n--;

    /* Every byte turned over: an error with a name, or a model that writes other bytes. */
    size_t n_errors = 0;
    for (size_t at = 0; at < file.n; at++) {
        file.bytes[at] ^= 0xff;
        trit_status status = load(file.bytes, file.n, 4096, &again, &err);
        if (status == TRIT_OK) {
            file.bytes[at] ^= 0xff;
            buffer copy = write_model(again);
            TRIT_CHECK(copy.n != file.n || memcmp(copy.bytes, file.bytes, file.n) != 0);
            free(copy.bytes);
            trit_model_free(again);
            again = NULL;
            continue;
        }
        n_errors++;
        TRIT_CHECK(status < 0 && strcmp(trit_status_name(status), "UNKNOWN") != 0 &&
                   err.message[0]);
        file.bytes[at] ^= 0xff;
    }
    printf("%zu of %zu turned bytes were refused\n", n_errors, file.n);
    TRIT_CHECK(n_errors > 1000);

    int writes = 3;
    TRIT_CHECK_EQ_I(trit_model_write(model, NULL, refuse, &writes, NULL), TRIT_ABORTED);
    TRIT_CHECK_EQ_I(trit_model_write(model, "[1]", append, &file, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_model_write(model, "{", append, &file, NULL), TRIT_BAD_JSON);
    free(file.bytes);
    trit_model_free(model);
    return TRIT_DONE();
}
