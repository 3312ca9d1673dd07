/* Writer of the packed file (models/FORMAT.md). One walk over the tensors, done twice: first to the
 * header, then to the data, so that the two cannot disagree. */
#include <stdlib.h>

#include "config.h"
#include "kernels.h"
#include "model.h"
#include "out.h"
#include "pack.h"
#include "safetensors.h"

typedef struct {
    trit_model *model;
    tritx_out out;
    char *header; /* being written in the first walk, NULL in the second */
    size_t n_header, header_capacity;
    uint64_t data_end;
    uint8_t *row, *codes; /* scratch of the second walk */
    trit_error *err;
} writer;

static trit_status emit(writer *w, const void *bytes, size_t n_bytes)
{
    tritx_out_bytes(&w->out, bytes, n_bytes);
    return w->out.status;
}

static void describe(writer *w, const char *name, const char *dtype, size_t rows, size_t cols,
                     size_t n_bytes)
{
    char shape[48];
    tritx_format(shape, sizeof shape, cols ? "%zu,%zu" : "%zu", rows, cols);
    w->n_header += tritx_format(
        w->header + w->n_header, w->header_capacity - w->n_header,
        ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%llu,%llu]}", name, dtype,
        shape, (unsigned long long)w->data_end, (unsigned long long)(w->data_end + n_bytes));
    w->data_end += n_bytes;
}

/* cols 0 = a vector. Words are little-endian on every machine this engine runs on. */
static trit_status array(writer *w, tritx_slot slot, int layer, const char *dtype, size_t size,
                         size_t rows, size_t cols, const void *data)
{
    char name[64];
    size_t n_bytes = rows * (cols ? cols : 1) * size;
    if (!w->header) return emit(w, data, n_bytes);
    tritx_name_write(slot, layer, name, sizeof name);
    describe(w, name, dtype, rows, cols, n_bytes);
    return TRIT_OK;
}

static trit_status ternary(writer *w, tritx_slot slot, int layer, const tritx_ternary *t)
{
    char name[64];
    size_t rows = (size_t)t->rows, cols = (size_t)t->cols, row_bytes = trit_wire_bytes(cols);
    if (w->header) {
        tritx_name_write(slot, layer, name, sizeof name);
        describe(w, name, "U8", rows, row_bytes, rows * row_bytes);
        return TRIT_OK;
    }
    for (size_t r = 0; r < rows; r++) {
        trit_t2_get_row(w->model->kernels.layout, t->codes, r, w->codes, rows, cols);
        tritx_wire_encode(w->row, w->codes, cols);
        TRIT_TRY(emit(w, w->row, row_bytes));
    }
    return TRIT_OK;
}

static trit_status int8_rows(writer *w, tritx_slot slot, const tritx_rows *r)
{
    size_t rows = (size_t)r->rows, cols = (size_t)r->cols;
    if (w->header) return array(w, slot, 0, "I8", 1, rows, cols, NULL);
    for (size_t i = 0; i < rows; i++) {
        tritx_i8_get_row(r->i8, i, (int8_t *)w->codes, cols);
        TRIT_TRY(emit(w, w->codes, cols));
    }
    return TRIT_OK;
}

static trit_status tokenizer_tensor(writer *w, tritx_slot slot)
{
    const tritx_tokenizer_tables *t = tritx_tokenizer_get(w->model->tokenizer);
    switch (slot) {
    case TRIT_SLOT_TOKENIZER_ENDS:
        return array(w, slot, 0, "I32", 4, (size_t)t->n_vocab, 0, t->token_ends);
    case TRIT_SLOT_TOKENIZER_BYTES:
        return array(w, slot, 0, "U8", 1, t->n_token_bytes, 0, t->token_bytes);
    case TRIT_SLOT_TOKENIZER_SPECIAL:
        return array(w, slot, 0, "U8", 1, (size_t)t->n_vocab, 0, t->token_kinds);
    case TRIT_SLOT_TOKENIZER_MERGES: return array(w, slot, 0, "I32", 4, t->n_merges, 3, t->merges);
    default: return array(w, slot, 0, "U8", 1, 1, 0, &t->flags);
    }
}

static trit_status tensor(writer *w, tritx_slot slot, int layer)
{
    size_t n;
    trit_model *m = w->model;
    if (slot <= TRIT_SLOT_TOKENIZER_FLAGS) return tokenizer_tensor(w, slot);
    const tritx_ternary *t = tritx_slot_in_layer(slot) ? tritx_model_ternary(m, slot, layer) : NULL;
    if (t) return ternary(w, slot, layer, t);
    const tritx_rows *r = tritx_model_rows(m, slot);
    if (r && r->f16) return array(w, slot, 0, "F16", 2, (size_t)r->rows, (size_t)r->cols, r->f16);
    if (r) return int8_rows(w, slot, r);
    if (slot == TRIT_SLOT_EMBED_SUM || slot == TRIT_SLOT_HEAD_SUM) {
        r = slot == TRIT_SLOT_EMBED_SUM ? &m->embed : &m->head;
        return r->sum ? array(w, slot, 0, "I32", 4, (size_t)r->rows, 0, r->sum) : TRIT_OK;
    }
    const float *floats = tritx_model_floats(m, slot, layer, &n);
    return floats ? array(w, slot, layer, "F32", 4, n, 0, floats) : TRIT_OK;
}

static trit_status walk(writer *w)
{
    for (int s = 0; s < TRIT_SLOT_LAYER_FIRST; s++) TRIT_TRY(tensor(w, (tritx_slot)s, 0));
    for (int i = 0; i < w->model->config.n_layer; i++)
        for (int s = TRIT_SLOT_LAYER_FIRST; s <= TRIT_SLOT_LAYER_LAST; s++)
            TRIT_TRY(tensor(w, (tritx_slot)s, i));
    for (int s = TRIT_SLOT_LAYER_LAST + 1; s < TRIT_SLOT_COUNT; s++)
        TRIT_TRY(tensor(w, (tritx_slot)s, 0));
    return TRIT_OK;
}

/* `text` as the inside of a JSON string; its own JSON has been parsed, so control characters are
 * only white space. Returns false when it does not fit. */
static bool append_escaped(writer *w, const char *text)
{
    for (; *text; text++) {
        if (w->n_header + 8 > w->header_capacity) return false;
        if ((unsigned char)*text < 0x20) {
            w->header[w->n_header++] = ' ';
            continue;
        }
        if (*text == '"' || *text == '\\') w->header[w->n_header++] = '\\';
        w->header[w->n_header++] = *text;
    }
    return true;
}

/* The text of a template that nothing but its text can tell. */
static bool append_template(writer *w)
{
    char *text = w->model->chat_template, *json;
    if (!text) return true;
    json = cJSON_PrintUnformatted(&(cJSON){.type = cJSON_String, .valuestring = text});
    bool fine = json && append_escaped(w, ",\"chat_template\":") && append_escaped(w, json);
    free(json);
    return fine;
}

static trit_status write_header(writer *w, const char *card)
{
    char config[4096];
    size_t n = tritx_config_write(&w->model->config, config, sizeof config - 1);
    config[n] = 0;
    w->n_header = 8;
    w->n_header += tritx_format(w->header + w->n_header, w->header_capacity - w->n_header,
                                "{\"__metadata__\":{\"format\":\"trit\",\"trit\":\"");
    if (!append_escaped(w, "{\"version\":1,\"config\":") || !append_escaped(w, config) ||
        !append_template(w) || !append_escaped(w, ",\"card\":") || !append_escaped(w, card) ||
        !append_escaped(w, "}"))
        return tritx_fail(w->err, TRIT_PARAM, 0, "the card is too long: 64 KiB at most");
    w->n_header += tritx_format(w->header + w->n_header, w->header_capacity - w->n_header, "\"}");
    TRIT_TRY(walk(w));
    if (w->n_header + 72 > w->header_capacity)
        return tritx_fail(w->err, TRIT_UNSUPPORTED, 0,
                          "the model has too many tensors for a header");
    w->header[w->n_header++] = '}';
    while (w->n_header % 64) w->header[w->n_header++] = ' ';
    tritx_store_u32((uint8_t *)w->header, (uint32_t)(w->n_header - 8));
    tritx_store_u32((uint8_t *)w->header + 4, 0);
    return emit(w, w->header, w->n_header);
}

static trit_status check_card(const char *card, trit_error *err)
{
    tritx_json json;
    if (strlen(card) > 65536)
        return tritx_fail(err, TRIT_PARAM, 0, "the card is too long: 64 KiB at most");
    TRIT_TRY(tritx_json_parse(card, strlen(card), &json, err));
    bool object = cJSON_IsObject(json.root);
    tritx_json_free(&json);
    return object ? TRIT_OK : tritx_fail(err, TRIT_PARAM, 0, "the card is not a JSON object");
}

trit_status trit_model_write(const trit_model *model, const char *card, trit_sink *sink, void *ctx,
                             trit_error *err)
{
    if (!model || !sink) return tritx_fail(err, TRIT_PARAM, 0, "write: NULL argument");
    if (!model->tokenizer)
        return tritx_fail(err, TRIT_STATE, 0, "a model without a tokenizer cannot be packed");
    if (!card) card = *model->card ? model->card : "{}";
    TRIT_TRY(check_card(card, err));
    size_t widest = tritx_config_widest(&model->config);
    /* the walk reads through non-const accessors and changes nothing */
    writer w = {
        .model = (trit_model *)(uintptr_t)model, .header_capacity = TRIT_MAX_HEADER, .err = err};
    TRIT_TRY(tritx_out_begin(&w.out, sink, ctx, err));
    w.header = malloc(w.header_capacity);
    w.row = malloc(widest);
    w.codes = malloc(widest);
    trit_status status = w.header && w.row && w.codes
                             ? write_header(&w, card)
                             : tritx_fail(err, TRIT_OOM, 0, "no memory to pack");
    free(w.header);
    w.header = NULL;
    if (status == TRIT_OK) status = walk(&w);
    if (status == TRIT_OK) status = tritx_out_flush(&w.out);
    free(w.row);
    free(w.codes);
    tritx_out_end(&w.out);
    return status;
}
