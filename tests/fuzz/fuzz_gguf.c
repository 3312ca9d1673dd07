/* A well-formed GGUF file, broken in a few places that the input names, in pieces of any size: the
 * loader must answer with a status, never with a crash, a leak or an endless loop. */
#include "unit/gguf_bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What counts, sizes and types like to be. */
static const uint64_t likely[] = {0,
                                  1,
                                  2,
                                  3,
                                  8,
                                  9,
                                  31,
                                  36,
                                  255,
                                  256,
                                  1u << 20,
                                  (1u << 20) + 1,
                                  INT32_MAX,
                                  1u << 31,
                                  UINT32_MAX,
                                  (uint64_t)1 << 32,
                                  INT64_MAX,
                                  (uint64_t)1 << 63,
                                  UINT64_MAX - 31,
                                  UINT64_MAX};

static void break_file(uint8_t *file, size_t n_file, size_t n_header, const uint8_t *edits,
                       size_t n_edits)
{
    for (size_t i = 0; i + 5 <= n_edits; i += 5) {
        const uint8_t *edit = edits + i;
        size_t at = (size_t)edit[0] | (size_t)edit[1] << 8 | (size_t)(edit[2] & 0x0f) << 16;
        /* The list of tensors ends the header, and the counts begin it. */
        if (edit[2] >> 6 == 1) at = n_header - 1 - at % 1200;
        else if (edit[2] >> 6 == 2) at %= 1000;
        else if (edit[2] >> 6 == 3) at %= n_header;
        at %= n_file;
        uint64_t value = likely[edit[3] % (sizeof likely / sizeof *likely)];
        size_t n = (size_t)1 << (edit[3] >> 6);
        if (edit[3] & 0x20) value = edit[4], n = 1;
        memcpy(file + at, &value, n < n_file - at ? n : n_file - at);
    }
}

static trit_status load_file(const uint8_t *file, size_t n_file, size_t piece, trit_head head)
{
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    trit_error err = {0};
    trit_status status = trit_loader_new(&loader, head, NULL, &err);
    for (size_t at = 0; status == TRIT_OK && at < n_file; at += piece)
        status =
            trit_loader_push(loader, file + at, piece < n_file - at ? piece : n_file - at, &err);
    if (status == TRIT_OK) status = trit_loader_finish(loader, &model, &err);
    if (status == TRIT_OK) trit_model_free(model);
    trit_loader_free(loader);
    if (status < 0 && (err.status != status || !err.message[0])) abort();
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static buffer seed;
    static size_t n_header;
    if (!seed.bytes) {
        seed = small_gguf(&n_header);
        /* A seed that is refused as it is would hide everything behind its first error. */
        if (load_file(seed.bytes, seed.n, seed.n, TRIT_HEAD_AS_IS) != TRIT_OK) abort();
    }
    if (n < 4) return 0;

    /* Few edits at a time: a file that is wrong everywhere fails at its first byte. */
    size_t n_edits = 5 * (size_t)(data[0] % 4), n_file = seed.n;
    if (!(data[1] & 1)) n_file = data[1] & 2 ? n_header * data[2] / 255 : seed.n * data[2] / 255;
    /* A block of the exact size, so that a read past the end is seen. */
    uint8_t *file = malloc(n_file + !n_file);
    if (!file) return 0;
    memcpy(file, seed.bytes, n_file);
    if (n_file) break_file(file, n_file, n_header, data + 4, n_edits < n - 4 ? n_edits : n - 4);
    size_t piece = data[3] < 16 ? data[3] + 1u : (size_t)data[3] * 997;
    load_file(file, n_file, piece, data[1] & 4 ? TRIT_HEAD_F16 : TRIT_HEAD_INT8);
    free(file);
    return 0;
}
