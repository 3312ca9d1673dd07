#include "config.h"
#include "gguf_model.h"
#include "template.h"

typedef struct {
    const tritx_gguf *g;
    size_t n_tensors; /* of all parts */
    const char *arch;
    trit_config *config;
    trit_error *err;
} reader;

/* BitNet's converter wrote another model's chat template into 2B4T's file, and no pre-tokenizer; the
 * architecture's name tells better. */
static const struct {
    const char *arch, *template_id; /* NULL: what the file says */
    uint8_t ffn;                    /* 0: what hidden_activation says, else SiLU */
    uint8_t sub_norm;
    bool pairs_qk;
} architectures[] = {
    {"bitnet-b1.58", TRITX_TEMPLATE_2B4T, TRIT_FFN_GLU_RELU2, TRIT_NORM_RMS, false},
    {"bitnet-25", TRITX_TEMPLATE_2B4T, TRIT_FFN_GLU_RELU2, TRIT_NORM_RMS, false},
    {"bitnet", NULL, 0, TRIT_NORM_RMS, false},
    {"llama", NULL, TRIT_FFN_GLU_SILU, TRIT_NORM_NONE, true},
};
enum { N_ARCHITECTURES = sizeof architectures / sizeof *architectures };

static const tritx_gguf_pair *find(const reader *r, const char *name)
{
    char key[TRITX_GGUF_MAX_KEY];
    tritx_format(key, sizeof key, "%s.%s", r->arch, name);
    return tritx_gguf_find(r->g, key);
}

static trit_status bad_value(const reader *r, const char *name, const char *what)
{
    return tritx_fail(r->err, TRIT_BAD_CONFIG, 0, "GGUF: %s.%s is missing or no %s", r->arch, name,
                      what);
}

static trit_status read_shape(const reader *r)
{
    trit_config *c = r->config;
    const struct {
        const char *name;
        int32_t *out;
    } keys[] = {
        {"block_count", &c->n_layer},         {"embedding_length", &c->dim},
        {"feed_forward_length", &c->ffn_dim}, {"attention.head_count", &c->n_head},
        {"context_length", &c->n_ctx},
    };
    int64_t value;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const tritx_gguf_pair *pair = find(r, keys[i].name);
        if (!pair || !tritx_gguf_int(r->g, pair, 1, INT32_MAX, &value))
            return bad_value(r, keys[i].name, "positive integer");
        *keys[i].out = (int32_t)value;
    }
    return TRIT_OK;
}

/* Keys whose absence has a meaning: as many KV heads as heads, heads that divide the width. */
static trit_status read_heads(const reader *r)
{
    trit_config *c = r->config;
    static const char *const lengths[] = {"attention.key_length", "attention.value_length",
                                          "rope.dimension_count"};
    int64_t value = c->n_head;
    const tritx_gguf_pair *pair = find(r, "attention.head_count_kv");
    if (pair && !tritx_gguf_int(r->g, pair, 1, INT32_MAX, &value))
        return bad_value(r, "attention.head_count_kv", "positive integer");
    c->n_head_kv = (int32_t)value;
    c->head_dim = c->dim / c->n_head;
    for (size_t i = 0; i < 3; i++) {
        pair = find(r, lengths[i]);
        if (pair && !tritx_gguf_int(r->g, pair, 1, INT32_MAX, &value))
            return bad_value(r, lengths[i], "positive integer");
        if (pair && i == 0) c->head_dim = (int32_t)value;
        if (pair && value != c->head_dim)
            return tritx_fail(r->err, TRIT_UNSUPPORTED, 0,
                              "GGUF: %s.%s is not the size of a head, %d: not served", r->arch,
                              lengths[i], (int)c->head_dim);
    }
    return TRIT_OK;
}

static trit_status read_numbers(const reader *r)
{
    const tritx_gguf_pair *eps = find(r, "attention.layer_norm_rms_epsilon"),
                          *theta = find(r, "rope.freq_base");
    if (!eps || !tritx_gguf_float(r->g, eps, &r->config->norm_eps))
        return bad_value(r, "attention.layer_norm_rms_epsilon", "float32");
    if (!theta || !tritx_gguf_float(r->g, theta, &r->config->rope_theta))
        return bad_value(r, "rope.freq_base", "float32");
    return TRIT_OK;
}

/* Whether the key is there and says something else than no factor or 1. */
static bool scales(const reader *r, const char *key)
{
    const tritx_gguf_pair *pair = find(r, key);
    float factor = 0;
    return pair && !(tritx_gguf_float(r->g, pair, &factor) && (factor == 0 || factor == 1));
}

/* llama.cpp's converter writes for every bitnet that positions are scaled, linearly and by 1. Its engine
 * takes a factor without a type for a linear one, too. */
static trit_status check_scaling(const reader *r)
{
    const tritx_gguf_pair *type = find(r, "rope.scaling.type");
    bool plain = !type || tritx_gguf_is(r->g, type, "none") || tritx_gguf_is(r->g, type, "linear");
    if (plain && !scales(r, "rope.scaling.factor") && !scales(r, "rope.scale_linear"))
        return TRIT_OK;
    return tritx_fail(r->err, TRIT_UNSUPPORTED, 0, "GGUF: %s.rope.scaling is not served", r->arch);
}

static trit_status read_activation(const reader *r)
{
    const tritx_gguf_pair *pair = find(r, "hidden_activation");
    if (!pair || tritx_gguf_is(r->g, pair, "silu")) r->config->ffn = TRIT_FFN_GLU_SILU;
    else if (tritx_gguf_is(r->g, pair, "relu2")) r->config->ffn = TRIT_FFN_GLU_RELU2;
    else
        return tritx_fail(r->err, TRIT_UNSUPPORTED, 0,
                          "GGUF: %s.hidden_activation is neither silu nor relu2", r->arch);
    return TRIT_OK;
}

/* -1 where the key is missing. */
static trit_status read_id(const reader *r, const char *key, int32_t *id)
{
    const tritx_gguf_pair *pair = tritx_gguf_find(r->g, key);
    int64_t value = -1;
    if (pair && !tritx_gguf_int(r->g, pair, 0, r->config->n_vocab - 1, &value))
        return tritx_fail(r->err, TRIT_BAD_CONFIG, 0, "GGUF: %s is not a token id", key);
    *id = (int32_t)value;
    return TRIT_OK;
}

/* The official file of 2B4T names the end of a text and not that of a turn, which has a token. */
static trit_status read_stop_ids(const reader *r)
{
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    for (int i = 0; i < 3; i++) {
        int32_t id = -1;
        TRIT_TRY(read_id(r, keys[i], &id));
        if (id < 0 && i == 1) id = tritx_gguf_control(r->g, "<|eot_id|>");
        if (id >= 0) TRIT_TRY(tritx_config_add_stop(r->config, id, r->err));
    }
    return TRIT_OK;
}

static trit_status read_bos(const reader *r)
{
    trit_config *c = r->config;
    TRIT_TRY(read_id(r, "tokenizer.ggml.bos_token_id", &c->bos_id));
    const tritx_gguf_pair *pair = tritx_gguf_find(r->g, "tokenizer.ggml.add_bos_token");
    bool add_bos = c->bos_id >= 0;
    if (pair && !tritx_gguf_bool(r->g, pair, &add_bos))
        return tritx_fail(r->err, TRIT_BAD_CONFIG, 0,
                          "GGUF: tokenizer.ggml.add_bos_token is no boolean");
    c->add_bos = add_bos;
    return TRIT_OK;
}

static trit_status read_vocabulary(const reader *r)
{
    const tritx_gguf_pair *tokens = tritx_gguf_find(r->g, "tokenizer.ggml.tokens"),
                          *size = find(r, "vocab_size");
    int64_t value;
    if (!tritx_gguf_elements(r->g, tokens, TRITX_GGUF_STRING) || tokens->n < 1 ||
        tokens->n > TRITX_MAX_VOCAB)
        return tritx_fail(r->err, TRIT_BAD_TOKENIZER, 0,
                          "GGUF: tokenizer.ggml.tokens is missing or no list of strings");
    r->config->n_vocab = (int32_t)tokens->n;
    if (size && (!tritx_gguf_int(r->g, size, 1, INT32_MAX, &value) || value != r->config->n_vocab))
        return tritx_fail(r->err, TRIT_BAD_CONFIG, 0,
                          "GGUF: %s.vocab_size is not the number of tokens, %d", r->arch,
                          (int)r->config->n_vocab);
    return TRIT_OK;
}

/* A model without a head of its own uses the embedding. Where it would stand in another part, the number
 * of tensors tells: every other one is one of a known few. */
static bool has_head(const reader *r)
{
    const tritx_gguf *g = r->g;
    bool sub_norms = r->config->site[TRIT_SITE_O].norm != TRIT_NORM_NONE;
    for (size_t i = 0; i < g->n_tensors; i++)
        if (strcmp(g->tensors[i].name, "output.weight") == 0) return true;
    size_t per_layer = sub_norms ? 11 : 9;
    return r->n_tensors > g->n_tensors &&
           r->n_tensors == (size_t)r->config->n_layer * per_layer + 3;
}

static trit_status read_all(const reader *r, size_t arch)
{
    trit_config *c = r->config;
    TRIT_TRY(read_shape(r));
    TRIT_TRY(read_heads(r));
    TRIT_TRY(read_numbers(r));
    TRIT_TRY(check_scaling(r));
    TRIT_TRY(read_vocabulary(r));
    TRIT_TRY(read_bos(r));
    TRIT_TRY(read_stop_ids(r));
    c->ffn = architectures[arch].ffn;
    if (!c->ffn) TRIT_TRY(read_activation(r));
    c->site[TRIT_SITE_O].norm = c->site[TRIT_SITE_DOWN].norm = architectures[arch].sub_norm;
    c->tied_head = !has_head(r);
    if (architectures[arch].template_id) strcpy(c->template_id, architectures[arch].template_id);
    return TRIT_OK;
}

trit_status tritx_gguf_template(const tritx_gguf *g, trit_config *config, char **kept,
                                trit_error *err)
{
    const tritx_gguf_pair *chat = tritx_gguf_find(g, "tokenizer.chat_template");
    if (!chat || chat->type != TRITX_GGUF_STRING) return TRIT_OK;
    const char *text = (const char *)g->bytes + chat->value, *id = tritx_template_id(text, chat->n);
    if (!config->template_id[0]) return tritx_template_take(text, chat->n, config, kept, err);
    /* what the architecture says stands, but for a text that we know or none at all */
    if (id || chat->n == 0) strcpy(config->template_id, id ? id : "");
    return TRIT_OK;
}

trit_status tritx_gguf_config(const tritx_gguf *g, size_t n_tensors, trit_config *config,
                              bool *pairs_qk, trit_error *err)
{
    const tritx_gguf_pair *name = tritx_gguf_find(g, "general.architecture");
    size_t i = 0;
    while (i < N_ARCHITECTURES && !tritx_gguf_is(g, name, architectures[i].arch)) i++;
    if (i == N_ARCHITECTURES)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                          "GGUF: general.architecture is \"%.*s\": bitnet-b1.58, bitnet-25, bitnet "
                          "and llama are served",
                          name && name->type == TRITX_GGUF_STRING && name->n < 40 ? (int)name->n
                                                                                  : 0,
                          name ? (const char *)g->bytes + name->value : "");
    trit_config c = {.bos_id = -1};
    tritx_config_2b4t_axes(&c);
    const reader r = {
        .g = g, .n_tensors = n_tensors, .arch = architectures[i].arch, .config = &c, .err = err};
    TRIT_TRY(read_all(&r, i));
    *config = c;
    *pairs_qk = architectures[i].pairs_qk;
    return TRIT_OK;
}
