/* A GGUF file of the input's own, or a good one with a few places changed, in pieces of any size: the
 * loader must answer with a status, never with a crash, a leak or an endless loop. */
#include "input.h"
#include "unit/gguf_bytes.h"

static trit_status load_file(const buffer *file, size_t piece, trit_head head)
{
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    trit_error err = {0};
    if (trit_loader_new(&loader, head, NULL, NULL) != TRIT_OK) abort();
    trit_status status = push_file(loader, file, piece);
    if (status == TRIT_OK) status = checked(trit_loader_finish(loader, &model, &err), &err);
    trit_model_free(model);
    trit_loader_free(loader);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static buffer good;
    static size_t n_header;
    if (!good.bytes) {
        good = small_gguf(&n_header);
        /* A seed that is refused as it is would hide everything behind its first error. */
        if (load_file(&good, good.n, TRIT_HEAD_AS_IS) != TRIT_OK) abort();
    }
    input in = {data, n};
    size_t piece = piece_of(take(&in, 1));
    trit_head head = take(&in, 1) & 1 ? TRIT_HEAD_F16 : TRIT_HEAD_INT8;
    buffer file = take_file(&in, &good, n_header);
    load_file(&file, piece, head);
    free(file.bytes);
    return 0;
}
