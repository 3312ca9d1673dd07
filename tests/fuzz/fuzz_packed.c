/* A packed file of the input's own, or a good one with a few places changed, in pieces of any size: the
 * loader must answer with a status, never with a crash, a leak or an endless loop; and what it takes, it
 * writes again. */
#include "input.h"

static buffer good_file(size_t *n_header)
{
    trit_config c;
    trit_model *model = NULL;
    if (trit_config_preset("tiny", &c, NULL) != TRIT_OK) abort();
    c.n_layer = 1, c.n_vocab = 258, c.dim = 16, c.ffn_dim = 20, c.n_head = 2, c.n_head_kv = 1,
    c.head_dim = 8;
    if (trit_model_synthetic(&c, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model,
                             NULL) != TRIT_OK)
        abort();
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
    static buffer good;
    static size_t n_header;
    if (!good.bytes) {
        good = good_file(&n_header);
        /* A seed that is refused as it is would hide everything behind its first error. */
        if (load_file(&good, good.n, TRIT_HEAD_AS_IS) != TRIT_OK) abort();
    }
    input in = {data, n};
    size_t piece = piece_of(take(&in, 1));
    trit_head head = (trit_head)(take(&in, 1) % 3);
    buffer file = take_file(&in, &good, n_header);
    load_file(&file, piece, head);
    free(file.bytes);
    return 0;
}
