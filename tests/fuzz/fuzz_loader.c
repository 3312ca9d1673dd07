/* A well-formed packed file, or a Hugging Face folder of one file or of two shards, broken in a few
 * places that the input names, in pieces of any size: the loader must answer with a status, never with
 * a crash, a leak or an endless loop. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trit.h"
#include "unit/hf_bytes.h"

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

/* What is given to a loader, one part behind the other. A packed file has no side files. */
enum { CONFIG, INDEX, FIRST, SECOND, N_PARTS };
typedef struct {
    buffer all;
    size_t n[N_PARTS];
} seed;

static void add(seed *s, int part, const void *bytes, size_t n)
{
    append(&s->all, bytes, n);
    s->n[part] = n;
}

static trit_status push(trit_loader *loader, const uint8_t *bytes, size_t n, size_t piece)
{
    trit_status status = TRIT_OK;
    for (size_t at = 0; status == TRIT_OK && at < n; at += piece)
        status = trit_loader_push(loader, bytes + at, piece < n - at ? piece : n - at, NULL);
    return status;
}

/* In a block of its size, so that ASan sees a read past the end. */
static trit_status give_side(trit_loader *loader, trit_side side, const void *text, size_t n)
{
    char *copy = malloc(n + !n);
    if (!copy) return TRIT_OOM;
    memcpy(copy, text, n);
    trit_status status = trit_loader_side(loader, side, copy, n, NULL);
    free(copy);
    return status;
}

static trit_status load(const uint8_t *bytes, const size_t n[N_PARTS], size_t piece)
{
    static char tokenizer[HF_TEXT];
    trit_loader *loader = NULL;
    trit_model *model = NULL;
    const uint8_t *index = bytes + n[CONFIG], *first = index + n[INDEX];
    trit_status status = trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL);
    if (status == TRIT_OK && n[CONFIG]) {
        status = give_side(loader, TRIT_SIDE_CONFIG, bytes, n[CONFIG]);
        if (status == TRIT_OK)
            status = give_side(loader, TRIT_SIDE_TOKENIZER, tokenizer, hf_tokenizer(tokenizer));
    }
    if (status == TRIT_OK && n[INDEX]) status = give_side(loader, TRIT_SIDE_INDEX, index, n[INDEX]);
    if (status == TRIT_OK && n[INDEX]) status = trit_loader_shard(loader, hf_shard(0), NULL);
    if (status == TRIT_OK) status = push(loader, first, n[FIRST], piece);
    if (status == TRIT_OK && n[INDEX]) status = trit_loader_shard(loader, hf_shard(1), NULL);
    if (status == TRIT_OK) status = push(loader, first + n[FIRST], n[SECOND], piece);
    if (status == TRIT_OK) status = trit_loader_finish(loader, &model, NULL);
    if (status == TRIT_OK) trit_model_free(model);
    trit_loader_free(loader);
    return status;
}

static seed packed_seed(void)
{
    trit_config config;
    trit_model *model = NULL;
    seed s = {0};
    if (trit_config_preset("tiny", &config, NULL) != TRIT_OK) abort();
    config.n_layer = 1;
    config.n_vocab = 300;
    config.bos_id = -1;
    config.add_bos = 0;
    config.n_stop = 0;
    if (trit_model_synthetic(&config, &(trit_synthetic){.seed = 1, .zeros = 0.33f}, NULL, &model,
                             NULL) != TRIT_OK)
        abort();
    if (trit_model_write(model, NULL, append, &s.all, NULL) != TRIT_OK) abort();
    s.n[FIRST] = s.all.n;
    trit_model_free(model);
    return s;
}

static seed folder_seed(const char *quantization, bool shards)
{
    static char text[HF_TEXT];
    static uint8_t file[HF_FILE];
    seed s = {0};
    add(&s, CONFIG, text, hf_config(text, quantization));
    if (shards) add(&s, INDEX, text, hf_index(text));
    add(&s, FIRST, file, hf_write(file, hf_tensors, 0, shards ? 2 : 1));
    if (shards) add(&s, SECOND, file, hf_write(file, hf_tensors, 1, 2));
    return s;
}

enum { N_SEEDS = 4 };
static seed seeds[N_SEEDS];

static void make_seeds(void)
{
    seeds[0] = packed_seed();
    seeds[1] = folder_seed(hf_multiply, false);
    seeds[2] = folder_seed(hf_divide, false);
    seeds[3] = folder_seed(hf_multiply, true);
    /* A seed that is refused as it is would hide everything behind its first error. */
    for (int i = 0; i < N_SEEDS; i++)
        if (load(seeds[i].all.bytes, seeds[i].n, seeds[i].all.n) != TRIT_OK) abort();
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
    if (!seeds[0].all.bytes) make_seeds();
    if (n < 4) return 0;

    seed s = seeds[data[0] / 4 % N_SEEDS];
    int last = s.n[SECOND] ? SECOND : FIRST;
    if (!(data[1] & 1)) {
        size_t cut = s.n[last] - s.n[last] * data[2] / 255;
        s.n[last] -= cut;
        s.all.n -= cut;
    }
    /* A block of the exact size. */
    uint8_t *bytes = malloc(s.all.n + !s.all.n);
    if (!bytes) return 0;
    memcpy(bytes, s.all.bytes, s.all.n);
    /* Few edits at a time: a file that is wrong everywhere fails at its first byte. */
    size_t n_edits = 4 * (size_t)(data[0] % 4);
    if (s.all.n) break_file(bytes, s.all.n, data + 4, n_edits < n - 4 ? n_edits : n - 4);
    size_t piece = data[3] < 16 ? data[3] + 1u : (size_t)data[3] * 997;
    load(bytes, s.n, piece);
    free(bytes);
    return 0;
}
