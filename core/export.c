/* A model in the containers of others, from which it can be packed again to the same bytes. */
#include "exporter.h"

#include <stdlib.h>

#include "config.h"
#include "kernels.h"
#include "pack.h"
#include "scalar.h"
#include "template.h"

void tritx_weight_codes(const tritx_exporter *e, const tritx_ternary *m, size_t row, uint8_t *codes)
{
    trit_t2_get_row(e->model->kernels.layout, m->codes, row, codes, (size_t)m->rows,
                    (size_t)m->cols);
}

/* The number whose 127th part is the scale, which packing again divides by: scale * 127 or, as the
 * division rounds too, one of its neighbours. */
static float largest_of(float scale)
{
    float largest = scale * 127.0f;
    if (largest / 127.0f < scale) return tritx_float(tritx_bits(largest) + 1);
    if (largest / 127.0f > scale) return tritx_float(tritx_bits(largest) - 1);
    return largest;
}

size_t tritx_weight_row(const tritx_exporter *e, const tritx_rows *r, size_t row)
{
    size_t cols = (size_t)r->cols;
    if (r->f16) {
        memcpy(e->bytes, r->f16 + row * cols, cols * sizeof *r->f16);
        return cols * sizeof *r->f16;
    }
    float *floats = (float *)(void *)e->bytes, scale = r->scale[row], largest = largest_of(scale);
    int8_t *codes = (int8_t *)e->codes;
    tritx_i8_get_row(r->i8, row, codes, cols);
    for (size_t k = 0; k < cols; k++)
        floats[k] = codes[k] == 127    ? largest
                    : codes[k] == -127 ? -largest
                                       : (float)codes[k] * scale;
    return cols * sizeof *floats;
}

const char *tritx_export_template(const tritx_exporter *e)
{
    const trit_model *m = e->model;
    if (!m->config.template_id[0]) return "";
    return m->chat_template ? m->chat_template : tritx_template_text(m->config.template_id);
}

/* False for a slot of the tokenizer, of what the rows have (scale, sum) and of what is not there. */
static bool find_weight(trit_model *m, tritx_slot slot, int layer, tritx_weight *w)
{
    *w = (tritx_weight){.slot = slot, .layer = layer};
    if (slot <= TRIT_SLOT_TOKENIZER_FLAGS) return false;
    w->rows = tritx_model_rows(m, slot);
    if (w->rows) return true;
    w->matrix = tritx_slot_in_layer(slot) ? tritx_model_ternary(m, slot, layer) : NULL;
    if (w->matrix) return true;
    bool of_rows = slot == TRIT_SLOT_EMBED_SCALE || slot == TRIT_SLOT_HEAD_SCALE;
    w->floats = of_rows ? NULL : tritx_model_floats(m, slot, layer, &w->n);
    return w->floats && w->n > 1;
}

static trit_status list_weights(tritx_exporter *e, trit_error *err)
{
    /* the walk reads through non-const accessors and changes nothing */
    trit_model *m = (trit_model *)(uintptr_t)e->model;
    size_t n_layer = (size_t)m->config.n_layer, capacity = (n_layer + 1) * TRIT_SLOT_COUNT;
    e->weights = malloc(capacity * sizeof *e->weights);
    if (!e->weights) return tritx_fail(err, TRIT_OOM, 0, "no memory to export");
    for (int s = 0; s < TRIT_SLOT_LAYER_FIRST; s++)
        e->n_weights += find_weight(m, (tritx_slot)s, 0, &e->weights[e->n_weights]);
    for (int i = 0; i < m->config.n_layer; i++)
        for (int s = TRIT_SLOT_LAYER_FIRST; s <= TRIT_SLOT_LAYER_LAST; s++)
            e->n_weights += find_weight(m, (tritx_slot)s, i, &e->weights[e->n_weights]);
    for (int s = TRIT_SLOT_LAYER_LAST + 1; s < TRIT_SLOT_COUNT; s++)
        e->n_weights += find_weight(m, (tritx_slot)s, 0, &e->weights[e->n_weights]);
    return TRIT_OK;
}

static bool is_gguf(trit_export what)
{
    return what == TRIT_EXPORT_TQ2_0 || what == TRIT_EXPORT_I2_S;
}

static trit_status prepare(tritx_exporter *e, trit_sink *sink, void *ctx, trit_error *err)
{
    size_t widest = tritx_config_widest(&e->model->config);
    TRIT_TRY(list_weights(e, err));
    TRIT_TRY(is_gguf(e->what) ? tritx_gguf_holds(e, err) : tritx_safetensors_holds(e, err));
    TRIT_TRY(tritx_out_begin(&e->out, sink, ctx, err));
    e->codes = malloc(widest);
    e->bytes = malloc(widest * sizeof(float));
    return e->codes && e->bytes ? TRIT_OK : tritx_fail(err, TRIT_OOM, 0, "no memory to export");
}

static trit_status write_all(tritx_exporter *e)
{
    switch (e->what) {
    case TRIT_EXPORT_TQ2_0:
    case TRIT_EXPORT_I2_S: tritx_write_gguf(e); break;
    case TRIT_EXPORT_SAFETENSORS: tritx_write_safetensors(e); break;
    case TRIT_EXPORT_CONFIG: tritx_write_config_json(e); break;
    case TRIT_EXPORT_TOKENIZER: tritx_write_tokenizer_json(e); break;
    case TRIT_EXPORT_TOKENIZER_CONFIG: tritx_write_tokenizer_config_json(e); break;
    }
    return tritx_out_flush(&e->out);
}

trit_status trit_model_export(const trit_model *model, trit_export what, trit_sink *sink, void *ctx,
                              trit_error *err)
{
    if (!model || !sink || what < TRIT_EXPORT_TQ2_0 || what > TRIT_EXPORT_TOKENIZER_CONFIG)
        return tritx_fail(err, TRIT_PARAM, 0, "export: bad argument");
    if (!model->tokenizer)
        return tritx_fail(err, TRIT_STATE, 0, "a model without a tokenizer cannot be exported");
    tritx_exporter e = {.model = model, .what = what};
    trit_status status = prepare(&e, sink, ctx, err);
    if (status == TRIT_OK) status = write_all(&e);
    tritx_out_end(&e.out);
    free(e.weights);
    free(e.codes);
    free(e.bytes);
    return status;
}
