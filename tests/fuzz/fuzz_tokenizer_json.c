/* tokenizer.json of the input's own, or a good one with a few places changed: refused with a status, or a
 * tokenizer that makes ids of a text. */
#include "input.h"
#include "unit/hf_bytes.h"

static buffer config, good, tensors;

static void make_good(void)
{
    static char text[HF_TEXT];
    static uint8_t file[HF_FILE];
    append(&config, (uint8_t *)text, hf_config(text, hf_multiply));
    append(&good, (uint8_t *)text, hf_tokenizer(text));
    append(&tensors, file, hf_write(file, hf_tensors, 0, 1));
}

static void use(const trit_model *model)
{
    static const char text[] = "Once, 1234 caf\xc3\xa9s\n\n  <|a|>ab\xff";
    int32_t ids[64];
    size_t n = 0;
    for (uint32_t flags = 0; flags < 4; flags++) {
        trit_error err = {0};
        trit_status status =
            checked(trit_tokenize(model, text, sizeof text - 1, flags, ids, 64, &n, &err), &err);
        if (status == TRIT_OK && n > 64) abort();
        for (size_t i = 0; status == TRIT_OK && i < n; i++)
            if (ids[i] < 0 || ids[i] >= HF_VOCAB) abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!good.bytes) make_good();
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    input in = {data, n};
    buffer text = take_file(&in, &good, 0);
    if (trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL) != TRIT_OK) abort();
    if (give_side(loader, TRIT_SIDE_CONFIG, &config) != TRIT_OK) abort();
    trit_status status = give_side(loader, TRIT_SIDE_TOKENIZER, &text);
    free(text.bytes);
    if (status == TRIT_OK) {
        trit_error err = {0};
        if (push_file(loader, &tensors, tensors.n) != TRIT_OK) abort();
        status = checked(trit_loader_finish(loader, &model, &err), &err);
        if (status == TRIT_OK) use(model);
    }
    trit_model_free(model);
    trit_loader_free(loader);
    return 0;
}
