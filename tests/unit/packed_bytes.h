/* Packed files as bytes in memory: a small model, writing it, loading it in pieces. */
#ifndef TRIT_PACKED_BYTES_H
#define TRIT_PACKED_BYTES_H

#include "check.h"
#include "trit.h"

typedef struct {
    uint8_t *bytes;
    size_t n, capacity;
} buffer;

static inline int append(void *ctx, const uint8_t *bytes, size_t n)
{
    buffer *b = ctx;
    if (n == 0) return 0;
    if (b->n + n > b->capacity) b->bytes = realloc(b->bytes, b->capacity = 2 * (b->n + n));
    memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
    return 0;
}

/* Pushes the file `step` bytes at a time; *model is untouched on failure. */
static inline trit_status load_by(trit_pool *pool, const uint8_t *bytes, size_t n, size_t step,
                                  trit_model **model, trit_error *err)
{
    trit_loader *loader = NULL;
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, err), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_pool(loader, pool, err), TRIT_OK);
    trit_status status = TRIT_OK;
    for (size_t at = 0; at < n && status == TRIT_OK; at += step)
        status = trit_loader_push(loader, bytes + at, n - at < step ? n - at : step, err);
    if (status == TRIT_OK) status = trit_loader_finish(loader, model, err);
    else TRIT_CHECK_EQ_I(trit_loader_push(loader, bytes, 1, NULL), TRIT_STATE);
    trit_loader_free(loader);
    return status;
}

static inline trit_status load(const uint8_t *bytes, size_t n, size_t step, trit_model **model,
                               trit_error *err)
{
    return load_by(NULL, bytes, n, step, model, err);
}

/* `card` NULL: the model's own. */
static inline buffer write_model(const trit_model *model, const char *card)
{
    buffer file = {0};
    TRIT_CHECK_EQ_I(trit_model_write(model, card, append, &file, NULL), TRIT_OK);
    return file;
}

static inline bool same_bytes(const buffer *a, const buffer *b)
{
    return a->n == b->n && memcmp(a->bytes, b->bytes, a->n) == 0;
}

/* Every kind of tensor in few bytes: int8 embedding and head, ternary rows with pads. */
static inline trit_model *small_model(void)
{
    trit_config c;
    trit_model *model = NULL;
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &c, NULL), TRIT_OK);
    c.n_layer = 1, c.n_vocab = 300, c.dim = 32, c.ffn_dim = 36, c.n_head = 2, c.n_head_kv = 1,
    c.head_dim = 8, c.tied_head = 0;
    TRIT_CHECK_EQ_I(
        trit_model_synthetic(&c, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model, NULL),
        TRIT_OK);
    return model;
}

#endif
