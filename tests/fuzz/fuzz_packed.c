/* A packed file of the input's own, or a good one with a few places changed, in pieces of any size: the
 * loader must answer with a status, never with a crash, a leak or an endless loop; and what it takes, it
 * writes again. */
#include "input.h"
#include "unit/hf_bytes.h"

static trit_model *synthetic(void)
{
    trit_config c;
    trit_model *model = NULL;
    if (trit_config_preset("tiny", &c, NULL) != TRIT_OK) abort();
    c.n_layer = 1, c.n_vocab = 258, c.dim = 16, c.ffn_dim = 20, c.n_head = 2, c.n_head_kv = 1,
    c.head_dim = 8;
    if (trit_model_synthetic(&c, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model,
                             NULL) != TRIT_OK)
        abort();
    return model;
}

/* One with words, a chat template of its own and ids that stop it; its head has half-precision numbers. */
static trit_model *of_hugging_face(void)
{
    static char config[HF_TEXT], tokenizer[HF_TEXT];
    static uint8_t bytes[HF_FILE];
    static const char stops[] = "{\"bos_token_id\":256,\"eos_token_id\":[256,257]}",
                      template[] = "{{ messages }}";
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    const struct {
        trit_side side;
        const char *text;
        size_t n;
    } sides[] = {{TRIT_SIDE_CONFIG, config, hf_config(config, hf_multiply)},
                 {TRIT_SIDE_TOKENIZER, tokenizer, hf_sentencepiece(tokenizer)},
                 {TRIT_SIDE_GENERATION_CONFIG, stops, sizeof stops - 1},
                 {TRIT_SIDE_CHAT_TEMPLATE, template, sizeof template - 1}};
    if (trit_loader_new(&loader, TRIT_HEAD_F16, NULL, NULL) != TRIT_OK) abort();
    for (int i = 0; i < 4; i++)
        if (trit_loader_side(loader, sides[i].side, sides[i].text, sides[i].n, NULL) != TRIT_OK)
            abort();
    if (trit_loader_push(loader, bytes, hf_write(bytes, hf_tensors, 0, 1), NULL) != TRIT_OK ||
        trit_loader_finish(loader, &model, NULL) != TRIT_OK)
        abort();
    trit_loader_free(loader);
    return model;
}

static buffer file_of(trit_model *model, size_t *n_header)
{
    buffer file = {0};
    if (trit_model_write(model, "{\"name\":\"a test\"}", append, &file, NULL) != TRIT_OK) abort();
    trit_model_free(model);
    *n_header = 8 + (size_t)(file.bytes[0] | file.bytes[1] << 8);
    return file;
}

static trit_status load_file(const buffer *file, size_t piece, trit_head head)
{
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    trit_error err = {0};
    if (trit_loader_new(&loader, head, NULL, NULL) != TRIT_OK) abort();
    trit_status status = push_file(loader, file, piece);
    if (status == TRIT_OK) status = checked(trit_loader_finish(loader, &model, &err), &err);
    trit_loader_free(loader);
    if (status != TRIT_OK) return status;
    buffer again = {0};
    if (trit_model_write(model, NULL, append, &again, NULL) != TRIT_OK) abort();
    trit_model_free(model);
    free(again.bytes);
    return TRIT_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static buffer good[2];
    static size_t n_header[2];
    if (!good[0].bytes) {
        good[0] = file_of(synthetic(), &n_header[0]);
        good[1] = file_of(of_hugging_face(), &n_header[1]);
        /* A seed that is refused as it is would hide everything behind its first error. */
        for (int i = 0; i < 2; i++)
            if (load_file(&good[i], good[i].n, TRIT_HEAD_AS_IS) != TRIT_OK) abort();
    }
    input in = {data, n};
    size_t piece = piece_of(take(&in, 1));
    uint32_t how = take(&in, 1), which = how >> 7;
    buffer file = take_file(&in, &good[which], n_header[which]);
    load_file(&file, piece, (trit_head)(how % 3));
    free(file.bytes);
    return 0;
}
