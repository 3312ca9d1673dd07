/* Tensors as Hugging Face packs them (class AutoBitLinear): names of tritx_name_write_hf. */
#include "config.h"
#include "exporter.h"

#include "pack.h"
#include "token_map.h"
#include "unicode.h"

/* ---- what a folder cannot hold ---- */

static trit_status refuse(trit_error *err, const char *what)
{
    return tritx_fail(err, TRIT_UNSUPPORTED, 0, "safetensors cannot hold this model: %s", what);
}

/* The texts of special tokens stand in JSON as they are. */
static bool is_text(const uint8_t *bytes, size_t n)
{
    uint32_t point;
    for (size_t at = 0, length; at < n; at += length) {
        length = tritx_utf8_decode(bytes + at, n - at, &point);
        if (length == 0 || point == 0) return false;
    }
    return true;
}

static trit_status holds_tokenizer(const tritx_exporter *e, trit_error *err)
{
    const trit_config *c = &e->model->config;
    const tritx_tokenizer_tables *t = tritx_tokenizer_get(e->model->tokenizer);
    size_t n = 0;
    for (int32_t id = 0; id < t->n_vocab; id++) {
        const uint8_t *bytes = tritx_token(t, (uint32_t)id, &n);
        bool spelled =
            t->token_kinds[id] == TRITX_TOKEN_BYTE ||
            (t->token_kinds[id] == TRITX_TOKEN_NORMAL && !(t->flags & TRITX_SENTENCEPIECE));
        if (!spelled && !is_text(bytes, n)) return refuse(err, "the text of a token is not UTF-8");
    }
    if (c->add_bos) (void)tritx_token(t, (uint32_t)c->bos_id, &n);
    if (c->add_bos && (t->token_kinds[c->bos_id] != TRITX_TOKEN_SPECIAL || n == 0))
        return refuse(err, "its first token is no special one");
    if (!tritx_export_template(e)) return refuse(err, "the text of its chat template is not known");
    return TRIT_OK;
}

trit_status tritx_safetensors_holds(const tritx_exporter *e, trit_error *err)
{
    const trit_config *c = &e->model->config;
    if (c->site[TRIT_SITE_O].norm != c->site[TRIT_SITE_DOWN].norm)
        return refuse(err, "it has only one of the two sub-norms");
    for (size_t i = 0; i < e->n_weights; i++)
        if (e->weights[i].matrix && !(*e->weights[i].matrix->scale > 0))
            return refuse(err, "a scale is 0");
    return holds_tokenizer(e, err);
}

/* ---- the file ---- */

static size_t quarter(const tritx_ternary *m) { return ((size_t)m->rows + 3) / 4; }

static void describe(tritx_out *out, tritx_slot slot, int layer, const char *dtype, size_t rows,
                     size_t cols, uint64_t *end, uint64_t n_bytes)
{
    char name[96];
    tritx_name_write_hf(slot, layer, name, sizeof name);
    tritx_out_format(out, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%zu", name, dtype, rows);
    if (cols) tritx_out_format(out, ",%zu", cols);
    tritx_out_format(out, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)*end,
                     (unsigned long long)(*end + n_bytes));
    *end += n_bytes;
}

static void describe_weight(tritx_out *out, const tritx_weight *t, uint64_t *end)
{
    if (t->floats) {
        describe(out, t->slot, t->layer, "F32", t->n, 0, end, t->n * sizeof(float));
    } else if (t->rows) {
        size_t rows = (size_t)t->rows->rows, cols = (size_t)t->rows->cols;
        bool f16 = t->rows->f16 != NULL;
        describe(out, t->slot, t->layer, f16 ? "F16" : "F32", rows, cols, end,
                 (uint64_t)rows * cols * (f16 ? 2u : 4u));
    } else {
        size_t rows = quarter(t->matrix), cols = (size_t)t->matrix->cols;
        describe(out, t->slot, t->layer, "U8", rows, cols, end, (uint64_t)rows * cols);
        describe(out, (tritx_slot)(t->slot + 1), t->layer, "F32", 1, 0, end, sizeof(float));
    }
}

static void write_header(const tritx_exporter *e, tritx_out *out)
{
    const char *card = e->model->card;
    uint64_t end = 0;
    tritx_out_format(out, "{\"__metadata__\":{\"format\":\"pt\"");
    if (*card && strcmp(card, "{}") != 0) {
        tritx_out_format(out, ",\"%s\":", TRITX_CARD_KEY);
        tritx_out_json(out, card, strlen(card));
    }
    tritx_out_format(out, "}");
    for (size_t i = 0; i < e->n_weights; i++) describe_weight(out, &e->weights[i], &end);
    tritx_out_format(out, "}");
}

/* A byte holds the codes of one column in the four quarters of the rows. */
static void write_matrix(tritx_exporter *e, const tritx_ternary *m)
{
    size_t n = quarter(m), cols = (size_t)m->cols;
    for (size_t r = 0; r < n && e->out.status == TRIT_OK; r++) {
        memset(e->bytes, 0, cols);
        for (size_t i = 0; i < 4 && i * n + r < (size_t)m->rows; i++) {
            tritx_weight_codes(e, m, i * n + r, e->codes);
            tritx_put_quarters_row(e->bytes, e->codes, cols, i);
        }
        tritx_out_bytes(&e->out, e->bytes, cols);
    }
    tritx_out_f32(&e->out, *m->scale);
}

void tritx_write_safetensors(tritx_exporter *e)
{
    tritx_out count = {0};
    write_header(e, &count);
    size_t n = (size_t)count.n_bytes, padded = tritx_round_up(8 + n, 64) - 8;
    tritx_out_u64(&e->out, padded);
    write_header(e, &e->out);
    for (; n < padded; n++) tritx_out_bytes(&e->out, " ", 1);
    for (size_t i = 0; i < e->n_weights && e->out.status == TRIT_OK; i++) {
        const tritx_weight *t = &e->weights[i];
        if (t->floats) tritx_out_bytes(&e->out, t->floats, t->n * sizeof(float));
        if (t->matrix) write_matrix(e, t->matrix);
        for (size_t r = 0; t->rows && r < (size_t)t->rows->rows; r++)
            tritx_out_bytes(&e->out, e->bytes, tritx_weight_row(e, t->rows, r));
    }
}
