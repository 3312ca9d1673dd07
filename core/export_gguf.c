/* A model as a GGUF file, version 3: keys and names of llama.cpp. */
#include "config.h"
#include "exporter.h"

#include "blocks.h"
#include "kernels.h"
#include "scalar.h"
#include "spelling.h"

typedef enum { U32 = 4, F32 = 6, BOOL = 7, STRING = 8, ARRAY = 9, I32 = 5, U64 = 10 } value_type;
enum { TENSOR_F32 = 0, TENSOR_F16 = 1, TENSOR_TQ2_0 = 35, TENSOR_I2_S = 36 };
enum { ALIGNMENT = 32, I2_S_TAIL = 32, MAX_STOP_KEYS = 3 };

typedef struct {
    tritx_exporter *e;
    const trit_config *c;
    tritx_out *out;
    const char *arch;
    tritx_alphabet alphabet;
    size_t n_pairs;
} writer;

static bool has_sub_norms(const trit_config *c)
{
    return c->site[TRIT_SITE_O].norm == TRIT_NORM_RMS;
}

/* bitnet-b1.58 is known to the engine of BitNet's authors, which reads I2_S, bitnet to llama.cpp too. */
static bool is_official(const tritx_exporter *e)
{
    const trit_config *c = &e->model->config;
    return has_sub_norms(c) && e->what == TRIT_EXPORT_I2_S && c->ffn == TRIT_FFN_GLU_RELU2;
}

static const char *arch_of(const tritx_exporter *e)
{
    if (!has_sub_norms(&e->model->config)) return "llama";
    return is_official(e) ? "bitnet-b1.58" : "bitnet";
}

static bool is_f16(float x) { return tritx_f32_of_f16(tritx_f16_of_f32(x)) == x; }

/* ---- what a file cannot hold ---- */

static trit_status refuse(trit_error *err, const char *what)
{
    return tritx_fail(err, TRIT_UNSUPPORTED, 0, "GGUF cannot hold this model: %s", what);
}

static trit_status holds_tokenizer(const tritx_exporter *e, trit_error *err)
{
    const trit_config *c = &e->model->config;
    uint8_t flags = tritx_tokenizer_get(e->model->tokenizer)->flags;
    if (flags & TRITX_SENTENCEPIECE)
        return refuse(err, "it has no place for the order of SentencePiece's merges");
    if (!(flags & TRITX_WHOLE_PIECES))
        return refuse(err, "its tokenizer merges what is a token already");
    if (c->n_stop > MAX_STOP_KEYS) return refuse(err, "it has more than three stop ids");
    if (c->n_stop == 0 && tritx_tokenizer_special(e->model->tokenizer, "<|eot_id|>") >= 0)
        return refuse(err, "it does not stop at its <|eot_id|>");
    if (!tritx_export_template(e)) return refuse(err, "the text of its chat template is not known");
    if (is_official(e) && e->model->chat_template)
        return refuse(err, "bitnet-b1.58 files have no chat template of their own");
    return TRIT_OK;
}

static trit_status holds_matrix(const tritx_exporter *e, const tritx_weight *w, trit_error *err)
{
    char name[64];
    int block = e->what == TRIT_EXPORT_TQ2_0 ? 256 : 128;
    const char *type = e->what == TRIT_EXPORT_TQ2_0 ? "TQ2_0" : "I2_S";
    tritx_name_write_gguf(w->slot, w->layer, name, sizeof name);
    if (w->matrix->cols % block)
        return tritx_fail(
            err, TRIT_UNSUPPORTED, 0,
            "tensor %s: a row of %d is no multiple of the %d of %s: export safetensors", name,
            (int)w->matrix->cols, block, type);
    if (!(*w->matrix->scale > 0))
        return tritx_fail(err, TRIT_UNSUPPORTED, 0, "tensor %s: its scale is 0", name);
    if (e->what == TRIT_EXPORT_TQ2_0 && !has_sub_norms(&e->model->config) &&
        !is_f16(*w->matrix->scale))
        return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                          "tensor %s: its scale is no half-precision number, as TQ2_0 asks for: "
                          "export I2_S or safetensors",
                          name);
    return TRIT_OK;
}

trit_status tritx_gguf_holds(const tritx_exporter *e, trit_error *err)
{
    const trit_config *c = &e->model->config;
    if (c->site[TRIT_SITE_O].norm != c->site[TRIT_SITE_DOWN].norm)
        return refuse(err, "it has only one of the two sub-norms");
    if (!has_sub_norms(c) && c->ffn != TRIT_FFN_GLU_SILU)
        return refuse(err, "it has squared ReLU, but no sub-norms");
    TRIT_TRY(holds_tokenizer(e, err));
    for (size_t i = 0; i < e->n_weights; i++)
        if (e->weights[i].matrix) TRIT_TRY(holds_matrix(e, &e->weights[i], err));
    return TRIT_OK;
}

/* ---- keys ---- */

static void string(writer *w, const char *text)
{
    size_t n = strlen(text);
    tritx_out_u64(w->out, n);
    tritx_out_bytes(w->out, text, n);
}

static void key(writer *w, const char *name, value_type type)
{
    w->n_pairs++;
    string(w, name);
    tritx_out_u32(w->out, type);
}

/* A key of the architecture's. */
static void arch_key(writer *w, const char *name, value_type type)
{
    char full[96];
    tritx_format(full, sizeof full, "%s.%s", w->arch, name);
    key(w, full, type);
}

static void arch_u32(writer *w, const char *name, int32_t value)
{
    arch_key(w, name, U32);
    tritx_out_u32(w->out, (uint32_t)value);
}

static void arch_f32(writer *w, const char *name, float value)
{
    arch_key(w, name, F32);
    tritx_out_f32(w->out, value);
}

static void pair_string(writer *w, const char *name, const char *text)
{
    key(w, name, STRING);
    string(w, text);
}

static void pair_u32(writer *w, const char *name, uint32_t value)
{
    key(w, name, U32);
    tritx_out_u32(w->out, value);
}

static void array(writer *w, const char *name, value_type element, size_t n)
{
    key(w, name, ARRAY);
    tritx_out_u32(w->out, element);
    tritx_out_u64(w->out, n);
}

static size_t spelled_bytes(const writer *w, const uint8_t *bytes, size_t n)
{
    size_t length = n;
    for (size_t i = 0; i < n; i++) length += w->alphabet.points_of[bytes[i]] >= 0x80;
    return length;
}

static void spell(writer *w, const uint8_t *bytes, size_t n)
{
    char text[2];
    for (size_t i = 0; i < n; i++)
        tritx_out_bytes(w->out, text, tritx_spell(&w->alphabet, bytes + i, 1, text));
}

/* Ids that no token has get a text, as readers do not like to see none. */
static void token(writer *w, const tritx_tokenizer_tables *t, uint32_t id)
{
    size_t n;
    const uint8_t *bytes = tritx_token(t, id, &n);
    char pad[24];
    if (t->token_kinds[id] == TRITX_TOKEN_NORMAL) {
        tritx_out_u64(w->out, spelled_bytes(w, bytes, n));
        spell(w, bytes, n);
    } else if (n) {
        tritx_out_u64(w->out, n);
        tritx_out_bytes(w->out, bytes, n);
    } else {
        tritx_format(pad, sizeof pad, "[PAD%u]", (unsigned)id);
        string(w, pad);
    }
}

static void merge(writer *w, const tritx_tokenizer_tables *t, const uint32_t *ids)
{
    size_t n, m;
    const uint8_t *left = tritx_token(t, ids[0], &n), *right = tritx_token(t, ids[1], &m);
    tritx_out_u64(w->out, spelled_bytes(w, left, n) + 1 + spelled_bytes(w, right, m));
    spell(w, left, n);
    tritx_out_bytes(w->out, " ", 1);
    spell(w, right, m);
}

static void tokenizer_pairs(writer *w)
{
    enum { NORMAL = 1, CONTROL = 3, USER_DEFINED, UNUSED };
    static const uint32_t kinds[] = {[TRITX_TOKEN_NORMAL] = NORMAL,
                                     [TRITX_TOKEN_SPECIAL] = CONTROL,
                                     [TRITX_TOKEN_ADDED] = USER_DEFINED};
    const tritx_tokenizer_tables *t = tritx_tokenizer_get(w->e->model->tokenizer);
    uint32_t n_vocab = (uint32_t)t->n_vocab;
    size_t n;
    pair_string(w, "tokenizer.ggml.model", "gpt2");
    pair_string(w, "tokenizer.ggml.pre", "llama-bpe");
    array(w, "tokenizer.ggml.tokens", STRING, n_vocab);
    for (uint32_t id = 0; id < n_vocab; id++) token(w, t, id);
    array(w, "tokenizer.ggml.token_type", I32, n_vocab);
    for (uint32_t id = 0; id < n_vocab; id++) {
        (void)tritx_token(t, id, &n);
        tritx_out_u32(w->out, n ? kinds[t->token_kinds[id]] : UNUSED);
    }
    array(w, "tokenizer.ggml.merges", STRING, t->n_merges);
    for (uint32_t i = 0; i < t->n_merges; i++) merge(w, t, t->merges + 3 * (size_t)i);
}

/* A reader takes <|eot_id|> for the end of a turn where no key says which token that is. */
static void special_pairs(writer *w)
{
    static const char *const keys[MAX_STOP_KEYS] = {"tokenizer.ggml.eos_token_id",
                                                    "tokenizer.ggml.eot_token_id",
                                                    "tokenizer.ggml.eom_token_id"};
    const trit_config *c = w->c;
    if (c->bos_id >= 0) pair_u32(w, "tokenizer.ggml.bos_token_id", (uint32_t)c->bos_id);
    key(w, "tokenizer.ggml.add_bos_token", BOOL);
    tritx_out_bytes(w->out, &c->add_bos, 1);
    for (int i = 0; i < c->n_stop; i++) pair_u32(w, keys[i], (uint32_t)c->stop_ids[i]);
    if (c->n_stop == 1 && tritx_tokenizer_special(w->e->model->tokenizer, "<|eot_id|>") >= 0)
        pair_u32(w, keys[1], (uint32_t)c->stop_ids[0]);
    /* without the key, bitnet-b1.58 means 2B4T's */
    if (c->template_id[0] || is_official(w->e))
        pair_string(w, "tokenizer.chat_template", tritx_export_template(w->e));
}

static void write_pairs(writer *w)
{
    const trit_config *c = w->c;
    const char *card = w->e->model->card;
    pair_string(w, "general.architecture", w->arch);
    pair_u32(w, "general.quantization_version", 2);
    pair_u32(w, "general.file_type", w->e->what == TRIT_EXPORT_TQ2_0 ? 37 : 40);
    arch_u32(w, "vocab_size", c->n_vocab);
    arch_u32(w, "context_length", c->n_ctx);
    arch_u32(w, "embedding_length", c->dim);
    arch_u32(w, "block_count", c->n_layer);
    arch_u32(w, "feed_forward_length", c->ffn_dim);
    arch_u32(w, "attention.head_count", c->n_head);
    arch_u32(w, "attention.head_count_kv", c->n_head_kv);
    arch_u32(w, "attention.key_length", c->head_dim);
    arch_u32(w, "attention.value_length", c->head_dim);
    arch_u32(w, "rope.dimension_count", c->head_dim);
    arch_f32(w, "attention.layer_norm_rms_epsilon", c->norm_eps);
    arch_f32(w, "rope.freq_base", c->rope_theta);
    if (strcmp(w->arch, "bitnet") == 0) {
        arch_key(w, "hidden_activation", STRING);
        string(w, c->ffn == TRIT_FFN_GLU_SILU ? "silu" : "relu2");
    }
    tokenizer_pairs(w);
    special_pairs(w);
    if (*card && strcmp(card, "{}") != 0) pair_string(w, TRITX_CARD_KEY, card);
}

/* ---- tensors ---- */

/* A matrix of TQ2_0 whose scale is no half-precision number has the scale 1 in its blocks and its own
 * beside it, which llama.cpp multiplies with as well. */
static bool has_scale_tensor(const writer *w, const tritx_weight *t)
{
    return w->e->what == TRIT_EXPORT_TQ2_0 && t->matrix && !is_f16(*t->matrix->scale);
}

static uint64_t tensor_bytes(const writer *w, const tritx_weight *t)
{
    if (t->floats) return t->n * sizeof(float);
    if (t->rows)
        return (uint64_t)t->rows->rows * (uint64_t)t->rows->cols * (t->rows->f16 ? 2u : 4u);
    uint64_t n = (uint64_t)t->matrix->rows * (uint64_t)t->matrix->cols;
    return w->e->what == TRIT_EXPORT_TQ2_0 ? n / 256 * 66 : n / 4 + I2_S_TAIL;
}

static void describe(writer *w, tritx_slot slot, int layer, size_t cols, size_t rows, uint32_t type,
                     uint64_t *offset, uint64_t n_bytes)
{
    char name[64];
    tritx_name_write_gguf(slot, layer, name, sizeof name);
    string(w, name);
    tritx_out_u32(w->out, rows ? 2 : 1);
    tritx_out_u64(w->out, cols);
    if (rows) tritx_out_u64(w->out, rows);
    tritx_out_u32(w->out, type);
    tritx_out_u64(w->out, *offset);
    *offset += (n_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void describe_weight(writer *w, const tritx_weight *t, uint64_t *offset)
{
    uint64_t n_bytes = tensor_bytes(w, t);
    if (t->floats) describe(w, t->slot, t->layer, t->n, 0, TENSOR_F32, offset, n_bytes);
    else if (t->rows)
        describe(w, t->slot, t->layer, (size_t)t->rows->cols, (size_t)t->rows->rows,
                 t->rows->f16 ? TENSOR_F16 : TENSOR_F32, offset, n_bytes);
    else
        describe(w, t->slot, t->layer, (size_t)t->matrix->cols, (size_t)t->matrix->rows,
                 w->e->what == TRIT_EXPORT_TQ2_0 ? TENSOR_TQ2_0 : TENSOR_I2_S, offset, n_bytes);
    if (has_scale_tensor(w, t))
        describe(w, (tritx_slot)(t->slot + 1), t->layer, 1, 0, TENSOR_F32, offset, sizeof(float));
}

/* Which row of the matrix is row `row` of the file: llama's Q and K have the halves of a head alternate. */
static size_t row_of_matrix(const writer *w, const tritx_weight *t, size_t row)
{
    if (has_sub_norms(w->c) || (t->slot != TRIT_SLOT_Q && t->slot != TRIT_SLOT_K)) return row;
    size_t n = (size_t)w->c->head_dim, i = row % n;
    return row - i + i % 2 * (n / 2) + i / 2;
}

static void write_matrix(writer *w, const tritx_weight *t)
{
    tritx_exporter *e = w->e;
    const tritx_ternary *m = t->matrix;
    size_t cols = (size_t)m->cols;
    bool tq2_0 = e->what == TRIT_EXPORT_TQ2_0;
    uint16_t scale = tritx_f16_of_f32(has_scale_tensor(w, t) ? 1.0f : *m->scale);
    for (size_t r = 0; r < (size_t)m->rows && w->out->status == TRIT_OK; r++) {
        tritx_weight_codes(e, m, row_of_matrix(w, t, r), e->codes);
        if (tq2_0) tritx_put_tq2_0_row(e->bytes, e->codes, cols, scale);
        else tritx_put_i2_s_row(e->bytes, e->codes, cols);
        tritx_out_bytes(w->out, e->bytes, tq2_0 ? cols / 256 * 66 : cols / 4);
    }
    if (tq2_0) return;
    tritx_out_f32(w->out, *m->scale);
    tritx_out_zeros(w->out, I2_S_TAIL - sizeof(float));
}

static void align(writer *w) { tritx_out_zeros(w->out, (size_t)(-w->out->n_bytes % ALIGNMENT)); }

static void write_weight(writer *w, const tritx_weight *t)
{
    if (t->floats) tritx_out_bytes(w->out, t->floats, t->n * sizeof(float));
    if (t->matrix) write_matrix(w, t);
    for (size_t r = 0; t->rows && r < (size_t)t->rows->rows; r++)
        tritx_out_bytes(w->out, w->e->bytes, tritx_weight_row(w->e, t->rows, r));
    align(w);
    if (!has_scale_tensor(w, t)) return;
    tritx_out_f32(w->out, *t->matrix->scale);
    align(w);
}

void tritx_write_gguf(tritx_exporter *e)
{
    tritx_out count = {0};
    writer w = {.e = e, .c = &e->model->config, .out = &count, .arch = arch_of(e)};
    size_t n_tensors = e->n_weights;
    uint64_t offset = 0;
    tritx_alphabet_fill(&w.alphabet, false);
    write_pairs(&w); /* how many there are stands before them */
    w.out = &e->out;
    for (size_t i = 0; i < e->n_weights; i++) n_tensors += has_scale_tensor(&w, &e->weights[i]);
    tritx_out_bytes(w.out, "GGUF", 4);
    tritx_out_u32(w.out, 3);
    tritx_out_u64(w.out, n_tensors);
    tritx_out_u64(w.out, w.n_pairs);
    write_pairs(&w);
    for (size_t i = 0; i < e->n_weights; i++) describe_weight(&w, &e->weights[i], &offset);
    align(&w);
    for (size_t i = 0; i < e->n_weights && w.out->status == TRIT_OK; i++)
        write_weight(&w, &e->weights[i]);
}
