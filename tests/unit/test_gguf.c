/* GGUF: any split is the same model; whatever is wrong is a named error before it does harm. */
#include "blocks.h"
#include "gguf.h"
#include "gguf_bytes.h"

static buffer good;
static size_t data_at;

static buffer copy_of(const buffer *file)
{
    buffer b = {0};
    put(&b, file->bytes, file->n);
    return b;
}

/* The model that the bytes make, packed. */
static buffer packed(const buffer *file, size_t step)
{
    trit_model *model = NULL;
    trit_error err = {0};
    TRIT_CHECK_EQ_I(load(file->bytes, file->n, step, &model, &err), TRIT_OK);
    if (!model) fprintf(stderr, "%s\n", err.message), exit(1);
    buffer out = write_model(model, NULL);
    trit_model_free(model);
    return out;
}

static void test_splits(void)
{
    static const size_t steps[] = {1, 7, 4096, 1 << 20};
    buffer whole = packed(&good, good.n);
    for (size_t i = 0; i < 4; i++) {
        buffer other = packed(&good, steps[i]);
        TRIT_CHECK(same_bytes(&whole, &other));
        free(other.bytes);
    }
    buffer version2 = copy_of(&good);
    version2.bytes[4] = 2;
    buffer other = packed(&version2, 4096);
    TRIT_CHECK(same_bytes(&whole, &other));
    free(other.bytes), free(version2.bytes), free(whole.bytes);
}

static void refused(const char *what, const buffer *file, trit_status expected)
{
    trit_model *model = NULL;
    trit_error err = {0};
    trit_status status = load(file->bytes, file->n, 4096, &model, &err);
    if (status != expected || model || !err.message[0] || strchr(err.message, '\n'))
        fprintf(stderr, "%s: %s, not %s: %s\n", what, trit_status_name(status),
                trit_status_name(expected), err.message);
    TRIT_CHECK(status == expected && !model && err.message[0] && !strchr(err.message, '\n'));
    TRIT_CHECK(strlen(err.message) + 1 < sizeof err.message);
    trit_model_free(model);
}

static void test_ends(void)
{
    buffer file = copy_of(&good);
    for (file.n = 0; file.n < good.n - 31; file.n += file.n < data_at ? 1 : 997)
        refused("cut", &file, TRIT_TRUNCATED);
    file.n = good.n;
    put(&file, "", 1);
    refused("one byte too many", &file, TRIT_TRAILING_BYTES);
    free(file.bytes);
}

/* Padding behind the last tensor may be there or not. */
static void test_last_padding(void)
{
    buffer file = copy_of(&good), more = {0};
    const gguf_tensor *last = &gguf_tensors[G_TENSORS - 1];
    file.n -= (32 - last->n_bytes % 32) % 32;
    more = packed(&file, 4096);
    free(more.bytes), free(file.bytes);
}

/* ---- one change in a good file; malformed_table.h has more ---- */

typedef struct {
    const char *what, *after; /* the change comes behind this text, "" = at the file's begin */
    int at;
    size_t n;
    const char *bytes;
    trit_status status;
} change;

#define BYTES(text) sizeof text - 1, text
static const change changes[] = {
    {"key with NUL", "", 40, BYTES("\0"), TRIT_BAD_HEADER},
    {"string too long", "general.architecture", 4, BYTES("\1\0\x10"), TRIT_BAD_HEADER},
    {"string of 2^64-1", "general.architecture", 4, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff"),
     TRIT_BAD_HEADER},
    {"alignment as f32", "general.alignment", 0, BYTES("\6"), TRIT_BAD_HEADER},
    {"alignment 64", "general.alignment", 4, BYTES("\x40"), TRIT_BAD_HEADER},
    {"array of type 13", "ggml.merges", 4, BYTES("\15"), TRIT_BAD_HEADER},
    {"array of 2^20 + 1", "token_type", 8, BYTES("\1\0\x10"), TRIT_BAD_HEADER},
    {"2 layers", "block_count", 4, BYTES("\2"), TRIT_MISSING_TENSOR},
    {"layers as f32", "block_count", 0, BYTES("\6"), TRIT_BAD_CONFIG},
    {"context 2^24", "context_length", 4, BYTES("\0\0\0\1"), TRIT_BAD_CONFIG},
    {"theta as u32", "freq_base", 0, BYTES("\4"), TRIT_BAD_CONFIG},
    {"no eps", "rms_epsilo", 0, BYTES("m"), TRIT_BAD_CONFIG},
    {"activation", "hidden_activation", 12, BYTES("gelu!"), TRIT_UNSUPPORTED},
    {"tokenizer model", "tokenizer.ggml.model", 12, BYTES("spm_"), TRIT_BAD_TOKENIZER},
    {"pre-tokenizer", "tokenizer.ggml.pre", 12, BYTES("qwen2-bpe"), TRIT_BAD_TOKENIZER},
    {"no pre-tokenizer", "tokenizer.ggml.pr", 0, BYTES("i"), TRIT_BAD_TOKENIZER},
    {"kind 2", "token_type", 16, BYTES("\2"), TRIT_BAD_TOKENIZER},
    {"kind 6", "token_type", 16, BYTES("\6"), TRIT_BAD_TOKENIZER},
    {"user-defined", "token_type", 16, BYTES("\4"), TRIT_BAD_TOKENIZER},
    {"no merges", "ggml.merge", 0, BYTES("z"), TRIT_BAD_TOKENIZER},
    {"merge of three", "ggml.merges", 24, BYTES("a  "), TRIT_BAD_TOKENIZER},
    {"token of a space", "<|bos|>", -17, BYTES("a "), TRIT_BAD_TOKENIZER},
    {"add_bos as u32", "add_bos_token", 0, BYTES("\1"), TRIT_BAD_CONFIG},
    {"2^56 numbers", "blk.0.ffn_gate.weight", 4, BYTES("\0\0\0\0\0\0\0\1\x10\0\0\0\0\0\0\0"),
     TRIT_BAD_HEADER},
    {"transposed", "token_embd.weight", 4, BYTES("\x20\0\0\0\0\0\0\0\x20\x08"),
     TRIT_BAD_TENSOR_SHAPE},
    {"type 2", "token_embd.weight", 20, BYTES("\2"), TRIT_UNSUPPORTED},
    {"another size", "token_embd.weight", 20, BYTES("\0"), TRIT_BAD_HEADER},
    {"bytes before the first", "token_embd.weight", 24, BYTES("\x20"), TRIT_BAD_HEADER},
};
#undef BYTES

static size_t behind(const buffer *file, const char *text)
{
    size_t n = strlen(text);
    for (size_t at = 0; at + n <= data_at; at++)
        if (memcmp(file->bytes + at, text, n) == 0) return at + n;
    fprintf(stderr, "no %s in the file\n", text);
    exit(1);
}

static void test_changes(void)
{
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const change *c = &changes[i];
        buffer file = copy_of(&good);
        memcpy(file.bytes + behind(&file, c->after) + c->at, c->bytes, c->n);
        TRIT_CHECK(memcmp(file.bytes, good.bytes, good.n) != 0);
        refused(c->what, &file, c->status);
        free(file.bytes);
    }
}

/* What a number of a type means only the room tells: where it does not fit, both meanings are named. */
static void test_types_of_two_meanings(void)
{
    static const struct {
        const char *next, *says; /* behind a tensor of 36, of 31 */
    } cases[] = {{"blk.0.attn_sub_norm.weight", "its type 36, I2_S (or IQ4_NL_4_4)"},
                 {"blk.0.ffn_sub_norm.weight", "its type 31, I2_S (or Q4_0_4_4)"}};
    for (size_t i = 0; i < 2; i++) {
        trit_model *model = NULL;
        trit_error err = {0};
        buffer file = copy_of(&good);
        file.bytes[behind(&file, cases[i].next) + 16] ^= 32;
        TRIT_CHECK_EQ_I(load(file.bytes, file.n, 4096, &model, &err), TRIT_BAD_HEADER);
        TRIT_CHECK(strstr(err.message, cases[i].says));
        free(file.bytes);
    }
}

/* ---- one change in the data; malformed_made.h has more ---- */

static size_t data_of(size_t tensor)
{
    size_t at = data_at;
    for (size_t i = 0; i < tensor; i++) at += (gguf_tensors[i].n_bytes + 31) / 32 * 32;
    return at;
}

static void test_data(void)
{
    enum { EMBED, HEAD, ATTN_NORM, Q, K, V, SUB_NORM, O };
    static const struct {
        const char *what;
        size_t tensor, at, n;
        const char *bytes;
        trit_status status;
    } damages[] = {
        {"TQ1_0, no four digits", Q, 48, 1, "\2", TRIT_BAD_CODES},
        {"TQ1_0, five digits for four", Q, 48, 1, "\3", TRIT_BAD_CODES},
        {"TQ1_0, other scale", Q, 52 + 54, 2, "\0\x28", TRIT_BAD_SCALE},
        {"TQ2_0, scale inf", K, 64, 2, "\0\x7c", TRIT_BAD_SCALE},
        {"TQ2_0, scale < 0", K, 64, 2, "\0\xa4", TRIT_BAD_SCALE},
        {"TQ2_0, scale 0 of codes", K, 64, 2, "\0\0", TRIT_BAD_SCALE},
        {"I2_S, scale < 0", V, G_KV * 64, 4, "\0\0\0\xbf", TRIT_BAD_SCALE},
        {"F16, not ternary", O, 10, 2, "\1\x24", TRIT_BAD_SCALE},
        {"F16, NaN", O, 0, 2, "\1\x7e", TRIT_BAD_SCALE},
        {"Q8_0, scale inf", EMBED, 34, 2, "\0\x7c", TRIT_BAD_SCALE},
        {"Q6_K, scale NaN", HEAD, 208, 2, "\1\x7e", TRIT_BAD_SCALE},
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        buffer file = copy_of(&good);
        memcpy(file.bytes + data_of(damages[i].tensor) + damages[i].at, damages[i].bytes,
               damages[i].n);
        refused(damages[i].what, &file, damages[i].status);
        free(file.bytes);
    }
}

/* ---- headers alone ---- */

static void test_headers(void)
{
    trit_loader *loader = NULL;
    buffer b = {0};
    put_head(&b, 1, 10);
    for (char key[] = "a"; key[0] < 'j'; key[0]++) {
        static const uint8_t zeros[8 << 20];
        put_array(&b, key, G_U64, 1 << 20);
        put(&b, zeros, sizeof zeros);
    }
    refused("a header of 72 MiB", &b, TRIT_BAD_HEADER);
    free(b.bytes);
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_F16, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, good.bytes, data_at, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_side(loader, TRIT_SIDE_CONFIG, "{}", 2, NULL), TRIT_STATE);
    trit_loader_free(loader);
    static const char config[] =
        "{\"model_type\":\"bitnet\",\"num_hidden_layers\":1,\"hidden_size\":16,"
        "\"intermediate_size\":16,\"num_attention_heads\":2,\"num_key_value_heads\":1,"
        "\"vocab_size\":270,\"max_position_embeddings\":20,\"hidden_act\":\"silu\","
        "\"rms_norm_eps\":1e-05,\"rope_theta\":10000.0,\"tie_word_embeddings\":true}";
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_F16, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_side(loader, TRIT_SIDE_CONFIG, config, sizeof config - 1, NULL),
                    TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, good.bytes, data_at, NULL), TRIT_STATE);
    trit_loader_free(loader);
}

/* ---- blocks ---- */

/* What the numbers of types mean that two families of programs use in their own ways: the room of 3 rows of
 * 2,560, or the name by which the type is refused. 36 is what the official file of 2B4T has. */
static void test_types(void)
{
    enum { N = 3 * 2560 };
    static const struct {
        uint32_t id;
        size_t n_bytes;
        const char *name;
    } types[] = {
        {30, 2 * N, NULL},
        {31, N / 4 + 32, NULL},
        {34, N / 256 * 54, NULL},
        {35, N / 256 * 66, NULL},
        {36, N / 4 + 32, NULL},
        {32, 0, "type 32 (unknown)"},
        {37, 0, "type 37 (I8_S)"},
        {38, 0, "type 38 (TL1)"},
        {39, 0, "type 39 (TL2 (or MXFP4))"},
        {40, 0, "type 40 (unknown)"},
        {42, 0, "type 42 (unknown)"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        tritx_tensor t = {.name = "blk.0.attn_q.weight", .n_dims = 2, .shape = {3, 2560}};
        trit_error err = {0};
        bool read = types[i].name == NULL;
        TRIT_CHECK_EQ_I(tritx_gguf_tensor_type(&t, types[i].id, 64, &err),
                        read ? TRIT_OK : TRIT_UNSUPPORTED);
        if (read) TRIT_CHECK(t.begin == 64 && t.end == 64 + types[i].n_bytes);
        else TRIT_CHECK(strstr(err.message, types[i].name) && strstr(err.message, t.name));
    }
}

/* Which layout of I2_S a file has is said before its first byte. */
static void test_i2_s_named(void)
{
    trit_loader *loader = NULL;
    TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_i2_s(loader, (trit_i2_s)3, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(trit_loader_push(loader, good.bytes, 1, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(trit_loader_i2_s(loader, TRIT_I2_S_64, NULL), TRIT_STATE);
    trit_loader_free(loader);
}

/* Worked by hand: each number of a block has a scale and bits that no other has. */
static void test_quantised(void)
{
    uint8_t q8[68] = {0, 0x38}, q6[210] = {0};
    q8[2 + 31] = 0x80;
    q8[34 + 1] = 0xbc; /* -1 in half precision */
    q8[34 + 2] = 7;
    TRIT_CHECK(tritx_block_float(q8, 31, TRIT_DTYPE_Q8_0) == -64.0f);
    TRIT_CHECK(tritx_block_float(q8, 32, TRIT_DTYPE_Q8_0) == -7.0f);
    q6[209] = 0x38;      /* 0.5 of all */
    q6[192 + 13] = 0xfe; /* -2 of numbers 208 ... 223 */
    q6[64 + 17] = 0xa0;  /* number 209 is 1 + 128 + 2 * 32 + 16: low bits 10 in the high nibble */
    q6[128 + 32 + 17] = 0x20; /* and 2 above them: 42 - 32 */
    TRIT_CHECK(tritx_block_float(q6, 209, TRIT_DTYPE_Q6_K) == -10.0f);
    TRIT_CHECK(tritx_block_float(q6, 208, TRIT_DTYPE_Q6_K) == 32.0f);
    TRIT_CHECK(tritx_block_float(q6, 0, TRIT_DTYPE_Q6_K) == 0.0f);
}

/* Integers of any type, as long as they fit; nothing else is one. */
static void test_integers(void)
{
    static const struct {
        tritx_gguf_type type;
        int64_t value; /* of eight bytes 0xfe 0xff 0xff ... */
    } types[] = {{TRITX_GGUF_U8, 254}, {TRITX_GGUF_I8, -2},  {TRITX_GGUF_U16, 65534},
                 {TRITX_GGUF_I16, -2}, {TRITX_GGUF_I32, -2}, {TRITX_GGUF_U32, 4294967294},
                 {TRITX_GGUF_I64, -2}};
    uint8_t bytes[8] = {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    tritx_gguf g = {.bytes = bytes};
    tritx_gguf_pair pair = {.key = "k"};
    int64_t found = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        pair.type = types[i].type;
        TRIT_CHECK(tritx_gguf_int(&g, &pair, INT64_MIN, INT64_MAX, &found));
        TRIT_CHECK_EQ_I(found, types[i].value);
        TRIT_CHECK(!tritx_gguf_int(&g, &pair, types[i].value + 1, INT64_MAX, &found));
        TRIT_CHECK(!tritx_gguf_int(&g, &pair, INT64_MIN, types[i].value - 1, &found));
    }
    pair.type = TRITX_GGUF_U64;
    TRIT_CHECK(!tritx_gguf_int(&g, &pair, INT64_MIN, INT64_MAX, &found));
    bytes[7] = 0x7f;
    TRIT_CHECK(tritx_gguf_int(&g, &pair, INT64_MIN, INT64_MAX, &found));
    TRIT_CHECK_EQ_I(found, INT64_MAX - 1);
    pair.type = TRITX_GGUF_F64;
    TRIT_CHECK(!tritx_gguf_int(&g, &pair, INT64_MIN, INT64_MAX, &found));
}

int main(void)
{
    good = small_gguf(&data_at);
    test_splits();
    test_ends();
    test_last_padding();
    test_changes();
    test_types_of_two_meanings();
    test_data();
    test_headers();
    test_integers();
    test_types();
    test_i2_s_named();
    test_quantised();
    free(good.bytes);
    return TRIT_DONE();
}
