/* What Hugging Face packed: the layout, what the scales mean, and every way in which a tensor or an
 * index can be wrong. */

#include "hf_bytes.h"
#include "json_text.h"

static uint8_t file[HF_FILE];
static trit_error err;

static trit_status take(trit_loader *loader, size_t n, trit_model **model)
{
    trit_status status = TRIT_OK;
    for (size_t at = 0; at < n && status == TRIT_OK; at += 1000)
        status = trit_loader_push(loader, file + at, n - at < 1000 ? n - at : 1000, &err);
    return status == TRIT_OK && model ? trit_loader_finish(loader, model, &err) : status;
}

static trit_status load(const hf_tensor *tensors, const char *quantization)
{
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    err = (trit_error){0};
    trit_status status = hf_loader(&loader, quantization, NULL, &err);
    if (status == TRIT_OK) status = take(loader, hf_write(file, tensors, 0, 1), &model);
    trit_model_free(model);
    trit_loader_free(loader);
    return status;
}

static void test_conventions(void)
{
    static const struct {
        const char *quantization;
        trit_status status;
    } cases[] = {
        {"{\"quant_method\":\"bitnet\",\"linear_class\":\"bitlinear\"}", TRIT_OK},
        {"{\"quant_method\":\"bitnet\",\"linear_class\":\"autobitlinear\"}", TRIT_OK},
        {"{\"quant_method\":\"bitnet\",\"use_rms_norm\":false}", TRIT_OK},
        {"{\"quant_method\":\"bitnet\",\"use_rms_norm\":true}", TRIT_UNSUPPORTED},
        {"{\"quant_method\":\"bitnet\",\"quantization_mode\":\"online\"}", TRIT_UNSUPPORTED},
        {"{\"quant_method\":\"bitnet\",\"quantization_mode\":1}", TRIT_UNSUPPORTED},
        {"{\"quant_method\":\"bitnet\",\"linear_class\":\"linear\"}", TRIT_UNSUPPORTED},
        {"{\"quant_method\":\"bitnet\",\"linear_class\":null}", TRIT_UNSUPPORTED},
        {"{\"quant_method\":\"gptq\"}", TRIT_UNSUPPORTED},
        {"{}", TRIT_UNSUPPORTED},
        {"[]", TRIT_UNSUPPORTED},
        /* nothing tells what the scales mean, or the matrices should be masters */
        {NULL, TRIT_BAD_TENSOR_TYPE},
        {"null", TRIT_BAD_TENSOR_TYPE},
        {"{\"quant_method\":\"bitnet\",\"linear_class\":\"autobitlinear\","
         "\"quantization_mode\":\"online\"}",
         TRIT_BAD_TENSOR_TYPE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TRIT_CHECK_EQ_I(load(hf_tensors, cases[i].quantization), cases[i].status);
        TRIT_CHECK(cases[i].status == TRIT_OK || err.message[0] != 0);
    }
}

/* Rotations that are not served would change every token without a word. */
static void test_rope(void)
{
    static const struct {
        const char *keys; /* after quantization_config */
        trit_status status;
    } cases[] = {
        {"\"rope_scaling\":null,\"rope_parameters\":null", TRIT_OK},
        {"\"rope_parameters\":{\"rope_theta\":5.0,\"rope_type\":\"default\"}", TRIT_OK},
        {"\"rope_parameters\":{\"rope_theta\":0,\"rope_type\":\"default\"}", TRIT_BAD_CONFIG},
        {"\"rope_parameters\":{\"rope_type\":\"default\"}", TRIT_BAD_CONFIG},
        {"\"rope_parameters\":{\"rope_theta\":5.0,\"rope_type\":\"yarn\"}", TRIT_UNSUPPORTED},
        {"\"rope_parameters\":{\"rope_theta\":5.0,\"rope_type\":1}", TRIT_UNSUPPORTED},
        {"\"rope_parameters\":{\"rope_theta\":5.0,\"partial_rotary_factor\":0.5}",
         TRIT_UNSUPPORTED},
        {"\"partial_rotary_factor\":0.5", TRIT_UNSUPPORTED},
        {"\"partial_rotary_factor\":1.0", TRIT_OK},
        {"\"rope_scaling\":{\"factor\":2.0}", TRIT_UNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char more[256];
        sprintf(more, "{\"quant_method\":\"bitnet\"},%s", cases[i].keys);
        TRIT_CHECK_EQ_I(load(hf_tensors, more), cases[i].status);
    }
}

/* Which models a config.json may speak of: one change in a good one. */
static void test_configs(void)
{
#define LLAMA(architectures) "\"model_type\":\"llama\"" architectures
    static const char model[] = "\"model_type\":\"bitnet\"", tied[] = "\"tie_word",
                      llama[] = LLAMA(",\"architectures\":[\"LlamaForCausalLM\"]"),
                      large[] = LLAMA(",\"architectures\":[\"BitnetForCausalLM\"]");
    static const struct {
        const char *quantization, *old, *new;
        trit_status status;
    } cases[] = {
        {hf_divide, model, llama, TRIT_OK},
        {NULL, model, llama, TRIT_UNSUPPORTED}, /* nothing says that it is ternary */
        {"[]", model, llama, TRIT_UNSUPPORTED},
        {NULL, model, large, TRIT_OK},
        {hf_divide, model, LLAMA(""), TRIT_UNSUPPORTED},
        {hf_divide, model, LLAMA(",\"architectures\":[]"), TRIT_UNSUPPORTED},
        {hf_divide, model, LLAMA(",\"architectures\":[7]"), TRIT_UNSUPPORTED},
        {hf_divide, model, "\"model_type\":\"mistral\"", TRIT_UNSUPPORTED},
        {NULL, "\"silu\"", "\"relu2\"", TRIT_OK},
        {NULL, "\"silu\"", "\"gelu\"", TRIT_BAD_CONFIG},
        {NULL, tied, "\"head_dim\":null,\"tie_word", TRIT_OK},
        {NULL, tied, "\"head_dim\":16,\"tie_word", TRIT_OK},
        {NULL, tied, "\"head_dim\":0,\"tie_word", TRIT_BAD_CONFIG},
        {NULL, tied, "\"rope_scaling\":null,\"tie_word", TRIT_OK},
        {NULL, tied, "\"rope_scaling\":{\"factor\":8.0},\"tie_word", TRIT_UNSUPPORTED},
        {NULL, tied, "\"attention_bias\":true,\"tie_word", TRIT_UNSUPPORTED},
        {NULL, tied, "\"mlp_bias\":true,\"tie_word", TRIT_UNSUPPORTED},
    };
#undef LLAMA
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static char text[HF_TEXT], changed[HF_TEXT];
        trit_loader *loader = NULL;
        (void)hf_config(text, cases[i].quantization);
        size_t n = replace(text, cases[i].old, cases[i].new, changed);
        TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_F16, NULL, NULL), TRIT_OK);
        trit_status status = trit_loader_side(loader, TRIT_SIDE_CONFIG, changed, n, &err);
        if (status != cases[i].status) fprintf(stderr, "%s: %s\n", cases[i].new, err.message);
        TRIT_CHECK_EQ_I(status, cases[i].status);
        trit_loader_free(loader);
    }
}

static hf_tensor *find(hf_tensor *tensors, const char *part)
{
    for (int i = 0; i < HF_TENSORS; i++)
        if (strstr(tensors[i].name, part)) return &tensors[i];
    exit(1);
}

/* One tensor is other than it should be; the sentence names it. */
static void test_tensors(void)
{
    static const char up[] = "mlp.up_proj.weight", up_scale[] = "mlp.up_proj.weight_scale";
    static const struct {
        const char *part;
        hf_tensor change;
        trit_status status;
    } cases[] = {
        {up, {NULL, "BF16", HF_FFN / 4, HF_DIM, 0x3c}, TRIT_BAD_TENSOR_TYPE},
        {up, {NULL, "F32", HF_FFN, HF_DIM, 0x3c}, TRIT_BAD_TENSOR_TYPE},
        {up, {NULL, "I8", HF_FFN / 4, HF_DIM, 0x55}, TRIT_BAD_TENSOR_TYPE},
        {up, {NULL, "U8", HF_FFN, HF_DIM, 0x55}, TRIT_BAD_TENSOR_SHAPE},
        {up, {NULL, "U8", HF_DIM, HF_FFN / 4, 0x55}, TRIT_BAD_TENSOR_SHAPE},
        {up, {NULL, "U8", HF_FFN / 4 * HF_DIM, 0, 0x55}, TRIT_BAD_TENSOR_SHAPE},
        {up, {NULL, "U8", HF_FFN / 4, HF_DIM, 0xc0}, TRIT_BAD_CODES},
        {up, {NULL, "U8", HF_FFN / 4, HF_DIM, 0x03}, TRIT_BAD_CODES},
        {up_scale, {NULL, "U8", 1, 0, 1}, TRIT_BAD_TENSOR_TYPE},
        {up_scale, {NULL, "F32", 1, 0, 0x3c}, TRIT_OK},
        {up_scale, {NULL, "F16", 1, 0, 0x3c}, TRIT_OK},
        {up_scale, {NULL, "BF16", 2, 0, 0x3c}, TRIT_BAD_TENSOR_SHAPE},
        {up_scale, {NULL, "BF16", 1, 1, 0x3c}, TRIT_BAD_TENSOR_SHAPE},
        {up_scale, {NULL, "BF16", HF_FFN, 0, 0x3c}, TRIT_BAD_TENSOR_SHAPE},
        {up_scale, {NULL, "BF16", 1, 0, 0}, TRIT_BAD_SCALE},    /* 0 */
        {up_scale, {NULL, "BF16", 1, 0, 0xff}, TRIT_BAD_SCALE}, /* NaN */
        {up_scale, {NULL, "BF16", 1, 0, 0xbc}, TRIT_BAD_SCALE}, /* negative */
        {up_scale, {NULL, "F16", 1, 0, 0x7c}, TRIT_BAD_SCALE},  /* NaN */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int divide = 0; divide < 2; divide++) {
            hf_tensor tensors[HF_TENSORS];
            memcpy(tensors, hf_tensors, sizeof tensors);
            hf_tensor *t = find(tensors, cases[i].part);
            const char *name = t->name;
            *t = cases[i].change;
            t->name = name;
            TRIT_CHECK_EQ_I(load(tensors, divide ? hf_divide : hf_multiply), cases[i].status);
            TRIT_CHECK(cases[i].status == TRIT_OK || strstr(err.message, name) != NULL);
        }
}

/* The bits of a scale that no filling byte makes. */
static void test_scales(void)
{
    static const struct {
        uint16_t bits; /* of a bf16 */
        trit_status multiply, divide;
    } cases[] = {
        {0x7f80, TRIT_BAD_SCALE, TRIT_BAD_SCALE}, /* infinite */
        {0xff80, TRIT_BAD_SCALE, TRIT_BAD_SCALE},
        {0x8000, TRIT_BAD_SCALE, TRIT_BAD_SCALE}, /* -0 */
        {0x0001, TRIT_OK, TRIT_BAD_SCALE},        /* one over it is infinite */
        {0x3f80, TRIT_OK, TRIT_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int divide = 0; divide < 2; divide++) {
            trit_loader *loader = NULL;
            trit_model *model = NULL;
            TRIT_CHECK_EQ_I(hf_loader(&loader, divide ? hf_divide : hf_multiply, NULL, NULL),
                            TRIT_OK);
            size_t n = hf_write(file, hf_tensors, 0, 1), behind = 0;
            for (int k = HF_TENSORS - 1; !strstr(hf_tensors[k].name, "o_proj.weight_scale"); k--)
                behind += hf_bytes(&hf_tensors[k]);
            file[n - behind - 2] = (uint8_t)cases[i].bits;
            file[n - behind - 1] = (uint8_t)(cases[i].bits >> 8);
            TRIT_CHECK_EQ_I(take(loader, n, &model), divide ? cases[i].divide : cases[i].multiply);
            trit_model_free(model);
            trit_loader_free(loader);
        }
}

static void test_shards(void)
{
    static char index[HF_TEXT];
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    hf_index(index);
    TRIT_CHECK_EQ_I(hf_loader(&loader, hf_multiply, index, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_side(loader, TRIT_SIDE_INDEX, index, strlen(index), NULL),
                    TRIT_STATE);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, file, 1, NULL), TRIT_STATE);
    TRIT_CHECK_EQ_I(trit_loader_finish(loader, &model, NULL), TRIT_MISSING_TENSOR);
    for (int i = 1; i >= 0; i--) { /* any order */
        TRIT_CHECK_EQ_I(trit_loader_shard(loader, hf_shard(i), &err), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_loader_side(loader, TRIT_SIDE_GENERATION_CONFIG, "{}", 2, NULL),
                        TRIT_STATE);
        TRIT_CHECK_EQ_I(trit_loader_pool(loader, NULL, NULL), TRIT_STATE);
        TRIT_CHECK_EQ_I(take(loader, hf_write(file, hf_tensors, i, 2), NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_loader_finish(loader, &model, &err),
                        i ? TRIT_MISSING_TENSOR : TRIT_OK);
        TRIT_CHECK(!i || strstr(err.message, hf_shard(0)) != NULL);
    }
    trit_model_free(model);
    trit_loader_free(loader);
}

/* The first shard is fine; the second is not. */
static void test_wrong_shards(void)
{
    static char index[HF_TEXT];
    static const struct {
        const char *name; /* of what is given as the second shard; its bytes are those of tensors */
        int first, step, cut, more;
        trit_status status;
    } cases[] = {
        {"model-00002-of-00002.safetensors", 1, 2, 0, 0, TRIT_OK},
        {"model-00001-of-00002.safetensors", 0, 2, 0, 0, TRIT_STATE},
        {"model-00003-of-00002.safetensors", 1, 2, 0, 0, TRIT_BAD_INDEX},
        {"model-00002-of-00002.safetensors", 0, 2, 0, 0, TRIT_BAD_INDEX},
        {"model-00002-of-00002.safetensors", 0, 1, 0, 0, TRIT_BAD_INDEX},
        {"model-00002-of-00002.safetensors", 3, 2, 0, 0, TRIT_BAD_INDEX},
        {"model-00002-of-00002.safetensors", 1, 2, 1, 0, TRIT_TRUNCATED},
        {"model-00002-of-00002.safetensors", 1, 2, 0, 1, TRIT_TRAILING_BYTES},
    };
    hf_index(index);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trit_loader *loader = NULL;
        trit_model *model = NULL;
        TRIT_CHECK_EQ_I(hf_loader(&loader, hf_multiply, index, NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_loader_shard(loader, hf_shard(0), NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(take(loader, hf_write(file, hf_tensors, 0, 2), NULL), TRIT_OK);
        trit_status status = trit_loader_shard(loader, cases[i].name, &err);
        size_t n = hf_write(file, hf_tensors, cases[i].first, cases[i].step) -
                   (size_t)cases[i].cut + (size_t)cases[i].more;
        if (status == TRIT_OK) status = take(loader, n, &model);
        TRIT_CHECK_EQ_I(status, cases[i].status);
        TRIT_CHECK(status == TRIT_OK || strstr(err.message, "model-0000") != NULL);
        if (status != TRIT_OK && status != TRIT_TRUNCATED)
            TRIT_CHECK_EQ_I(trit_loader_shard(loader, hf_shard(1), NULL), TRIT_STATE);
        trit_model_free(model);
        trit_loader_free(loader);
    }
}

static void test_wrong_index(void)
{
    static const struct {
        const char *text;
        trit_status status;
    } cases[] = {
        {"[]", TRIT_BAD_INDEX},
        {"{\"weight_map\":[]}", TRIT_BAD_INDEX},
        {"{\"weight_map\":{}}", TRIT_BAD_INDEX},
        {"{\"weight_map\":{\"a\":null}}", TRIT_BAD_INDEX},
        {"{\"weight_map\":{\"a\":\"\"}}", TRIT_BAD_INDEX},
        {"{\"weight_map\":{\"a\":\".safetensors\"}}", TRIT_BAD_INDEX},
        {"{\"weight_map\":{\"a\":\"..safetensors\"}}", TRIT_BAD_INDEX},
        {"{\"weight_map\":{\"a\":\"b/c.safetensors\"}}", TRIT_BAD_INDEX},
        {"{\"weight_map\":{\"a\":\"b\\\\c.safetensors\"}}", TRIT_BAD_INDEX},
        {"{\"weight_map\":{\"a\":\"b%2fc.safetensors\"}}", TRIT_BAD_INDEX},
        {"{\"weight_map\":{\"a\":\"b.bin\"}}", TRIT_BAD_INDEX},
        {"{\"weight_map\":{\"a\":\"b.safetensors\",\"a\":\"b.safetensors\"}}", TRIT_BAD_JSON},
        {"{\"weight_map\":{\"a\":\"b.safetensors\"}}", TRIT_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        trit_loader *loader = NULL;
        TRIT_CHECK_EQ_I(hf_loader(&loader, hf_multiply, cases[i].text, &err), cases[i].status);
        trit_loader_free(loader);
    }
    trit_loader *loader = NULL;
    TRIT_CHECK_EQ_I(hf_loader(&loader, hf_multiply, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_shard(loader, hf_shard(0), NULL), TRIT_STATE);
    trit_loader_free(loader);
}

int main(void)
{
    test_conventions();
    test_rope();
    test_configs();
    test_tensors();
    test_scales();
    test_shards();
    test_wrong_shards();
    test_wrong_index();
    return TRIT_DONE();
}
