/* The packed file of a model (models/FORMAT.md), as bytes that can be read from any place. One walk over the
 * tensors writes the header and notes where each tensor will stand. */
#include <stdlib.h>

#include "config.h"
#include "pack.h"
#include "packfile.h"

typedef tritx_packed_tensor tensor;

/* cols 0 = a vector. */
static void add(trit_packer *w, tritx_slot slot, int layer, const char *dtype, size_t rows,
                size_t cols, tensor t)
{
    char name[64], shape[48];
    t.slot = slot;
    t.layer = layer;
    t.n_rows = rows;
    t.begin = w->n_data;
    tritx_name_write(slot, layer, name, sizeof name);
    tritx_format(shape, sizeof shape, cols ? "%zu,%zu" : "%zu", rows, cols);
    w->n_header += tritx_format(
        w->header + w->n_header, w->header_capacity - w->n_header,
        ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%llu,%llu]}", name, dtype,
        shape, (unsigned long long)t.begin, (unsigned long long)(t.begin + t.n_bytes));
    w->n_data += t.n_bytes;
    w->tensors[w->n_tensors++] = t;
}

static void add_array(trit_packer *w, tritx_slot slot, int layer, const char *dtype, size_t size,
                      size_t rows, size_t cols, const void *data)
{
    add(w, slot, layer, dtype, rows, cols,
        (tensor){.n_bytes = rows * (cols ? cols : 1) * size, .data = data});
}

static void add_tokenizer(trit_packer *w, tritx_slot slot)
{
    const tritx_tokenizer_tables *t = w->tokenizer;
    switch (slot) {
    case TRIT_SLOT_TOKENIZER_ENDS:
        add_array(w, slot, 0, "I32", 4, (size_t)t->n_vocab, 0, t->token_ends);
        break;
    case TRIT_SLOT_TOKENIZER_BYTES:
        add_array(w, slot, 0, "U8", 1, t->n_token_bytes, 0, t->token_bytes);
        break;
    case TRIT_SLOT_TOKENIZER_SPECIAL:
        add_array(w, slot, 0, "U8", 1, (size_t)t->n_vocab, 0, t->token_kinds);
        break;
    case TRIT_SLOT_TOKENIZER_MERGES:
        add_array(w, slot, 0, "I32", 4, t->n_merges, 3, t->merges);
        break;
    default: add_array(w, slot, 0, "U8", 1, 1, 0, &t->flags);
    }
}

static void add_matrix(trit_packer *w, tritx_slot slot, int layer, const tritx_ternary *m)
{
    size_t rows = (size_t)m->rows, row_bytes = trit_wire_bytes((size_t)m->cols);
    add(w, slot, layer, "U8", rows, row_bytes,
        (tensor){.n_bytes = rows * row_bytes, .row_bytes = row_bytes, .matrix = m});
}

static void add_rows(trit_packer *w, tritx_slot slot, const tritx_rows *r)
{
    size_t rows = (size_t)r->rows, cols = (size_t)r->cols;
    if (r->f16) add_array(w, slot, 0, "F16", 2, rows, cols, r->f16);
    else
        add(w, slot, 0, "I8", rows, cols,
            (tensor){.n_bytes = rows * cols, .row_bytes = cols, .i8 = r});
}

static void add_slot(trit_packer *w, tritx_slot slot, int layer)
{
    size_t n;
    trit_model *m = w->model;
    if (slot <= TRIT_SLOT_TOKENIZER_FLAGS) {
        add_tokenizer(w, slot);
        return;
    }
    const tritx_ternary *t = tritx_slot_in_layer(slot) ? tritx_model_ternary(m, slot, layer) : NULL;
    const tritx_rows *r = tritx_model_rows(m, slot);
    if (t) add_matrix(w, slot, layer, t);
    else if (r) add_rows(w, slot, r);
    else if (slot == TRIT_SLOT_EMBED_SUM || slot == TRIT_SLOT_HEAD_SUM) {
        r = slot == TRIT_SLOT_EMBED_SUM ? &m->embed : &m->head;
        if (r->sum) add_array(w, slot, 0, "I32", 4, (size_t)r->rows, 0, r->sum);
    } else {
        const float *floats = tritx_model_floats(m, slot, layer, &n);
        if (floats) add_array(w, slot, layer, "F32", 4, n, 0, floats);
    }
}

static void add_all(trit_packer *w)
{
    for (int s = 0; s < TRIT_SLOT_LAYER_FIRST; s++) add_slot(w, (tritx_slot)s, 0);
    for (int i = 0; i < w->model->config.n_layer; i++)
        for (int s = TRIT_SLOT_LAYER_FIRST; s <= TRIT_SLOT_LAYER_LAST; s++)
            add_slot(w, (tritx_slot)s, i);
    for (int s = TRIT_SLOT_LAYER_LAST + 1; s < TRIT_SLOT_COUNT; s++) add_slot(w, (tritx_slot)s, 0);
}

/* `text` as the inside of a JSON string; its own JSON has been parsed, so control characters are
 * only white space. Returns false when it does not fit. */
static bool append_escaped(trit_packer *w, const char *text)
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
static bool append_template(trit_packer *w)
{
    if (!w->chat_template) return true;
    char *json =
        cJSON_PrintUnformatted(&(cJSON){.type = cJSON_String, .valuestring = w->chat_template});
    bool fine = json && append_escaped(w, ",\"chat_template\":") && append_escaped(w, json);
    free(json);
    return fine;
}

static trit_status write_header(trit_packer *w, const char *card, trit_error *err)
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
        return tritx_fail(err, TRIT_PARAM, 0, "the card is too long: 64 KiB at most");
    w->n_header += tritx_format(w->header + w->n_header, w->header_capacity - w->n_header, "\"}");
    add_all(w);
    if (w->n_header + 72 > w->header_capacity)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0, "the model has too many tensors for a header");
    w->header[w->n_header++] = '}';
    while (w->n_header % 64) w->header[w->n_header++] = ' ';
    tritx_store_u32((uint8_t *)w->header, (uint32_t)(w->n_header - 8));
    tritx_store_u32((uint8_t *)w->header + 4, 0);
    return TRIT_OK;
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

trit_status tritx_packer_begin(const trit_model *model, const tritx_tokenizer_tables *tokenizer,
                               char *chat_template, const char *card, trit_packer **packer,
                               uint64_t *n_bytes, trit_error *err)
{
    if (!card) card = *model->card ? model->card : "{}";
    TRIT_TRY(check_card(card, err));
    size_t widest = tritx_config_widest(&model->config);
    trit_packer *w = calloc(1, sizeof *w);
    if (!w) return tritx_fail(err, TRIT_OOM, 0, "no memory to pack");
    /* it reads through non-const accessors and changes nothing */
    w->model = (trit_model *)(uintptr_t)model;
    w->tokenizer = tokenizer;
    w->chat_template = chat_template;
    w->header_capacity = TRIT_MAX_HEADER;
    w->header = malloc(w->header_capacity);
    w->tensors = malloc(((size_t)model->config.n_layer + 1) * TRIT_SLOT_COUNT * sizeof *w->tensors);
    w->row = malloc(widest);
    w->codes = malloc(TRIT_T2_ROWS * trit_t2_cols(widest));
    trit_status status = w->header && w->tensors && w->row && w->codes
                             ? write_header(w, card, err)
                             : tritx_fail(err, TRIT_OOM, 0, "no memory to pack");
    if (status != TRIT_OK) {
        trit_packer_free(w);
        return status;
    }
    *packer = w;
    *n_bytes = w->n_header + w->n_data;
    return TRIT_OK;
}

trit_status trit_packer_new(const trit_model *model, const char *card, trit_packer **packer,
                            uint64_t *n_bytes, trit_error *err)
{
    if (!model || !packer || !n_bytes) return tritx_fail(err, TRIT_PARAM, 0, "pack: NULL argument");
    if (!model->tokenizer)
        return tritx_fail(err, TRIT_STATE, 0, "a model without a tokenizer cannot be packed");
    return tritx_packer_begin(model, tritx_tokenizer_get(model->tokenizer), model->chat_template,
                              card, packer, n_bytes, err);
}

void trit_packer_free(trit_packer *w)
{
    if (!w) return;
    free(w->header);
    free(w->tensors);
    free(w->row);
    free(w->codes);
    free(w);
}

/* Codes of row `row` of a matrix, which its whole group is unpacked for. */
static const uint8_t *codes_of_row(trit_packer *w, const tensor *t, size_t row)
{
    size_t rows = (size_t)t->matrix->rows, cols = (size_t)t->matrix->cols;
    size_t in_group = row % TRIT_T2_ROWS, first = row - in_group;
    if (w->matrix != t || w->first_row != first)
        trit_t2_get(w->model->kernels.layout, t->matrix->codes, w->codes, first, rows, cols);
    w->matrix = t;
    w->first_row = first;
    return w->codes + in_group * trit_t2_cols(cols);
}

/* Row `row` of the tensor, in the packer's scratch memory. */
static const uint8_t *encode_row(trit_packer *w, const tensor *t, size_t row)
{
    if (t->i8) tritx_i8_get_row(t->i8->i8, row, (int8_t *)w->row, t->row_bytes);
    else tritx_wire_encode(w->row, codes_of_row(w, t, row), (size_t)t->matrix->cols);
    return w->row;
}

/* n bytes of the tensor from `at` on. */
static void read_tensor(trit_packer *w, const tensor *t, size_t at, uint8_t *out, size_t n)
{
    if (t->data) {
        memcpy(out, (const uint8_t *)t->data + at, n);
        return;
    }
    while (n) {
        size_t in_row = at % t->row_bytes, left = t->row_bytes - in_row, part = n < left ? n : left;
        memcpy(out, encode_row(w, t, at / t->row_bytes) + in_row, part);
        at += part;
        out += part;
        n -= part;
    }
}

trit_status trit_packer_read(trit_packer *w, uint64_t offset, uint8_t *out, size_t n,
                             trit_error *err)
{
    if (!w || !out || offset > w->n_header + w->n_data || n > w->n_header + w->n_data - offset)
        return tritx_fail(err, TRIT_PARAM, 0, "the packed file does not reach that far");
    w->matrix = NULL; /* which may have been loaded since */
    if (n && offset < w->n_header) {
        size_t left = w->n_header - (size_t)offset, part = n < left ? n : left;
        memcpy(out, w->header + offset, part);
        offset += part;
        out += part;
        n -= part;
    }
    for (size_t i = 0; n && i < w->n_tensors; i++) {
        const tensor *t = &w->tensors[i];
        uint64_t at = offset - w->n_header - t->begin;
        if (offset - w->n_header < t->begin || at >= t->n_bytes) continue;
        size_t left = t->n_bytes - (size_t)at, part = n < left ? n : left;
        read_tensor(w, t, (size_t)at, out, part);
        offset += part;
        out += part;
        n -= part;
    }
    return TRIT_OK;
}

trit_status trit_model_write(const trit_model *model, const char *card, trit_sink *sink, void *ctx,
                             trit_error *err)
{
    enum { PIECE = 1 << 18 };
    trit_packer *packer = NULL;
    uint64_t n_bytes = 0;
    if (!sink) return tritx_fail(err, TRIT_PARAM, 0, "write: NULL argument");
    uint8_t *piece = malloc(PIECE);
    trit_status status = piece ? trit_packer_new(model, card, &packer, &n_bytes, err)
                               : tritx_fail(err, TRIT_OOM, 0, "no memory to write");
    for (uint64_t at = 0; status == TRIT_OK && at < n_bytes;) {
        size_t n = n_bytes - at < PIECE ? (size_t)(n_bytes - at) : PIECE;
        status = trit_packer_read(packer, at, piece, n, err);
        if (status == TRIT_OK && sink(ctx, piece, n) != 0)
            status = tritx_fail(err, TRIT_ABORTED, 0, "the receiver of the file stopped");
        at += n;
    }
    trit_packer_free(packer);
    free(piece);
    return status;
}
