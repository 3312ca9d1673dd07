/* A Hugging Face model: configuration, index and files of tensors, each of the input's own or a good one
 * with a few places changed, in pieces of any size. The loader must answer with a status, never with a
 * crash, a leak or an endless loop. */
#include "input.h"
#include "unit/hf_bytes.h"

/* What is good of each part. */
static buffer config[3], shard_index, tokenizer, whole[2], shards[2];
enum { MULTIPLY, DIVIDE, MASTERS };

static buffer text_of(const char *text, size_t n)
{
    buffer b = {0};
    append(&b, (const uint8_t *)text, n);
    return b;
}

static buffer file_of(const hf_tensor *tensors, int n, int first, int step)
{
    static uint8_t bytes[HF_FILE];
    buffer b = {0};
    append(&b, bytes, hf_write_list(bytes, tensors, n, first, step));
    return b;
}

/* The part of the input's own when it has one, else the good one. */
static trit_status give(trit_loader *loader, trit_side side, const buffer *part, const buffer *good)
{
    return give_side(loader, side, part->n ? part : good);
}

static trit_status finish(trit_loader *loader)
{
    trit_model *model = NULL;
    trit_error err = {0};
    trit_status status = checked(trit_loader_finish(loader, &model, &err), &err);
    trit_model_free(model);
    return status;
}

static trit_status begin(trit_loader *loader, int i)
{
    trit_error err = {0};
    return checked(trit_loader_shard(loader, hf_shard(i), &err), &err);
}

static size_t header_of(const buffer *file)
{
    return 8 + (size_t)(file->bytes[0] | file->bytes[1] << 8);
}

/* One of the files that a model may do without. */
static trit_status give_other(trit_loader *loader, input *in, uint32_t which)
{
    static const trit_side sides[] = {TRIT_SIDE_GENERATION_CONFIG, TRIT_SIDE_TOKENIZER_CONFIG,
                                      TRIT_SIDE_CHAT_TEMPLATE};
    buffer part = take_part(in);
    trit_status status = give_side(loader, sides[which % 3], &part);
    free(part.bytes);
    return status;
}

static trit_status load_input(input *in)
{
    uint32_t how = take(in, 1);
    size_t piece = piece_of(take(in, 1));
    bool in_shards = how & 4;
    trit_loader *loader = NULL;
    if (trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL) != TRIT_OK) abort();
    buffer own_config = take_part(in), own_index = take_part(in);
    trit_status status = give(loader, TRIT_SIDE_CONFIG, &own_config, &config[how % 4 % 3]);
    if (status == TRIT_OK) status = give_side(loader, TRIT_SIDE_TOKENIZER, &tokenizer);
    if (how & 32 && status == TRIT_OK) status = give_other(loader, in, how >> 6);
    if (status == TRIT_OK && in_shards)
        status = give(loader, TRIT_SIDE_INDEX, &own_index, &shard_index);
    for (int i = 0; status == TRIT_OK && i < 1 + in_shards; i++) {
        const buffer *good = in_shards ? &shards[i] : &whole[how % 4 == MASTERS];
        if (in_shards) status = begin(loader, how & 8 ? !i : i);
        /* the first of two is good more often than not, so that the second is reached */
        buffer file = in_shards && i == 0 && how & 16 ? text_of((char *)good->bytes, good->n)
                                                      : take_file(in, good, header_of(good));
        if (status == TRIT_OK) status = push_file(loader, &file, piece);
        free(file.bytes);
    }
    if (status == TRIT_OK) status = finish(loader);
    trit_loader_free(loader);
    free(own_config.bytes);
    free(own_index.bytes);
    return status;
}

static void make_good(void)
{
    static char text[HF_TEXT];
    static const char *const quantization[] = {hf_multiply, hf_divide, NULL};
    for (int i = 0; i < 3; i++) config[i] = text_of(text, hf_config(text, quantization[i]));
    shard_index = text_of(text, hf_index(text));
    tokenizer = text_of(text, hf_tokenizer(text));
    whole[0] = file_of(hf_tensors, HF_TENSORS, 0, 1);
    whole[1] = file_of(hf_masters, HF_MASTERS, 0, 1);
    for (int i = 0; i < 2; i++) shards[i] = file_of(hf_tensors, HF_TENSORS, i, 2);
    /* A seed that is refused as it is would hide everything behind its first error. */
    static const uint8_t as_it_is[][8] = {{0, 255}, {1, 255}, {2, 255}, {4, 255}, {4 + 16, 3}};
    for (int i = 0; i < 5; i++)
        if (load_input(&(input){as_it_is[i], 8}) != TRIT_OK) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (!whole[0].bytes) make_good();
    load_input(&(input){data, n});
    return 0;
}
