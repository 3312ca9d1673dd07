#include "json_text.h"
#include "model.h"
#include "score_merges.h"
#include "tokenizer.h"

#include <stdlib.h>

/* A vocabulary as Llama 2 has it: three special tokens, the bytes, then what is merged. */
enum { BYTES = 3, SPACE = BYTES + 256, A, B, E_ACUTE, SPACE_A, AB, SPACE_AB, ADDED, N_VOCAB };
enum { CAPACITY = 16384 };

#define US "\xe2\x96\x81"

static const char head[] =
    "{\"added_tokens\":[{\"id\":0,\"content\":\"<unk>\",\"special\":true},"
    "{\"id\":1,\"content\":\"<s>\",\"special\":true},{\"id\":2,\"content\":\"</"
    "s>\",\"special\":true},"
    "{\"id\":266,\"content\":\"a tag\",\"special\":false}],"
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"" US
    "\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" US "\"}]},"
    "\"pre_tokenizer\":null,\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\","
    "\"pattern\":{\"String\":\"" US "\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":"
    "\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]},"
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
    "\"<s>\"}},{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{\"<s>\":{\"ids\":[1]}}},"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<unk>\",\"fuse_unk\":true,\"byte_fallback\":true,"
    "\"vocab\":{\"<unk>\":0,\"<s>\":1,\"</s>\":2,";
static const char tail[] = "\"" US "\":259,\"a\":260,\"b\":261,\"\xc3\xa9\":262,\"" US
                           "a\":263,\"ab\":264,\"" US "ab\":265},"
                           "\"merges\":[\"" US " a\",\"a b\",\"" US "a b\",\"" US " ab\"]}}";

static void make_json(char *out)
{
    strcpy(out, head);
    for (int byte = 0; byte < 256; byte++)
        sprintf(out + strlen(out), "\"<0x%02X>\":%d,", (unsigned)byte, BYTES + byte);
    strcat(out, tail);
}

static trit_status load(const char *json, tritx_tokenizer **out, trit_error *err)
{
    tritx_tokenizer_tables tables;
    bool add_bos = false;
    int32_t bos_id = -1;
    *out = NULL;
    TRIT_TRY(tritx_tokenizer_json(json, strlen(json), N_VOCAB, &tables, &add_bos, &bos_id, err));
    trit_status status = tritx_tokenizer_new(&tables, out, err);
    if (status != TRIT_OK) tritx_tokenizer_tables_free(&tables);
    return status;
}

#define CHECK_IDS(tokenizer, text, special, ...)                                                   \
    do {                                                                                           \
        const int32_t want[] = {__VA_ARGS__};                                                      \
        int32_t ids[64];                                                                           \
        size_t n = 0, n_want = sizeof want / sizeof *want;                                         \
        TRIT_CHECK_EQ_I(                                                                           \
            tritx_tokenizer_encode(tokenizer, text, sizeof(text) - 1, special, ids, 64, &n, NULL), \
            TRIT_OK);                                                                              \
        TRIT_CHECK(n == n_want && memcmp(ids, want, sizeof want) == 0);                            \
    } while (0)

static void test_encode(const char *json)
{
    tritx_tokenizer *t;
    trit_error err = {0};
    TRIT_CHECK_EQ_I(load(json, &t, &err), TRIT_OK);
    if (!t) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    TRIT_CHECK_EQ_I(tritx_tokenizer_get(t)->flags, TRITX_SENTENCEPIECE | TRITX_SPACE_FIRST);
    CHECK_IDS(t, "a", false, SPACE_A);
    CHECK_IDS(t, "ab", false, SPACE_AB);
    CHECK_IDS(t, "ab bab", false, SPACE_AB, SPACE, B, AB);
    CHECK_IDS(t, " a", false, SPACE, SPACE_A);
    CHECK_IDS(t, US "a", false, SPACE, SPACE_A); /* U+2581 is a space */
    CHECK_IDS(t,
              "\xc3\xa9"
              "ab",
              false, SPACE, E_ACUTE, AB);
    CHECK_IDS(t, "\n", false, SPACE, BYTES + '\n');
    CHECK_IDS(t, "\xe2\x82\xac\xff", false, SPACE, BYTES + 0xe2, BYTES + 0x82, BYTES + 0xac,
              BYTES + 0xff);
    CHECK_IDS(t, "<0x0A>", false, SPACE, BYTES + '<', BYTES + '0', BYTES + 'x', BYTES + '0',
              BYTES + 'A', BYTES + '>');
    CHECK_IDS(t, "<s>a", true, 1, SPACE_A); /* a space after each special token */
    CHECK_IDS(t, "a</s>a", true, SPACE_A, 2, SPACE_A);
    CHECK_IDS(t, "<s>", false, SPACE, BYTES + '<', BYTES + 's', BYTES + '>');
    CHECK_IDS(t, "ba tagb", false, SPACE, B, ADDED, SPACE, B); /* found in every text */
    size_t n = 7;
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode(t, "", 0, false, NULL, 0, &n, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(n, 0);
    /* more ids than bytes, and room for as many as there can be */
    int32_t ids[2];
    TRIT_CHECK_EQ_I(tritx_tokenizer_most(t, 1), 2);
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode(t, "\n", 1, false, ids, 1, &n, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(n, 2);
    tritx_tokenizer_free(t);
}

/* Of a conversation, special tokens are read only in what the template wrote. */
static void test_parts(const char *json)
{
    tritx_tokenizer *t;
    TRIT_CHECK_EQ_I(load(json, &t, NULL), TRIT_OK);
    static const char text[] = "<s>a</s>a<s>";
    const uint32_t ends[] = {4, 9, 12}, down[] = {4, 3}, split[] = {2, 3};
    int32_t ids[32];
    size_t n = 0;
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode_parts(t, text, ends, 3, ids, 32, &n, NULL), TRIT_OK);
    const int32_t want[] = {1, SPACE_A, BYTES + '<', BYTES + '/', BYTES + 's', BYTES + '>', A, 1};
    TRIT_CHECK_EQ_I(n, 8);
    TRIT_CHECK(memcmp(ids, want, sizeof want) == 0);
    /* half of its name from the template, half from a person */
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode_parts(t, text, split, 2, ids, 32, &n, NULL), TRIT_OK);
    TRIT_CHECK(n == 4 && ids[1] == BYTES + '<');
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode_parts(t, text, down, 2, ids, 32, &n, NULL), TRIT_PARAM);
    TRIT_CHECK_EQ_I(tritx_tokenizer_encode_parts(t, text, ends, 0, ids, 32, &n, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(n, 0);
    tritx_tokenizer_free(t);
}

/* A token with a space inside lets merges cross words: then text is merged as a whole. */
static void test_space_inside(const char *json)
{
    static char once[CAPACITY], changed[CAPACITY];
    tritx_tokenizer *t;
    (void)replace(json, "\"\xc3\xa9\":262", "\"a" US "\":262", once);
    (void)replace(once, "\"merges\":[", "\"merges\":[\"a " US "\",", changed);
    TRIT_CHECK_EQ_I(load(changed, &t, NULL), TRIT_OK);
    if (t) CHECK_IDS(t, "a a", false, SPACE, E_ACUTE, A);
    tritx_tokenizer_free(t);
}

static void test_refused(const char *json)
{
    static const struct {
        const char *old, *new, *word; /* a word of the message */
    } cases[] = {
        {"\"Prepend\"", "\"NFKC\"", "normalizer \"Sequence\""},
        {"\"prepend\":\"" US "\"", "\"prepend\":\"x\"", "normalizer"},
        {"{\"String\":\" \"}", "{\"String\":\"x\"}", "normalizer"},
        {"\"pre_tokenizer\":null", "\"pre_tokenizer\":{\"type\":\"Metaspace\"}", "\"Metaspace\""},
        {"\"ByteFallback\"", "\"Metaspace\"", "decoder"},
        {"\"start\":1", "\"start\":2", "decoder"},
        {"\"fuse_unk\":true", "\"ignore_merges\":true", "ignore_merges"},
        {"\"<0x41>\":68,", "", "byte 0x41"},
        {"\"<0x41>\":68", "\"<0x4g>\":68", "byte 0x41"},
        {"\"" US "\":259,", "", "merge names"},
        {"\"ab\":264", "\"a b\":264", "alphabet"},
        {"\"byte_fallback\":true", "\"byte_fallback\":1", "byte_fallback"},
    };
    static char changed[CAPACITY];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)replace(json, cases[i].old, cases[i].new, changed);
        trit_error err = {0};
        tritx_tokenizer *t;
        TRIT_CHECK_EQ_I(load(changed, &t, &err), TRIT_BAD_TOKENIZER);
        bool named = strstr(err.message, cases[i].word) != NULL;
        if (!named) fprintf(stderr, "%s: %s\n", cases[i].new, err.message);
        TRIT_CHECK(named);
    }
}

/* Scores instead of merges: the same merges in the same order. */
static void test_scores(const char *json)
{
    tritx_tokenizer *t;
    TRIT_CHECK_EQ_I(load(json, &t, NULL), TRIT_OK);
    tritx_tokenizer_tables tables = *tritx_tokenizer_get(t);
    uint32_t *merges = tables.merges;
    float scores[N_VOCAB] = {0};
    uint8_t bytes[4 * N_VOCAB];
    scores[SPACE_A] = -1, scores[AB] = -2, scores[SPACE_AB] = -3;
    memcpy(bytes, scores, sizeof scores);
    tables.merges = NULL;
    tables.n_merges = 0;
    TRIT_CHECK_EQ_I(tritx_merges_by_score(&tables, bytes, NULL), TRIT_OK);
    TRIT_CHECK_EQ_I(tables.n_merges, 4);
    /* of one token, by the parts' ids: space and "ab" before " a" and "b" */
    const uint32_t last[] = {SPACE, AB, SPACE_AB, SPACE_A, B, SPACE_AB};
    TRIT_CHECK(memcmp(tables.merges, merges, 6 * sizeof *merges) == 0);
    TRIT_CHECK(memcmp(tables.merges + 6, last, sizeof last) == 0);
    free(tables.merges);
    tables.merges = NULL;
    tables.n_merges = 0;
    memcpy(bytes, "\0\0\xc0\x7f", 4); /* NaN */
    TRIT_CHECK_EQ_I(tritx_merges_by_score(&tables, bytes, NULL), TRIT_BAD_TOKENIZER);
    TRIT_CHECK(tables.merges == NULL);
    tritx_tokenizer_free(t);
}

/* A model of which only the vocabulary matters. */
static trit_model *model_of(const char *json)
{
    trit_config c;
    trit_model *model = NULL;
    trit_synthetic how = {.seed = 1, .zeros = 0.33f};
    TRIT_CHECK_EQ_I(trit_config_preset("tiny", &c, NULL), TRIT_OK);
    c.n_layer = 1, c.n_vocab = N_VOCAB, c.n_stop = 1, c.stop_ids[0] = 2;
    if (trit_model_synthetic(&c, &how, NULL, &model, NULL) != TRIT_OK) exit(1);
    tritx_tokenizer_free(model->tokenizer);
    TRIT_CHECK_EQ_I(load(json, &model->tokenizer, NULL), TRIT_OK);
    return model;
}

/* Whether exactly these tokens may follow. */
static bool may_follow(trit_grammar *g, const int32_t *ids, size_t n)
{
    float logits[N_VOCAB] = {0};
    size_t n_allowed = 0, n_found = 0;
    TRIT_CHECK_EQ_I(trit_grammar_mask(g, logits, NULL), TRIT_OK);
    for (int id = 0; id < N_VOCAB; id++) n_allowed += logits[id] == 0;
    for (size_t i = 0; i < n; i++) n_found += logits[ids[i]] == 0;
    return n_allowed == n && n_found == n;
}

/* A byte may be a token beside what it is merged to, and a space stands for U+2581. */
static void test_grammar(const char *json)
{
    static const struct {
        int32_t may[3];
        size_t n;
        int32_t taken;
    } steps[] = {
        {{BYTES + '\n'}, 1, BYTES + '\n'},   {{BYTES + ' ', SPACE, SPACE_A}, 3, SPACE},
        {{BYTES + 'a', A}, 2, BYTES + 'a'},  {{BYTES + 0xc3, E_ACUTE}, 2, BYTES + 0xc3},
        {{BYTES + 0xa9}, 1, BYTES + 0xa9},   {{BYTES + 0xe2}, 1, BYTES + 0xe2},
        {{BYTES + 0x82}, 1, BYTES + 0x82},   {{BYTES + 0xac}, 1, BYTES + 0xac},
        {{BYTES + 'a', A, ADDED}, 3, ADDED}, {{2}, 1, 2},
    };
    static const char text[] = "root ::= \"\\n\" \" a\" \"\\u00e9\" \"\\u20ac\" \"a tag\"";
    trit_model *model = model_of(json);
    trit_grammar *g = NULL;
    TRIT_CHECK_EQ_I(trit_grammar_new(model, text, sizeof text - 1, &g, NULL), TRIT_OK);
    for (size_t i = 0; g && i < sizeof steps / sizeof *steps; i++) {
        TRIT_CHECK(may_follow(g, steps[i].may, steps[i].n));
        TRIT_CHECK(trit_grammar_ended(g) == (steps[i].taken == 2));
        TRIT_CHECK_EQ_I(trit_grammar_take(g, steps[i].taken, NULL), TRIT_OK);
    }
    trit_grammar_free(g);
    trit_model_free(model);
}

int main(void)
{
    static char json[CAPACITY];
    make_json(json);
    test_encode(json);
    test_parts(json);
    test_space_inside(json);
    test_refused(json);
    test_scores(json);
    test_grammar(json);
    return TRIT_DONE();
}
