/* GGUF files of the input's own, or good ones with a few places changed, whole or in two parts and in
 * pieces of any size: the loader must answer with a status, never with a crash, a leak or an endless loop. */
#include "gguf_seeds.h"
#include "input.h"

typedef struct {
    buffer file;
    size_t n_header;
} seed;

/* The whole file, then its two parts. */
static seed good[G_SEEDS][3];

static trit_status push_part(trit_loader *loader, input *in, int part, const seed *of, size_t piece)
{
    static const char *const names[] = {"m-00001-of-00002.gguf", "m-00002-of-00002.gguf"};
    trit_error err = {0};
    trit_status status = TRIT_OK;
    if (part >= 0) status = checked(trit_loader_shard(loader, names[part], &err), &err);
    if (status != TRIT_OK) return status;
    buffer file = take_file(in, &of->file, of->n_header);
    status = push_file(loader, &file, piece);
    free(file.bytes);
    return status;
}

static trit_status load_input(input *in)
{
    size_t piece = piece_of(take(in, 1));
    uint32_t how = take(in, 1);
    const seed *s = good[how / 4 % 4 % G_SEEDS];
    bool in_parts = how & 2;
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    trit_error err = {0};
    if (trit_loader_new(&loader, how & 1 ? TRIT_HEAD_F16 : TRIT_HEAD_INT8, NULL, NULL) != TRIT_OK ||
        trit_loader_i2_s(loader, (trit_i2_s)(how / 16 % 4 % 3), NULL) != TRIT_OK)
        abort();
    trit_status status = push_part(loader, in, in_parts - 1, &s[in_parts], piece);
    if (status == TRIT_OK && in_parts) status = push_part(loader, in, 1, &s[2], piece);
    if (status == TRIT_OK) status = checked(trit_loader_finish(loader, &model, &err), &err);
    trit_model_free(model);
    trit_loader_free(loader);
    return status;
}

static void make_good(void)
{
    for (int i = 0; i < G_SEEDS; i++)
        for (uint32_t part = 0; part < 3; part++) {
            seed *s = &good[i][part];
            s->file = seed_part(&gguf_seeds[i], part == 2, part ? 2 : 1, &s->n_header);
        }
    /* A seed that is refused as it is would hide everything behind its first error. */
    for (uint8_t how = 0; how < 4 * G_SEEDS; how++)
        if (load_input(&(input){(const uint8_t[]){255, how}, 2}) != TRIT_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!good[0][0].file.bytes) make_good();
    load_input(&(input){data, n});
    return 0;
}
