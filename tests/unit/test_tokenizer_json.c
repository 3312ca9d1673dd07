#include "json_text.h"
#include "pretokenize.h"
#include "tokenizer.h"

#include "unicode.h"

enum { CAPACITY = 16384, N_VOCAB = 270 };

/* Makes a small tokenizer.json: 256 bytes, "he", " w" and "hell", two special tokens. */
static size_t make_json(char *out)
{
    static const char head[] =
        "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":["
        "{\"id\":265,\"content\":\"<|bos|>\",\"special\":true,\"lstrip\":false},"
        "{\"id\":266,\"content\":\"<|\xc3\xa9|>\",\"special\":true}],"
        "\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
        "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|"
        "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}| "
        "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|"
        "\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\",\"invert\":false},"
        "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]},"
        "\"post_processor\":{\"type\":\"Sequence\",\"processors\":[{\"type\":\"ByteLevel\"},"
        "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"B\"}},"
        "{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"B\":{\"ids\":[265]}}}]},"
        "\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"type\":\"BPE\",\"dropout\":null,"
        "\"unk_token\":null,\"byte_fallback\":false,\"ignore_merges\":true,\"vocab\":{";
    static const char tail[] = "\"he\":256,\"\xc4\xa0w\":257,\"ll\":258,\"hell\":259},"
                               "\"merges\":[\"h e\",[\"\xc4\xa0\",\"w\"],\"l l\",\"he ll\"]}}";
    strcpy(out, head);
    size_t n = strlen(out);
    uint32_t next = 0x100;
    for (uint32_t byte = 0; byte < 256; byte++) {
        bool prints = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte != 0xad);
        uint8_t spelt[5] = {0};
        (void)tritx_utf8_encode(prints ? byte : next++, spelt);
        const char *escape = byte == '"' || byte == '\\' ? "\\" : "";
        n += (size_t)sprintf(out + n, "\"%s%s\":%u,", escape, (char *)spelt, byte);
    }
    strcpy(out + n, tail);
    return n + strlen(tail);
}

/* Reads it all, tables and indexes. The text is copied to a block of its exact size. */
static trit_status load(const char *text, size_t n, int32_t n_vocab, tritx_tokenizer **out,
                        bool *add_bos, int32_t *bos_id, trit_error *err)
{
    char *copy = malloc(n + 1);
    memcpy(copy, text, n);
    copy = realloc(copy, n ? n : 1);
    tritx_tokenizer_tables tables = {0};
    tritx_tokenizer *tokenizer = NULL;
    trit_status status = tritx_tokenizer_json(copy, n, n_vocab, &tables, add_bos, bos_id, err);
    free(copy);
    if (status == TRIT_OK) {
        status = tritx_tokenizer_new(&tables, &tokenizer, err);
        if (status != TRIT_OK) tritx_tokenizer_tables_free(&tables);
    } else {
        TRIT_CHECK(tables.token_ends == NULL && tables.merges == NULL);
    }
    if (out) *out = tokenizer;
    else tritx_tokenizer_free(tokenizer);
    return status;
}

static void test_read(const char *json, size_t n)
{
    tritx_tokenizer *t = NULL;
    bool add_bos = false;
    int32_t bos_id = -1, ids[16];
    size_t n_ids = 0;
    trit_error err = {0};
    TRIT_CHECK_EQ_I(load(json, n, N_VOCAB, &t, &add_bos, &bos_id, &err), TRIT_OK);
    if (!t) {
        fprintf(stderr, "%s\n", err.message);
        return;
    }
    TRIT_CHECK(add_bos);
    TRIT_CHECK_EQ_I(bos_id, 265);
    const tritx_tokenizer_tables *tables = tritx_tokenizer_get(t);
    TRIT_CHECK_EQ_I(tables->n_vocab, N_VOCAB);
    TRIT_CHECK_EQ_I(tables->n_merges, 4);
    TRIT_CHECK_EQ_I(tables->flags, TRITX_WHOLE_PIECES);
    bool bytes_fine = true;
    for (uint32_t i = 0; i < 256; i++)
        bytes_fine &= tables->token_ends[i] == i + 1 && tables->token_bytes[i] == i;
    TRIT_CHECK(bytes_fine);
    /* Special tokens keep their text; ids without a token are empty and special. */
    TRIT_CHECK_EQ_I(tritx_tokenizer_special(t, "<|\xc3\xa9|>"), 266);
    for (int32_t id = 260; id < N_VOCAB; id++) {
        TRIT_CHECK_EQ_I(tables->token_kinds[id], 1);
        bool named = id == 265 || id == 266;
        TRIT_CHECK((tables->token_ends[id] > tables->token_ends[id - 1]) == named);
    }
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode(t, "hello w", 7, false, ids, 16, &n_ids, NULL), TRIT_OK);
    TRIT_CHECK(n_ids == 3 && ids[0] == 259 && ids[1] == 'o' && ids[2] == 257);
    tritx_tokenizer_free(t);
}

static void test_refused(const char *json)
{
    static const struct {
        const char *old, *new, *word; /* a word of the message */
    } cases[] = {
        {"\"truncation\":null", "\"truncation\":{}", "truncation"},
        {"\"padding\":null", "\"padding\":{}", "padding"},
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", "normalizer"},
        {"\"type\":\"BPE\"", "\"type\":\"Unigram\"", "BPE"},
        {"\"dropout\":null", "\"dropout\":0.1", "dropout"},
        {"\"unk_token\":null", "\"unk_token\":\"a\"", "unk_token"},
        {"\"byte_fallback\":false", "\"byte_fallback\":true", "byte_fallback"},
        {"\"dropout\":null", "\"continuing_subword_prefix\":\"##\"", "continuing"},
        {"\"dropout\":null", "\"end_of_word_suffix\":\"</w>\"", "end_of_word"},
        {"\"ignore_merges\":true", "\"ignore_merges\":1", "ignore_merges"},
        {"\\\\p{N}{1,3}", "\\\\p{N}{1,2}", "expression"},
        {"\"Isolated\"", "\"Removed\"", "Isolated"},
        {"\"invert\":false", "\"invert\":true", "Isolated"},
        {"\"add_prefix_space\":false", "\"add_prefix_space\":true", "adds a space"},
        {",\"use_regex\":false", "", "splits again"},
        {"\"decoder\":{\"type\":\"ByteLevel\"}", "\"decoder\":{\"type\":\"Fuse\"}", "decoder"},
        {"\"pre_tokenizer\":{\"type\":\"Sequence\"", "\"pre_tokenizer\":{\"type\":\"X\"", "Split"},
        {"{\"type\":\"TemplateProcessing\"", "{\"type\":\"Bert\"", "unknown post_processor"},
        {"\"ids\":[265]", "\"ids\":[265,266]", "post_processor"},
        {"\"ids\":[265]", "\"ids\":[65]", "post_processor"},
        {"\"ids\":[265]", "\"ids\":[1e99]", "post_processor"},
        {"\"ids\":[265]", "\"ids\":\"265\"", "post_processor"},
        {"{\"Sequence\":{\"id\":\"A\"}}", "{\"Sequence\":{\"id\":\"B\"}}", "template"},
        {"\"id\":265", "\"id\":270", "added token"},
        {"\"id\":265", "\"id\":-1", "added token"},
        {"\"id\":265", "\"id\":266", "one id"},
        {"\"id\":265", "\"id\":65", "another token"},
        {"\"<|bos|>\"", "\"\"", "content"},
        {"\"<|bos|>\"", "7", "content"},
        {"\"special\":true", "\"special\":1", "special"},
        {"\"lstrip\":false", "\"lstrip\":true", "strip"},
        {"\"he\":256", "\"he\":270", "outside"},
        {"\"he\":256", "\"he\":-1", "outside"},
        {"\"he\":256", "\"he\":256.5", "outside"},
        {"\"he\":256", "\"he\":1e99", "outside"},
        {"\"he\":256", "\"he\":\"256\"", "outside"},
        {"\"he\":256", "\"he\":257", "same id"},
        {"\"he\":256", "\"h e\":256", "alphabet"},
        {"\"he\":256", "\"\xe2\x82\xac\":256", "alphabet"},
        {"\"a\":97,", "", "byte 0x61"},
        {"\"h e\"", "\"he\"", "two tokens"},
        {"\"h e\"", "\"h e l\"", "two tokens"},
        {"\"h e\"", "7", "two tokens"},
        {"\"h e\"", "[\"h\"]", "two tokens"},
        {"\"h e\"", "[\"h\",7]", "two tokens"},
        {"\"h e\"", "\"h x\"", "vocab"},
        {"\"h e\"", "\" he\"", "vocab"},
        {"\"h e\"", "\"l l\"", "twice"},
        {"\"merges\":[", "\"merges\":{},\"x\":[", "merges"},
        {"\"vocab\":{", "\"vocab\":[],\"x\":{", "vocab"},
    };
    static char changed[CAPACITY];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = replace(json, cases[i].old, cases[i].new, changed);
        bool add_bos = false;
        int32_t bos_id = -7;
        trit_error err = {0};
        trit_status status = load(changed, n, N_VOCAB, NULL, &add_bos, &bos_id, &err);
        TRIT_CHECK_EQ_I(status, TRIT_BAD_TOKENIZER);
        bool named = strstr(err.message, cases[i].word) != NULL;
        if (!named) fprintf(stderr, "%s: %s\n", cases[i].new, err.message);
        TRIT_CHECK(named);
    }
}

/* Sizes that the caller hands in, and what may be missing. */
static void test_variants(const char *json, size_t n)
{
    static char changed[CAPACITY];
    bool add_bos = false;
    int32_t bos_id = -1;
    static const int32_t sizes[] = {INT32_MIN, -1, 0, 1, 266, 1000001, INT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        TRIT_CHECK_EQ_I(load(json, n, sizes[i], NULL, &add_bos, &bos_id, NULL), TRIT_BAD_TOKENIZER);
    TRIT_CHECK_EQ_I(load(json, n, 267, NULL, &add_bos, &bos_id, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(load("[]", 2, 267, NULL, &add_bos, &bos_id, NULL), TRIT_BAD_TOKENIZER);
    size_t length = replace(json, "{\"SpecialToken\":{\"id\":\"B\"}},", "", changed);
    add_bos = true;
    TRIT_CHECK_EQ_I(load(changed, length, N_VOCAB, NULL, &add_bos, &bos_id, NULL), TRIT_OK);
    TRIT_CHECK(!add_bos);
    TRIT_CHECK_EQ_I(bos_id, -1);
    length = replace(json, "\"merges\":[", "\"merges\":[],\"x\":[", changed);
    TRIT_CHECK_EQ_I(load(changed, length, N_VOCAB, NULL, &add_bos, &bos_id, NULL), TRIT_OK);
    length = replace(json, "\"post_processor\":", "\"x\":", changed);
    TRIT_CHECK_EQ_I(load(changed, length, N_VOCAB, NULL, &add_bos, &bos_id, NULL), TRIT_OK);
    /* A special token may stand in the vocabulary too. */
    length = replace(json, "\"he\":256", "\"he\":256,\"<|bos|>\":265", changed);
    TRIT_CHECK_EQ_I(load(changed, length, N_VOCAB, NULL, &add_bos, &bos_id, NULL), TRIT_OK);
}

static void test_damage(const char *json, size_t n)
{
    static char changed[CAPACITY];
    bool add_bos;
    int32_t bos_id;
    bool fine = true;
    for (size_t cut = 0; cut < n; cut++)
        fine &= load(json, cut, N_VOCAB, NULL, &add_bos, &bos_id, NULL) == TRIT_BAD_JSON;
    TRIT_CHECK(fine); /* every truncation */
    static const char bytes[] = {'"', ',', '0', '}', '\\', (char)0xff};
    for (size_t at = 0; at < n; at++) {
        memcpy(changed, json, n);
        changed[at] = bytes[at % sizeof bytes];
        trit_status status = load(changed, n, N_VOCAB, NULL, &add_bos, &bos_id, NULL);
        fine &= status == TRIT_OK || status == TRIT_BAD_JSON || status == TRIT_BAD_TOKENIZER;
    }
    TRIT_CHECK(fine);
}

int main(void)
{
    static char json[CAPACITY];
    size_t n = make_json(json);
    test_read(json, n);
    test_refused(json);
    test_variants(json, n);
    test_damage(json, n);
    return TRIT_DONE();
}
