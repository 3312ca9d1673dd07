/* Which model is it? Of a trained model every float tells: norms, scales and the sums of the embedding's rows are
 * hashed whole, of the matrices a sample of rows. The same for every container and layout. */
#include <stdlib.h>

#include "config.h"
#include "hash.h"
#include "model.h"

enum { ROWS_A_SAMPLE = 64 };

typedef struct {
    trit_model *model;
    uint64_t hash;
    uint8_t *row; /* [TRIT_COLS_MAX] */
} walk;

static void hash_config(walk *w)
{
    char text[4096];
    trit_config config = w->model->config;
    /* how a conversation is written changes nothing that is computed */
    memset(config.template_id, 0, sizeof config.template_id);
    w->hash = tritx_hash(w->hash, text, tritx_config_write(&config, text, sizeof text));
}

static void hash_tokens(walk *w)
{
    if (!w->model->tokenizer) return;
    const tritx_tokenizer_tables *t = tritx_tokenizer_get(w->model->tokenizer);
    w->hash = tritx_hash(w->hash, t->token_ends, (size_t)t->n_vocab * sizeof *t->token_ends);
    w->hash = tritx_hash(w->hash, t->token_bytes, t->n_token_bytes);
}

static void hash_ternary(walk *w, const tritx_ternary *t)
{
    size_t rows = (size_t)t->rows, cols = (size_t)t->cols;
    for (size_t r = 0; r < rows; r += ROWS_A_SAMPLE) {
        trit_t2_get_row(w->model->kernels.layout, t->codes, r, w->row, rows, cols);
        w->hash = tritx_hash(w->hash, w->row, cols);
    }
}

static void hash_rows(walk *w, const tritx_rows *r)
{
    size_t rows = (size_t)r->rows, cols = (size_t)r->cols;
    if (r->sum) w->hash = tritx_hash(w->hash, r->sum, rows * sizeof *r->sum);
    for (size_t i = 0; r->f16 && i < rows; i += ROWS_A_SAMPLE)
        w->hash = tritx_hash(w->hash, r->f16 + i * cols, cols * sizeof *r->f16);
}

static void hash_slot(walk *w, tritx_slot slot, int layer)
{
    size_t n;
    const tritx_ternary *t =
        tritx_slot_in_layer(slot) ? tritx_model_ternary(w->model, slot, layer) : NULL;
    const tritx_rows *r = tritx_model_rows(w->model, slot);
    const float *floats = tritx_model_floats(w->model, slot, layer, &n);
    if (t) hash_ternary(w, t);
    else if (r) hash_rows(w, r);
    else if (floats) w->hash = tritx_hash(w->hash, floats, n * sizeof *floats);
}

trit_status tritx_model_fingerprint(const trit_model *model, uint64_t *fingerprint, trit_error *err)
{
    /* the walk reads through non-const accessors and changes nothing */
    walk w = {(trit_model *)(uintptr_t)model, TRITX_HASH_BEGIN, malloc(TRIT_COLS_MAX)};
    if (!w.row) return tritx_fail(err, TRIT_OOM, 0, "no memory for a row of the model");
    hash_config(&w);
    hash_tokens(&w);
    hash_slot(&w, TRIT_SLOT_EMBED, 0);
    hash_slot(&w, TRIT_SLOT_EMBED_SCALE, 0);
    for (int i = 0; i < model->config.n_layer; i++)
        for (int s = TRIT_SLOT_LAYER_FIRST; s <= TRIT_SLOT_LAYER_LAST; s++)
            hash_slot(&w, (tritx_slot)s, i);
    for (int s = TRIT_SLOT_LAYER_LAST + 1; s < TRIT_SLOT_COUNT; s++)
        hash_slot(&w, (tritx_slot)s, 0);
    free(w.row);
    *fingerprint = w.hash;
    return TRIT_OK;
}
