#include "config.h"

#include <math.h>

#define AXIS_WORDS 4
static const char *const axis_words[][AXIS_WORDS] = {
    [TRIT_AXIS_NORM] =
        {[TRIT_NORM_NONE] = "none", [TRIT_NORM_RMS] = "rms", [TRIT_NORM_LAYERNORM] = "layernorm"},
    [TRIT_AXIS_ROTATE] = {[TRIT_ROTATE_NONE] = "none", [TRIT_ROTATE_HADAMARD] = "hadamard"},
    [TRIT_AXIS_ACT] = {[TRIT_ACT_NONE] = "none", [TRIT_ACT_A8] = "a8", [TRIT_ACT_A4] = "a4"},
    [TRIT_AXIS_KEEP] =
        {[TRIT_KEEP_ALL] = "all", [TRIT_KEEP_TOPK] = "topk", [TRIT_KEEP_N_OF_M] = "n_of_m"},
    [TRIT_AXIS_PLACE] = {[TRIT_PLACE_PRE] = "pre",
                         [TRIT_PLACE_IN_LINEAR] = "in_linear",
                         [TRIT_PLACE_POST] = "post"},
    [TRIT_AXIS_FFN] = {[TRIT_FFN_GLU_SILU] = "glu_silu",
                       [TRIT_FFN_GLU_RELU2] = "glu_relu2",
                       [TRIT_FFN_MLP_GELU] = "mlp_gelu"},
    [TRIT_AXIS_ROPE] =
        {[TRIT_ROPE_NONE] = "none", [TRIT_ROPE_NEOX] = "neox", [TRIT_ROPE_PAIRS] = "pairs"},
    [TRIT_AXIS_MASK] = {[TRIT_MASK_CAUSAL] = "causal", [TRIT_MASK_FULL] = "full"},
};
static const char *const weight_words[] = {NULL, "ternary", "binary", "f16", "int8"};
static const char *const site_words[TRIT_SITE_COUNT] = {"qkv", "o", "gate_up", "down", "head"};

const char *tritx_axis_word(tritx_axis axis, uint8_t value)
{
    if (axis == TRIT_AXIS_WEIGHT) return value <= TRIT_WEIGHT_INT8 ? weight_words[value] : NULL;
    return value < AXIS_WORDS ? axis_words[axis][value] : NULL;
}

static uint8_t axis_value(tritx_axis axis, const char *word)
{
    for (uint8_t v = 1; v <= AXIS_WORDS; v++) {
        const char *known = tritx_axis_word(axis, v);
        if (known && strcmp(known, word) == 0) return v;
    }
    return 0;
}

static trit_status read_axis(const cJSON *object, const char *key, tritx_axis axis, uint8_t *out,
                             trit_error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsString(item))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: \"%s\" is missing or not a word", key);
    *out = axis_value(axis, item->valuestring);
    if (!*out)
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: \"%s\" has the unknown value \"%.40s\"",
                          key, item->valuestring);
    return TRIT_OK;
}

static trit_status read_int(const cJSON *object, const char *key, int64_t low, int64_t high,
                            int32_t *out, trit_error *err)
{
    int64_t value;
    if (!tritx_json_int(object, key, low, high, &value))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0,
                          "config: \"%s\" is missing or not an integer in %lld ... %lld", key,
                          (long long)low, (long long)high);
    *out = (int32_t)value;
    return TRIT_OK;
}

static trit_status read_float(const cJSON *object, const char *key, float *out, trit_error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item) || !(fabs(item->valuedouble) < 1e30))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: \"%s\" is missing or not a number",
                          key);
    *out = (float)item->valuedouble;
    return TRIT_OK;
}

static trit_status read_bool(const cJSON *object, const char *key, uint8_t *out, trit_error *err)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsBool(item))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: \"%s\" is missing or not a boolean",
                          key);
    *out = cJSON_IsTrue(item) ? 1 : 0;
    return TRIT_OK;
}

enum { MAX_WIDTH = 65536 };
static const struct {
    const char *key;
    size_t offset;
    int32_t high;
} shape_keys[] = {
#define KEY(name, high) {#name, offsetof(trit_config, name), high}
    KEY(n_layer, 1024),   KEY(dim, MAX_WIDTH), KEY(ffn_dim, MAX_WIDTH),       KEY(n_head, 1024),
    KEY(n_head_kv, 1024), KEY(head_dim, 1024), KEY(n_vocab, TRITX_MAX_VOCAB), KEY(n_ctx, 1 << 20),
#undef KEY
};
enum { N_SHAPE_KEYS = sizeof shape_keys / sizeof *shape_keys };

static trit_status read_sites(const cJSON *object, trit_config *config, trit_error *err)
{
    const cJSON *sites = cJSON_GetObjectItemCaseSensitive(object, "site");
    for (int i = 0; i < TRIT_SITE_COUNT; i++) {
        const cJSON *site = cJSON_GetObjectItemCaseSensitive(sites, site_words[i]);
        if (!cJSON_IsObject(site))
            return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: site \"%s\" is missing",
                              site_words[i]);
        trit_linear_spec *spec = &config->site[i];
        TRIT_TRY(read_axis(site, "norm", TRIT_AXIS_NORM, &spec->norm, err));
        TRIT_TRY(read_axis(site, "rotate", TRIT_AXIS_ROTATE, &spec->rotate, err));
        TRIT_TRY(read_axis(site, "act", TRIT_AXIS_ACT, &spec->act, err));
        TRIT_TRY(read_axis(site, "weight", TRIT_AXIS_WEIGHT, &spec->weight, err));
        TRIT_TRY(read_axis(site, "keep", TRIT_AXIS_KEEP, &spec->keep, err));
    }
    return TRIT_OK;
}

trit_status tritx_config_add_stop(trit_config *config, int32_t id, trit_error *err)
{
    for (int i = 0; i < config->n_stop; i++)
        if (config->stop_ids[i] == id) return TRIT_OK;
    if (config->n_stop == TRIT_MAX_STOP)
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: more than %d stop ids", TRIT_MAX_STOP);
    config->stop_ids[config->n_stop++] = id;
    return TRIT_OK;
}

trit_status tritx_config_read_stop(const cJSON *item, trit_config *config, trit_error *err)
{
    double id = cJSON_GetNumberValue(item);
    if (!(id >= 0 && id < (double)TRITX_MAX_VOCAB) || id != (double)(int32_t)id)
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: a stop id is not a token id");
    return tritx_config_add_stop(config, (int32_t)id, err);
}

static trit_status read_stop_ids(const cJSON *list, trit_config *config, trit_error *err)
{
    if (!cJSON_IsArray(list))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: \"stop_ids\" is missing or no list");
    for (const cJSON *item = list->child; item; item = item->next)
        TRIT_TRY(tritx_config_read_stop(item, config, err));
    return TRIT_OK;
}

trit_status tritx_config_read(const cJSON *object, trit_config *config, trit_error *err)
{
    trit_config c = {0};
    if (!cJSON_IsObject(object))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: the object is missing");
    for (int i = 0; i < N_SHAPE_KEYS; i++) {
        int32_t value = 0;
        TRIT_TRY(read_int(object, shape_keys[i].key, 1, shape_keys[i].high, &value, err));
        memcpy((char *)&c + shape_keys[i].offset, &value, sizeof value);
    }
    int32_t kv_bits = 0;
    TRIT_TRY(read_int(object, "kv_bits", 3, 32, &kv_bits, err));
    c.kv_bits = (uint8_t)kv_bits;
    TRIT_TRY(read_int(object, "bos_id", -1, TRITX_MAX_VOCAB - 1, &c.bos_id, err));
    TRIT_TRY(read_stop_ids(cJSON_GetObjectItemCaseSensitive(object, "stop_ids"), &c, err));
    TRIT_TRY(read_bool(object, "tied_head", &c.tied_head, err));
    TRIT_TRY(read_bool(object, "bias", &c.bias, err));
    TRIT_TRY(read_bool(object, "add_bos", &c.add_bos, err));
    TRIT_TRY(read_float(object, "norm_eps", &c.norm_eps, err));
    TRIT_TRY(read_float(object, "rope_theta", &c.rope_theta, err));
    TRIT_TRY(read_float(object, "residual_scale", &c.residual_scale, err));
    TRIT_TRY(read_axis(object, "norm_place", TRIT_AXIS_PLACE, &c.norm_place, err));
    TRIT_TRY(read_axis(object, "ffn", TRIT_AXIS_FFN, &c.ffn, err));
    TRIT_TRY(read_axis(object, "rope", TRIT_AXIS_ROPE, &c.rope, err));
    TRIT_TRY(read_axis(object, "mask", TRIT_AXIS_MASK, &c.mask, err));
    const cJSON *template_id = cJSON_GetObjectItemCaseSensitive(object, "template");
    if (!cJSON_IsString(template_id) || strlen(template_id->valuestring) >= sizeof c.template_id)
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: \"template\" is missing or too long");
    strcpy(c.template_id, template_id->valuestring);
    TRIT_TRY(read_sites(object, &c, err));
    *config = c;
    return TRIT_OK;
}

size_t tritx_config_write(const trit_config *c, char *out, size_t capacity)
{
    size_t n = tritx_format(out, capacity, "{");
#define PUT(...) n += tritx_format(out + n, capacity - n, __VA_ARGS__)
    for (int i = 0; i < N_SHAPE_KEYS; i++) {
        int32_t value;
        memcpy(&value, (const char *)c + shape_keys[i].offset, sizeof value);
        PUT("\"%s\":%d,", shape_keys[i].key, (int)value);
    }
    PUT("\"kv_bits\":%d,\"bos_id\":%d,\"stop_ids\":[", c->kv_bits, (int)c->bos_id);
    for (int i = 0; i < c->n_stop; i++) PUT("%s%d", i ? "," : "", (int)c->stop_ids[i]);
    PUT("],\"tied_head\":%s,\"bias\":%s,\"add_bos\":%s,", c->tied_head ? "true" : "false",
        c->bias ? "true" : "false", c->add_bos ? "true" : "false");
    PUT("\"norm_eps\":%.9g,\"rope_theta\":%.9g,\"residual_scale\":%.9g,", (double)c->norm_eps,
        (double)c->rope_theta, (double)c->residual_scale);
    PUT("\"norm_place\":\"%s\",\"ffn\":\"%s\",\"rope\":\"%s\",\"mask\":\"%s\",\"template\":\"%s\","
        "\"site\":{",
        tritx_axis_word(TRIT_AXIS_PLACE, c->norm_place), tritx_axis_word(TRIT_AXIS_FFN, c->ffn),
        tritx_axis_word(TRIT_AXIS_ROPE, c->rope), tritx_axis_word(TRIT_AXIS_MASK, c->mask),
        c->template_id);
    for (int i = 0; i < TRIT_SITE_COUNT; i++) {
        const trit_linear_spec *s = &c->site[i];
        PUT("%s\"%s\":{\"norm\":\"%s\",\"rotate\":\"%s\",\"act\":\"%s\",\"weight\":\"%s\",\"keep\":"
            "\"%s\"}",
            i ? "," : "", site_words[i], tritx_axis_word(TRIT_AXIS_NORM, s->norm),
            tritx_axis_word(TRIT_AXIS_ROTATE, s->rotate), tritx_axis_word(TRIT_AXIS_ACT, s->act),
            tritx_axis_word(TRIT_AXIS_WEIGHT, s->weight), tritx_axis_word(TRIT_AXIS_KEEP, s->keep));
    }
    PUT("}}");
#undef PUT
    return n;
}

size_t tritx_config_widest(const trit_config *c)
{
    size_t dim = (size_t)c->dim, ffn = (size_t)c->ffn_dim,
           heads = (size_t)c->n_head * (size_t)c->head_dim, widest = dim > ffn ? dim : ffn;
    return heads > widest ? heads : widest;
}

static trit_status check_shape(const trit_config *c, trit_error *err)
{
    for (int i = 0; i < N_SHAPE_KEYS; i++) {
        int32_t value;
        memcpy(&value, (const char *)c + shape_keys[i].offset, sizeof value);
        if (value < 1 || value > shape_keys[i].high)
            return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: %s is %d, not in 1 ... %d",
                              shape_keys[i].key, (int)value, (int)shape_keys[i].high);
    }
    /* with it, every matrix has less than 2^32 numbers: a size_t has 32 bits in WebAssembly */
    if (c->n_head * c->head_dim > MAX_WIDTH)
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: n_head * head_dim is above %d",
                          MAX_WIDTH);
    if (c->n_head % c->n_head_kv)
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: n_head is not a multiple of n_head_kv");
    if (c->head_dim % 4 || c->dim % 16 || c->ffn_dim % 4)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                          "config: head_dim and ffn_dim must be multiples of 4, dim of 16");
    if (c->dim > 8192)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0, "config: dim is above 8192, the head's limit");
    if (!(c->norm_eps > 0 && c->norm_eps < 1))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: norm_eps is not in (0, 1)");
    if (!(c->rope_theta >= 1 && c->rope_theta < 1e12f))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: rope_theta is not in [1, 1e12)");
    if (c->bos_id >= c->n_vocab || c->bos_id < -1 || (c->add_bos && c->bos_id < 0))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: bos_id is not in the vocabulary");
    if (!memchr(c->template_id, 0, sizeof c->template_id))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: a template id has 31 bytes at most");
    for (const char *p = c->template_id; *p; p++)
        if (!(*p == '-' || *p == '.' || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z')))
            return tritx_fail(err, TRIT_BAD_CONFIG, 0,
                              "config: a template id has only a-z, 0-9, '.' and '-'");
    if (c->n_stop < 0 || c->n_stop > TRIT_MAX_STOP)
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: more than %d stop ids", TRIT_MAX_STOP);
    for (int i = 0; i < c->n_stop; i++)
        if (c->stop_ids[i] < 0 || c->stop_ids[i] >= c->n_vocab)
            return tritx_fail(err, TRIT_BAD_CONFIG, 0,
                              "config: a stop id is not in the vocabulary");
    return TRIT_OK;
}

/* What the decoder serves today. Every other declared value is refused by its word. */
static trit_status check_axis(tritx_axis axis, const char *what, uint8_t value, unsigned served,
                              trit_error *err)
{
    const char *word = tritx_axis_word(axis, value);
    if (!word) return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config: %s is missing", what);
    if (!(served >> value & 1))
        return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                          "config: %s \"%s\" is not served by this version", what, word);
    return TRIT_OK;
}

trit_status trit_config_validate(const trit_config *c, trit_error *err)
{
    if (!c) return tritx_fail(err, TRIT_PARAM, 0, "config is NULL");
    TRIT_TRY(check_shape(c, err));
    TRIT_TRY(check_axis(TRIT_AXIS_PLACE, "norm_place", c->norm_place, 1u << TRIT_PLACE_PRE, err));
    TRIT_TRY(check_axis(TRIT_AXIS_FFN, "ffn", c->ffn,
                        1u << TRIT_FFN_GLU_SILU | 1u << TRIT_FFN_GLU_RELU2, err));
    TRIT_TRY(check_axis(TRIT_AXIS_ROPE, "rope", c->rope, 1u << TRIT_ROPE_NEOX, err));
    TRIT_TRY(check_axis(TRIT_AXIS_MASK, "mask", c->mask, 1u << TRIT_MASK_CAUSAL, err));
    if (c->bias)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                          "config: biases are not served by this version");
    if (c->kv_bits != 16)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                          "config: a KV cache of %d bits is not served by this version",
                          c->kv_bits);
    if (c->residual_scale != 1.0f)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                          "config: residual_scale is not served by this version");
    for (int i = 0; i < TRIT_SITE_COUNT; i++) {
        const trit_linear_spec *s = &c->site[i];
        bool sub_norm = i == TRIT_SITE_O || i == TRIT_SITE_DOWN;
        bool head = i == TRIT_SITE_HEAD;
        TRIT_TRY(check_axis(TRIT_AXIS_NORM, "norm", s->norm,
                            1u << TRIT_NORM_NONE | (sub_norm ? 1u << TRIT_NORM_RMS : 0), err));
        TRIT_TRY(check_axis(TRIT_AXIS_ROTATE, "rotate", s->rotate, 1u << TRIT_ROTATE_NONE, err));
        TRIT_TRY(check_axis(TRIT_AXIS_ACT, "act", s->act,
                            head ? 1u << TRIT_ACT_NONE : 1u << TRIT_ACT_A8, err));
        TRIT_TRY(check_axis(TRIT_AXIS_WEIGHT, "weight", s->weight,
                            head ? 1u << TRIT_WEIGHT_F16 | 1u << TRIT_WEIGHT_INT8
                                 : 1u << TRIT_WEIGHT_TERNARY,
                            err));
        TRIT_TRY(check_axis(TRIT_AXIS_KEEP, "keep", s->keep, 1u << TRIT_KEEP_ALL, err));
    }
    return TRIT_OK;
}
