/* A well-formed packed file, broken in a few places that the input names, in pieces of any size:
 * the loader must answer with a status, never with a crash, a leak or an endless loop. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct {
    uint8_t *bytes;
    size_t n, capacity;
} buffer;

static int append(void *ctx, const uint8_t *bytes, size_t n)
{
    buffer *b = ctx;
    if (b->n + n > b->capacity) {
        b->capacity = 2 * (b->n + n);
        b->bytes = realloc(b->bytes, b->capacity);
        if (!b->bytes) return 1;
    }
    memcpy(b->bytes + b->n, bytes, n);
    b->n += n;
    return 0;
}

static trit_status load(const uint8_t *file, size_t n_file, size_t piece)
{
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    trit_error err = {0};
    trit_status status = trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, &err);
    for (size_t at = 0; status == TRIT_OK && at < n_file; at += piece)
        status =
            trit_loader_push(loader, file + at, piece < n_file - at ? piece : n_file - at, &err);
    if (status == TRIT_OK) status = trit_loader_finish(loader, &model, &err);
    if (status == TRIT_OK) trit_model_free(model);
    trit_loader_free(loader);
    return status;
}

static buffer make_seed(void)
{
    trit_config config;
    trit_model *model = NULL;
    buffer file = {0};
    if (trit_config_preset("tiny", &config, NULL) != TRIT_OK) abort();
    config.n_layer = 1;
    config.n_vocab = 300;
    config.bos_id = -1;
    config.add_bos = 0;
    config.n_stop = 0;
    if (trit_model_synthetic(&config, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model,
                             NULL) != TRIT_OK)
        abort();
    if (trit_model_write(model, NULL, append, &file, NULL) != TRIT_OK) abort();
    trit_model_free(model);
    /* A seed that is refused as it is would hide everything behind its first error. */
    if (load(file.bytes, file.n, file.n) != TRIT_OK) abort();
    return file;
}

static void break_file(uint8_t *file, size_t n_file, const uint8_t *edits, size_t n_edits)
{
    for (size_t i = 0; i + 4 <= n_edits; i += 4) {
        const uint8_t *edit = edits + i;
        size_t at = (size_t)edit[0] | (size_t)edit[1] << 8 | (size_t)(edit[2] & 0x1f) << 16;
        /* Seven of eight edits hit the header, where nearly all decisions are made. */
        if (edit[2] >> 5) at %= 4096;
        /* Digits and quotes make other sizes and names; a random byte would mostly be bad JSON. */
        static const char likely[] = "0123456789\",:{}[]-tfnIU8FL._ ";
        file[at % n_file] =
            edit[3] & 0x80 ? edit[3] : (uint8_t)likely[edit[3] % (sizeof likely - 1)];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static buffer seed;
    if (!seed.bytes) seed = make_seed();
    if (n < 4) return 0;

    uint8_t *file = malloc(seed.n);
    if (!file) return 0;
    memcpy(file, seed.bytes, seed.n);
    /* Few edits at a time: a file that is wrong everywhere fails at its first byte. */
    size_t n_edits = 4 * (size_t)(data[0] % 4);
    break_file(file, seed.n, data + 4, n_edits < n - 4 ? n_edits : n - 4);
    size_t n_file = data[1] & 1 ? seed.n : seed.n * data[2] / 255;
    size_t piece = data[3] < 16 ? data[3] + 1u : (size_t)data[3] * 997;
    load(file, n_file, piece);
    free(file);
    return 0;
}
