/* What JavaScript must know of the C side, as JSON text, so that no number is typed twice. */
#include <stdio.h>

#include "export.h"
#include "trit.h"

#ifdef TRIT_HAVE_RELAXED
#define RELAXED "true"
#else
#define RELAXED "false"
#endif

static const struct {
    int value;
    const char *name, *text;
} statuses[] = {
#define XX(name, value, text) {(value), #name, text},
    TRIT_STATUS_MAP(XX)
#undef XX
};

static const struct {
    const char *group, *name;
    int value;
} constants[] = {
    {"kv", "f32", TRIT_KV_F32},
    {"kv", "f16", TRIT_KV_F16},
    {"kv", "int8", TRIT_KV_INT8},
    {"head", "as-is", TRIT_HEAD_AS_IS},
    {"head", "int8", TRIT_HEAD_INT8},
    {"head", "f16", TRIT_HEAD_F16},
    {"i2s", "x86", TRIT_I2_S_128},
    {"i2s", "arm", TRIT_I2_S_64},
    {"i2s", "rows", TRIT_I2_S_ROWS},
    {"side", "config", TRIT_SIDE_CONFIG},
    {"side", "tokenizer", TRIT_SIDE_TOKENIZER},
    {"side", "tokenizerConfig", TRIT_SIDE_TOKENIZER_CONFIG},
    {"side", "generationConfig", TRIT_SIDE_GENERATION_CONFIG},
    {"side", "index", TRIT_SIDE_INDEX},
    {"side", "chatTemplate", TRIT_SIDE_CHAT_TEMPLATE},
    {"export", "tq2_0", TRIT_EXPORT_TQ2_0},
    {"export", "i2_s", TRIT_EXPORT_I2_S},
    {"export", "model.safetensors", TRIT_EXPORT_SAFETENSORS},
    {"export", "config.json", TRIT_EXPORT_CONFIG},
    {"export", "tokenizer.json", TRIT_EXPORT_TOKENIZER},
    {"export", "tokenizer_config.json", TRIT_EXPORT_TOKENIZER_CONFIG},
    {"tokenize", "bos", TRIT_TOKENIZE_BOS},
    {"tokenize", "special", TRIT_TOKENIZE_SPECIAL},
};

static const char *const ffn_words[] = {[TRIT_FFN_GLU_SILU] = "glu_silu",
                                        [TRIT_FFN_GLU_RELU2] = "glu_relu2",
                                        [TRIT_FFN_MLP_GELU] = "mlp_gelu"};
static const char *const weight_words[] = {[TRIT_WEIGHT_TERNARY] = "ternary",
                                           [TRIT_WEIGHT_BINARY] = "binary",
                                           [TRIT_WEIGHT_F16] = "f16",
                                           [TRIT_WEIGHT_INT8] = "int8"};

/* Both texts are far shorter: statuses and constants are lists of this file. */
static char description[8192], info[2048];

typedef struct {
    char *text;
    size_t used, capacity;
} writer;

#define WRITE(w, ...)                                                                              \
    ((w)->used += (size_t)snprintf((w)->text + (w)->used, (w)->capacity - (w)->used, __VA_ARGS__))

/* {"relaxed", "statuses": [[value, name, sentence]], "constants": [[group, name, value]]}, owned by
 * this file. */
TRIT_EXPORT const char *trit_js_describe(void)
{
    writer w = {description, 0, sizeof description};
    WRITE(&w, "{\"relaxed\":" RELAXED ",\"statuses\":[");
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        WRITE(&w, "%s[%d,\"%s\",\"%s\"]", i ? "," : "", statuses[i].value, statuses[i].name,
              statuses[i].text);
    WRITE(&w, "],\"constants\":[");
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        WRITE(&w, "%s[\"%s\",\"%s\",%d]", i ? "," : "", constants[i].group, constants[i].name,
              constants[i].value);
    WRITE(&w, "]}");
    return description;
}

/* The model's configuration as JSON, with JavaScript's spelling of the names. Owned by this file;
 * valid until the next call. */
TRIT_EXPORT const char *trit_js_model_info(const trit_model *model)
{
    const trit_config *c = trit_model_config(model);
    writer w = {info, 0, sizeof info};
    WRITE(&w, "{\"nLayer\":%d,\"dim\":%d,\"ffnDim\":%d,\"nHead\":%d,\"nHeadKv\":%d,\"headDim\":%d,",
          (int)c->n_layer, (int)c->dim, (int)c->ffn_dim, (int)c->n_head, (int)c->n_head_kv,
          (int)c->head_dim);
    WRITE(&w, "\"nVocab\":%d,\"nCtx\":%d,\"normEps\":%.9g,\"ropeTheta\":%.9g,", (int)c->n_vocab,
          (int)c->n_ctx, (double)c->norm_eps, (double)c->rope_theta);
    WRITE(&w, "\"ffn\":\"%s\",\"weights\":\"%s\",\"head\":\"%s\",\"tiedHead\":%s,",
          ffn_words[c->ffn], weight_words[c->site[TRIT_SITE_QKV].weight],
          weight_words[c->site[TRIT_SITE_HEAD].weight], c->tied_head ? "true" : "false");
    /* a template id has only a-z, 0-9, dot and minus (checked by the core): no escapes */
    WRITE(&w, "\"addBos\":%s,\"spaceFirst\":%s,\"bosId\":%d,\"template\":\"%s\",\"stopIds\":[",
          c->add_bos ? "true" : "false", trit_model_space_first(model) ? "true" : "false",
          (int)c->bos_id, c->template_id);
    for (int i = 0; i < c->n_stop; i++) WRITE(&w, "%s%d", i ? "," : "", (int)c->stop_ids[i]);
    WRITE(&w, "],\"modelBytes\":%zu}", trit_model_bytes(model));
    return info;
}
