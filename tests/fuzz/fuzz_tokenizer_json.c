/* tokenizer.json of the input's own, or a good one of either kind with a few places changed: refused with a
 * status, or a tokenizer that makes ids of a text. */
#include "input.h"
#include "unit/hf_bytes.h"

static buffer config, good[2], tensors;

static void make_good(void)
{
    static char text[HF_TEXT];
    static uint8_t file[HF_FILE];
    append(&config, (uint8_t *)text, hf_config(text, hf_multiply));
    append(&good[0], (uint8_t *)text, hf_tokenizer(text));
    append(&good[1], (uint8_t *)text, hf_sentencepiece(text));
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

static trit_status load_input(input *in)
{
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    bool kind = in->n && in->data[0] & 64; /* a bit that take_file does not use */
    buffer text = take_file(in, &good[kind], 0);
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
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!good[0].bytes) {
        make_good();
        /* A seed that is refused as it is would hide everything behind its first error. */
        for (uint8_t kind = 0; kind < 128; kind += 64)
            if (load_input(&(input){&kind, 1}) != TRIT_OK) abort();
    }
    load_input(&(input){data, n});
    return 0;
}
