/* Known models as data: with names.c, and gguf_config.c for GGUF, the only place where a model's name or
 * keys stand. */
#include "config.h"

void tritx_config_2b4t_axes(trit_config *config)
{
    const trit_linear_spec plain = {TRIT_NORM_NONE, TRIT_ROTATE_NONE, TRIT_ACT_A8,
                                    TRIT_WEIGHT_TERNARY, TRIT_KEEP_ALL};
    config->residual_scale = 1.0f;
    config->norm_place = TRIT_PLACE_PRE;
    config->ffn = TRIT_FFN_GLU_RELU2;
    config->rope = TRIT_ROPE_NEOX;
    config->mask = TRIT_MASK_CAUSAL;
    config->kv_bits = 16;
    config->tied_head = 1;
    for (int i = 0; i < TRIT_SITE_COUNT; i++) config->site[i] = plain;
    config->site[TRIT_SITE_O].norm = config->site[TRIT_SITE_DOWN].norm = TRIT_NORM_RMS;
    config->site[TRIT_SITE_HEAD].act = TRIT_ACT_NONE;
    config->site[TRIT_SITE_HEAD].weight = TRIT_WEIGHT_INT8;
}

static const struct {
    const char *name;
    trit_ffn ffn;
    trit_norm sub_norm; /* before o and down */
    uint8_t tied_head;
    int32_t n_layer, dim, ffn_dim, n_head, n_head_kv, head_dim, n_vocab, n_ctx;
    float norm_eps, rope_theta;
} presets[] = {
    /* the bundled test model's shape */
    {"tiny", TRIT_FFN_GLU_RELU2, TRIT_NORM_RMS, 1, 8, 256, 768, 4, 2, 64, 4096, 512, 1e-5f, 1e4f},
    /* 1bitLLM/bitnet_b1_58-large; arXiv 2402.17764, 700M row */
    {"0.7B", TRIT_FFN_GLU_SILU, TRIT_NORM_RMS, 1, 24, 1536, 4096, 16, 16, 96, 32002, 2048, 1e-5f,
     1e4f},
    /* 1bitLLM/bitnet_b1_58-3B; its ffn_dim is no multiple of 128, its head no multiple of 8 */
    {"3B", TRIT_FFN_GLU_SILU, TRIT_NORM_RMS, 1, 26, 3200, 8640, 32, 32, 100, 32002, 2048, 1e-5f,
     1e4f},
    /* microsoft/bitnet-b1.58-2B-4T; arXiv 2504.12285 */
    {"2B4T", TRIT_FFN_GLU_RELU2, TRIT_NORM_RMS, 1, 30, 2560, 6912, 20, 5, 128, 128256, 4096, 1e-5f,
     5e5f},
    /* HF1BitLLM/Llama3-8B-1.58-100B-tokens; the shape of Llama-3-8B */
    {"Llama3-8B", TRIT_FFN_GLU_SILU, TRIT_NORM_NONE, 0, 32, 4096, 14336, 32, 8, 128, 128256, 8192,
     1e-5f, 5e5f},
    /* tiiuae/Falcon3-*-1.58bit. Of 1B the widths follow from its heads and its 1.132e9 ternary
     * weights, the context from its card, and eps is the family's. */
    {"Falcon3-1B", TRIT_FFN_GLU_SILU, TRIT_NORM_NONE, 0, 18, 2048, 8192, 8, 4, 256, 131072, 8192,
     1e-6f, 1000042.0f},
    {"Falcon3-3B", TRIT_FFN_GLU_SILU, TRIT_NORM_NONE, 0, 22, 3072, 9216, 12, 4, 256, 131072, 4096,
     1e-6f, 1000042.0f},
    {"Falcon3-7B", TRIT_FFN_GLU_SILU, TRIT_NORM_NONE, 0, 28, 3072, 23040, 12, 4, 256, 131072, 8192,
     1e-6f, 1000042.0f},
    {"Falcon3-10B", TRIT_FFN_GLU_SILU, TRIT_NORM_NONE, 0, 40, 3072, 23040, 12, 4, 256, 131072,
     32768, 1e-6f, 1000042.0f},
};

trit_status trit_config_preset(const char *name, trit_config *config, trit_error *err)
{
    for (size_t i = 0; name && config && i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(presets[i].name, name) != 0) continue;
        trit_config c = {.n_layer = presets[i].n_layer,
                         .dim = presets[i].dim,
                         .ffn_dim = presets[i].ffn_dim,
                         .n_head = presets[i].n_head,
                         .n_head_kv = presets[i].n_head_kv,
                         .head_dim = presets[i].head_dim,
                         .n_vocab = presets[i].n_vocab,
                         .n_ctx = presets[i].n_ctx,
                         .norm_eps = presets[i].norm_eps,
                         .rope_theta = presets[i].rope_theta,
                         .bos_id = -1};
        tritx_config_2b4t_axes(&c);
        c.ffn = (uint8_t)presets[i].ffn;
        c.tied_head = presets[i].tied_head;
        c.site[TRIT_SITE_O].norm = c.site[TRIT_SITE_DOWN].norm = (uint8_t)presets[i].sub_norm;
        *config = c;
        return TRIT_OK;
    }
    return tritx_fail(err, TRIT_PARAM, 0,
                      "no shape of that name: use tiny, 0.7B, 3B, 2B4T, Llama3-8B or Falcon3- with "
                      "1B, 3B, 7B or 10B");
}

/* The limits are those of trit_config_validate. */
static trit_status hf_shape(const cJSON *root, trit_config *c, trit_error *err)
{
    const struct {
        const char *key;
        int32_t *out;
    } keys[] = {
        {"num_hidden_layers", &c->n_layer},     {"hidden_size", &c->dim},
        {"intermediate_size", &c->ffn_dim},     {"num_attention_heads", &c->n_head},
        {"num_key_value_heads", &c->n_head_kv}, {"vocab_size", &c->n_vocab},
        {"max_position_embeddings", &c->n_ctx},
    };
    int64_t value;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (!tritx_json_int(root, keys[i].key, 1, INT32_MAX, &value))
            return tritx_fail(err, TRIT_BAD_CONFIG, 0,
                              "config.json: \"%s\" is missing or no positive integer", keys[i].key);
        *keys[i].out = (int32_t)value;
    }
    /* absent in 2B4T's file, where the class divides: a definition, not a guess */
    const cJSON *head_dim = cJSON_GetObjectItemCaseSensitive(root, "head_dim");
    if (!head_dim || cJSON_IsNull(head_dim)) c->head_dim = c->dim / c->n_head;
    else if (tritx_json_int(root, "head_dim", 1, INT32_MAX, &value)) c->head_dim = (int32_t)value;
    else
        return tritx_fail(err, TRIT_BAD_CONFIG, 0,
                          "config.json: \"head_dim\" is no positive integer");
    return TRIT_OK;
}

/* A member that is a string; `absent` without it, "" when it is something else. */
static const char *word_of(const cJSON *object, const char *key, const char *absent)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item) return absent;
    return cJSON_IsString(item) ? item->valuestring : "";
}

/* Who has the norms before o and down, and is ternary whatever quantization_config says. */
static trit_status hf_family(const cJSON *root, trit_config *c, trit_error *err)
{
    static const struct {
        const char *model_type, *architecture; /* NULL: any */
        trit_norm sub_norm;
        bool is_ternary;
    } families[] = {
        {"bitnet", NULL, TRIT_NORM_RMS, true},
        {"llama", "BitnetForCausalLM", TRIT_NORM_RMS, true}, /* bitnet_b1_58-large and -3B */
        {"llama", "LlamaForCausalLM", TRIT_NORM_NONE, false},
    };
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "architectures");
    const char *model_type = word_of(root, "model_type", ""),
               *architecture = cJSON_IsArray(list) ? cJSON_GetStringValue(list->child) : NULL;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (strcmp(families[i].model_type, model_type) != 0) continue;
        if (families[i].architecture &&
            (!architecture || strcmp(families[i].architecture, architecture) != 0))
            continue;
        if (!families[i].is_ternary &&
            !cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(root, "quantization_config")))
            return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                              "config.json: a %s without quantization_config is not ternary",
                              families[i].architecture);
        c->site[TRIT_SITE_O].norm = c->site[TRIT_SITE_DOWN].norm = (uint8_t)families[i].sub_norm;
        return TRIT_OK;
    }
    return tritx_fail(
        err, TRIT_UNSUPPORTED, 0,
        "config.json: model_type \"%.40s\" with architecture \"%.40s\" is not served: "
        "bitnet is, llama with BitnetForCausalLM or LlamaForCausalLM",
        model_type, architecture ? architecture : "");
}

/* How far tokens are rotated. Newer files have it in rope_parameters, which then is what counts. */
static trit_status hf_rope(const cJSON *root, trit_config *c, trit_error *err)
{
    const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(root, "rope_parameters"),
                *scaling = cJSON_GetObjectItemCaseSensitive(root, "rope_scaling"),
                *place = cJSON_IsObject(parameters) ? parameters : root,
                *partial = cJSON_GetObjectItemCaseSensitive(place, "partial_rotary_factor"),
                *theta = cJSON_GetObjectItemCaseSensitive(place, "rope_theta");
    if ((scaling && !cJSON_IsNull(scaling)) ||
        strcmp(word_of(parameters, "rope_type", "default"), "default") != 0)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0, "config.json: rope_scaling is not served");
    if (partial && !(cJSON_IsNumber(partial) && partial->valuedouble == 1))
        return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                          "config.json: a partial_rotary_factor other than 1 is not served");
    if (!cJSON_IsNumber(theta))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config.json: rope_theta is missing");
    c->rope_theta = (float)theta->valuedouble;
    return TRIT_OK;
}

static trit_status hf_axes(const cJSON *root, trit_config *c, trit_error *err)
{
    TRIT_TRY(hf_family(root, c, err));
    const char *act = word_of(root, "hidden_act", "");
    if (strcmp(act, "relu2") == 0) c->ffn = TRIT_FFN_GLU_RELU2;
    else if (strcmp(act, "silu") == 0) c->ffn = TRIT_FFN_GLU_SILU;
    else
        return tritx_fail(err, TRIT_BAD_CONFIG, 0, "config.json: hidden_act must be relu2 or silu");
    const cJSON *eps = cJSON_GetObjectItemCaseSensitive(root, "rms_norm_eps");
    const cJSON *tied = cJSON_GetObjectItemCaseSensitive(root, "tie_word_embeddings");
    if (!cJSON_IsNumber(eps) || !cJSON_IsBool(tied))
        return tritx_fail(err, TRIT_BAD_CONFIG, 0,
                          "config.json: rms_norm_eps or tie_word_embeddings is missing");
    c->norm_eps = (float)eps->valuedouble;
    c->tied_head = cJSON_IsTrue(tied) ? 1 : 0;
    TRIT_TRY(hf_rope(root, c, err));
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "attention_bias")) ||
        cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "mlp_bias")))
        return tritx_fail(err, TRIT_UNSUPPORTED, 0, "config.json: biases are not served");
    return TRIT_OK;
}

/* The words of quantization_config; what is absent has the default of its class (Hugging Face
 * transformers, BitNetQuantConfig). The size of a scale tells nothing, so nothing else is asked. */
static trit_status hf_weights(const cJSON *root, tritx_hf_weights *weights, trit_error *err)
{
    static const struct {
        const char *linear_class, *mode;
        tritx_hf_weights weights;
    } known[] = {{"bitlinear", "offline", TRITX_HF_DIVIDE},
                 {"autobitlinear", "offline", TRITX_HF_MULTIPLY},
                 {"autobitlinear", "online", TRITX_HF_MASTERS}};
    const cJSON *object = cJSON_GetObjectItemCaseSensitive(root, "quantization_config");
    *weights = TRITX_HF_MASTERS;
    if (!object || cJSON_IsNull(object)) return TRIT_OK;
    const char *method = word_of(object, "quant_method", ""),
               *linear_class = word_of(object, "linear_class", "bitlinear"),
               *mode = word_of(object, "quantization_mode", "offline");
    if (strcmp(method, "bitnet") != 0)
        return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                          "config.json: quant_method is \"%.40s\", only bitnet is served", method);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, "use_rms_norm")))
        return tritx_fail(err, TRIT_UNSUPPORTED, 0, "config.json: use_rms_norm is not served");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].linear_class, linear_class) == 0 && strcmp(known[i].mode, mode) == 0) {
            *weights = known[i].weights;
            return TRIT_OK;
        }
    return tritx_fail(err, TRIT_UNSUPPORTED, 0,
                      "config.json: linear_class \"%.40s\" with quantization_mode \"%.40s\" does "
                      "not tell how weights are stored",
                      linear_class, mode);
}

/* bos_token_id and eos_token_id, as config.json and generation_config.json both hold them */
static trit_status hf_special_ids(const cJSON *root, trit_config *c, trit_error *err)
{
    const cJSON *bos = cJSON_GetObjectItemCaseSensitive(root, "bos_token_id");
    int64_t id;
    if (bos && !cJSON_IsNull(bos)) {
        if (!tritx_json_int(root, "bos_token_id", 0, TRITX_MAX_VOCAB - 1, &id))
            return tritx_fail(err, TRIT_BAD_CONFIG, 0, "bos_token_id is not a token id");
        c->bos_id = (int32_t)id;
    }
    const cJSON *eos = cJSON_GetObjectItemCaseSensitive(root, "eos_token_id");
    if (!eos || cJSON_IsNull(eos)) return TRIT_OK;
    c->n_stop = 0;
    if (!cJSON_IsArray(eos)) return tritx_config_read_stop(eos, c, err);
    for (const cJSON *item = eos->child; item; item = item->next)
        TRIT_TRY(tritx_config_read_stop(item, c, err));
    return TRIT_OK;
}

trit_status tritx_config_hf(const char *text, size_t n_bytes, trit_config *config,
                            tritx_hf_weights *weights, trit_error *err)
{
    tritx_json json;
    trit_config c = {.bos_id = -1};
    TRIT_TRY(tritx_json_parse(text, n_bytes, &json, err));
    tritx_config_2b4t_axes(&c);
    trit_status status = hf_shape(json.root, &c, err);
    if (status == TRIT_OK) status = hf_axes(json.root, &c, err);
    if (status == TRIT_OK) status = hf_weights(json.root, weights, err);
    if (status == TRIT_OK) status = hf_special_ids(json.root, &c, err);
    tritx_json_free(&json);
    if (status == TRIT_OK) *config = c;
    return status;
}

trit_status tritx_config_generation(const char *text, size_t n_bytes, trit_config *config,
                                    trit_error *err)
{
    tritx_json json;
    TRIT_TRY(tritx_json_parse(text, n_bytes, &json, err));
    trit_config c = *config;
    trit_status status = hf_special_ids(json.root, &c, err);
    tritx_json_free(&json);
    if (status == TRIT_OK) *config = c;
    return status;
}
