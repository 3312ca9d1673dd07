/* What is no change in one place: files that are cut, too large or made anew, and every number of a header. */
#ifndef TRIT_MALFORMED_MADE_H
#define TRIT_MALFORMED_MADE_H

#include "malformed_table.h"

/* Groups that the table has not: where they are tested, or why they do not apply. */
static const struct {
    const char *group, *reason;
} elsewhere[] = {
    {"P14",
     "n/a: the file has no hash of itself, that of its records stands in the store's manifest"},
    {"P15", "n/a: how long the file should be, only the store's manifest knows"},
    {"P17", "test_damage.c flips every bit of the header"},
};

static bool made[3][64]; /* by letter and number */

static inline bool *made_at(const char *group)
{
    return &made[group[0] == 'F' ? 0 : group[0] == 'J' ? 1 : 2][atoi(group + 1)];
}

static inline void is_made(const char *group) { *made_at(group) = true; }

static inline void refuse_made(const char *group, const char *what, file_kind kind, buffer file,
                               trit_status status)
{
    char name[160];
    snprintf(name, sizeof name, "%s %s", group, what);
    is_made(group);
    refused(name, kind, &file, status);
    free(file.bytes);
}

static inline buffer copy_of(file_kind kind)
{
    return text_of((char *)good[kind].bytes, good[kind].n);
}

/* ---- GGUF ---- */

static inline void deep_arrays(void)
{
    buffer b = {0};
    put_head(&b, 1, 1);
    put_key(&b, "deep", G_ARRAY);
    for (int i = 0; i < 100000; i++) put_u32(&b, G_ARRAY), put_u64(&b, 1);
    refuse_made("F09", "100,000 arrays in arrays", GGUF, b, TRIT_BAD_HEADER);
}

/* Three dimensions whose bytes, rounded up, are 2^64. */
static inline void padding_wraps(void)
{
    buffer b = {0};
    put_head(&b, 1, 1);
    put_string(&b, "general.architecture", "bitnet");
    put_text(&b, "token_embd.weight");
    put_u32(&b, 3);
    put_u64(&b, 4), put_u64(&b, (1u << 30) - 1), put_u64(&b, (1u << 30) + 1);
    put_u32(&b, 0);
    put_u64(&b, 0);
    refuse_made("F17", "padding wraps", GGUF, b, TRIT_BAD_HEADER);
}

static inline void long_texts(void)
{
    static char text[(1 << 20) + 1];
    memset(text, 'a', sizeof text - 1);
    buffer b = {0};
    put_head(&b, 1, 1);
    put_string(&b, "general.architecture", text);
    put_tensor(&b, "a", 0, 1, 1, 0);
    refuse_made("F24", "architecture of 1 MiB", GGUF, b, TRIT_UNSUPPORTED);
    b = (buffer){0};
    put_head(&b, 1, 1);
    put_key(&b, "tokenizer.chat_template", G_STRING);
    put_u64(&b, 10 << 20);
    refuse_made("F36", "chat template of 10 MiB", GGUF, b, TRIT_BAD_HEADER);
}

/* A template of the file's own is kept as text and never run by the engine; tests/web/template.test.mjs has
 * what such templates do to the worker that runs them. */
static inline void hostile_template(void)
{
    static const char *const texts[] = {"{% for i in range(1000000000) %}a{% endfor %}",
                                        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% if"};
    for (size_t i = 0; i < 3; i++) {
        trit_loader *loader = NULL;
        trit_model *model = NULL;
        size_t data;
        buffer b = {0};
        put_head(&b, G_TENSORS, G_KEYS + 1);
        put_model(&b);
        put_string(&b, "tokenizer.chat_template", texts[i]);
        put_tensors(&b, 0, G_TENSORS, &data);
        TRIT_CHECK_EQ_I(trit_loader_new(&loader, TRIT_HEAD_AS_IS, NULL, NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_loader_push(loader, b.bytes, b.n, NULL), TRIT_OK);
        TRIT_CHECK_EQ_I(trit_loader_finish(loader, &model, NULL), TRIT_OK);
        TRIT_CHECK(model && strcmp(trit_model_config(model)->template_id, "jinja") == 0);
        trit_model_free(model);
        trit_loader_free(loader);
        free(b.bytes);
    }
    is_made("F36");
}

static inline void gguf_data_of(const char *group, const char *what, int tensor, size_t at,
                                const char *bytes, size_t n, trit_status status)
{
    buffer b = copy_of(GGUF);
    size_t begin = gguf_data;
    for (int i = 0; i < tensor; i++) begin += (gguf_tensors[i].n_bytes + 31) / 32 * 32;
    memcpy(b.bytes + begin + at, bytes, n);
    refuse_made(group, what, GGUF, b, status);
}

static inline void bad_data(void)
{
    enum { ATTN_NORM = 2, Q, K, V, SUB_NORM, SCALE = G_KV * 64 };
    gguf_data_of("F38", "code 3 of I2_S", V, 31, "\xc0", 1, TRIT_BAD_CODES);
    gguf_data_of("F38", "code 3 of TQ2_0", K, 5, "\x0c", 1, TRIT_BAD_CODES);
    gguf_data_of("F38", "no five digits of TQ1_0", Q, 0, "\1", 1, TRIT_BAD_CODES);
    gguf_data_of("F38", "scale 0", V, SCALE, "\0\0\0\0", 4, TRIT_BAD_SCALE);
    gguf_data_of("F38", "scale inf", V, SCALE, "\0\0\x80\x7f", 4, TRIT_BAD_SCALE);
    gguf_data_of("F38", "scale NaN", V, SCALE, "\0\0\xc0\x7f", 4, TRIT_BAD_SCALE);
    gguf_data_of("F38", "scale NaN of a block", K, 64, "\1\x7e", 2, TRIT_BAD_SCALE);
    gguf_data_of("F38", "scale denormal in one block", K, 64, "\1\0", 2, TRIT_BAD_SCALE);
    gguf_data_of("F39", "norm NaN", ATTN_NORM, 0, "\0\0\xc0\x7f", 4, TRIT_BAD_SCALE);
    gguf_data_of("F39", "norm inf", SUB_NORM, 2, "\0\x7c", 2, TRIT_BAD_SCALE);
}

static inline void parts(void)
{
    refuse_made("F37", "one part of two", GGUF, gguf_part(0, 2, 0, 5, 14), TRIT_MISSING_TENSOR);
    refuse_made("F37", "the second part first", GGUF, gguf_part(1, 2, 5, 14, 14), TRIT_BAD_INDEX);
}

/* ---- files that end ---- */

static inline void cut(const char *group, file_kind kind, size_t first, size_t end, size_t step)
{
    buffer b = copy_of(kind);
    char what[60];
    for (b.n = first; b.n < end; b.n += step) {
        snprintf(what, sizeof what, "%s cut after %zu bytes", group, b.n);
        refused(what, kind, &b, TRIT_TRUNCATED);
    }
    is_made(group);
    free(b.bytes);
}

static inline void cuts(void)
{
    size_t n_packed = 8 + (size_t)(good[PACKED].bytes[0] | good[PACKED].bytes[1] << 8);
    cut("F22", GGUF, gguf_data, good[GGUF].n - 31, 9973);
    cut("F22", GGUF, good[GGUF].n - 1, good[GGUF].n, 1);
    cut("J08", TENSORS, 0, good[TENSORS].n, 61);
    cut("P01", PACKED, 0, 1, 1);
    cut("P02", PACKED, 1, n_packed, 1);
    cut("P09", PACKED, good[PACKED].n - 1, good[PACKED].n, 1);
    cut("P16", PACKED, 0, good[PACKED].n, 7);
    buffer b = copy_of(PACKED);
    append(&b, (const uint8_t *)"", 1);
    refuse_made("P11", "one byte more", PACKED, b, TRIT_TRAILING_BYTES);
}

/* ---- JSON ---- */

static inline buffer repeated(const char *head, const char *piece, size_t n, const char *tail)
{
    buffer b = {0};
    append(&b, (const uint8_t *)head, strlen(head));
    for (size_t i = 0; i < n; i++) {
        char text[40];
        int length = snprintf(text, sizeof text, piece, (int)i);
        append(&b, (const uint8_t *)text, (size_t)length);
    }
    append(&b, (const uint8_t *)tail, strlen(tail));
    return b;
}

static inline void large_json(void)
{
    refuse_made("J07", "100,000 deep", CONFIG, repeated("", "[", 100000, ""), TRIT_BAD_JSON);
    refuse_made("J07", "100,000 keys", CONFIG, repeated("{", "\"%d\":0,", 80000, "\"a\":0}"),
                TRIT_BAD_CONFIG);
    refuse_made("J07", "string of 1 MiB", CONFIG, repeated("\"", "aaaaaaaa", 1 << 17, "\""),
                TRIT_BAD_JSON);
    refuse_made("J07", "1,000,000 equal keys", TOKENIZER,
                repeated("{", "\"a\":0,", 1000000, "\"a\":0}"), TRIT_BAD_JSON);
}

/* Every key of config.json is missing, a string, negative and too large in turn. */
static inline void config_keys(void)
{
    static const char *const keys[] = {
        "num_hidden_layers",   "hidden_size", "intermediate_size",       "num_attention_heads",
        "num_key_value_heads", "vocab_size",  "max_position_embeddings", "hidden_act",
        "rms_norm_eps",        "rope_theta",  "tie_word_embeddings",     "model_type"};
    static const char *const values[] = {"\"x\"", "-1", "1e300", "null", "[]", "1.5"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        for (size_t v = 0; v <= sizeof values / sizeof *values; v++) {
            char key[40], text[HF_TEXT] = {0}, what[80];
            snprintf(key, sizeof key, "\"%s\":", keys[k]);
            const char *config = (const char *)good[CONFIG].bytes;
            size_t n = good[CONFIG].n;
            const char *at = NULL;
            for (size_t i = 0; i + strlen(key) < n && !at; i++)
                if (memcmp(config + i, key, strlen(key)) == 0) at = config + i;
            TRIT_CHECK(at != NULL);
            size_t begin = (size_t)(at - config), end = begin + strlen(key);
            while (config[end] != ',' && config[end] != '}') end++;
            bool missing = v == sizeof values / sizeof *values;
            memcpy(text, config, begin);
            if (missing) strcat(text, "\"unused\":0");
            else strcat(text, key), strcat(text, values[v]);
            strncat(text, config + end, n - end);
            snprintf(what, sizeof what, "%s %s", keys[k], missing ? "missing" : values[v]);
            if (v == 5 && (k == 8 || k == 9)) continue; /* 1.5 is a fine eps and theta */
            refuse_made("J10", what, CONFIG, text_of(text, strlen(text)),
                        k == 11 ? TRIT_UNSUPPORTED : TRIT_BAD_CONFIG);
        }
}

/* ---- the packed file's header ---- */

static inline void packed_header(void)
{
    static const char empty[] =
        "{\"__metadata__\":{\"format\":\"trit\",\"trit\":\"{}\"}}             ";
    buffer b = {0};
    put_u64(&b, 56);
    append(&b, (const uint8_t *)empty, 56);
    refuse_made("P06", "no tensors", PACKED, b, TRIT_BAD_HEADER);
    b = (buffer){0};
    buffer list = text_of("{", 1);
    for (int i = 0; i < 65537; i++) {
        char text[80];
        append(&list, (uint8_t *)text,
               (size_t)snprintf(text, sizeof text,
                                "%s\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                                i ? "," : "", i));
    }
    append(&list, (const uint8_t *)"}", 1);
    put_u64(&b, list.n);
    append(&b, list.bytes, list.n);
    free(list.bytes);
    refuse_made("P06", "65,537 tensors", PACKED, b, TRIT_BAD_HEADER);
}

/* What a wrong number of a header can be: which of them depends on the number and on its new value. */
static inline bool is_of_numbers(trit_status status)
{
    static const trit_status statuses[] = {TRIT_BAD_CONFIG,       TRIT_BAD_HEADER,
                                           TRIT_BAD_TENSOR_SHAPE, TRIT_BAD_VERSION,
                                           TRIT_MISSING_TENSOR,   TRIT_UNSUPPORTED};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (status == statuses[i]) return true;
    return false;
}

/* Every number of the header becomes every one of these in turn: refused, or for one that the model does
 * not depend on, another model. */
static inline void packed_numbers(void)
{
    static const char *const values[] = {"0",
                                         "1",
                                         "-1",
                                         "2147483647",
                                         "2147483648",
                                         "4294967295",
                                         "9223372036854775808",
                                         "18446744073709551615"};
    const buffer *from = &good[PACKED];
    size_t n_header = 8 + (size_t)(from->bytes[0] | from->bytes[1] << 8), n_numbers = 0,
           n_refused = 0, n_loaded = 0;
    for (size_t at = 8; at < n_header; at++) {
        size_t end = at;
        while (end < n_header && from->bytes[end] >= '0' && from->bytes[end] <= '9') end++;
        uint8_t before = from->bytes[at - 1];
        if (end == at || !(before == ':' || before == '[' || before == ',')) {
            at = end > at ? end : at;
            continue;
        }
        n_numbers++;
        unsigned long long number = strtoull((const char *)from->bytes + at, NULL, 10);
        for (size_t v = 0; v < 10; v++) {
            char text[24], old[24] = {0};
            memcpy(old, from->bytes + at, end - at < 23 ? end - at : 23);
            if (v < 8) strcpy(text, values[v]);
            else snprintf(text, sizeof text, "%lld", (long long)number + (v == 8 ? 1 : -1));
            if (strcmp(text, old) == 0) continue;
            buffer file = replaced(PACKED, at, end, text, strlen(text));
            trit_error err = {0};
            trit_status status = bounded("P18", PACKED, &file, &err);
            TRIT_CHECK(status == TRIT_OK || (is_of_numbers(status) && err.message[0]));
            n_refused += status < 0;
            n_loaded += status == TRIT_OK;
            free(file.bytes);
        }
        at = end;
    }
    printf("P18: %zu numbers, %zu changes refused, %zu made another model\n", n_numbers, n_refused,
           n_loaded);
    TRIT_CHECK(n_numbers > 100 && n_refused > 9 * n_loaded);
    is_made("P18");
}

static inline void packed_places(void)
{
    buffer b = copy_of(PACKED);
    /* the second tensor begins one byte earlier */
    const char *text = (const char *)b.bytes + 8, *first = strstr(text, "\"data_offsets\":[0,");
    const char *second = strstr(first + 1, "\"data_offsets\":[");
    size_t at = (size_t)(second - (const char *)b.bytes) + 16;
    while (b.bytes[at + 1] != ',') at++;
    b.bytes[at] = b.bytes[at] == '0' ? '1' : (uint8_t)(b.bytes[at] - 1);
    refuse_made("P10", "overlap", PACKED, b, TRIT_BAD_HEADER);
}

static inline void run_made(void)
{
    deep_arrays();
    padding_wraps();
    long_texts();
    hostile_template();
    bad_data();
    parts();
    cuts();
    large_json();
    config_keys();
    packed_header();
    packed_places();
    packed_numbers();
}

static inline bool is_tested(const char *group)
{
    for (size_t i = 0; i < N_TABLE; i++)
        if (strcmp(table[i].group, group) == 0) return true;
    if (*made_at(group)) return true;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (strcmp(elsewhere[i].group, group) == 0)
            return printf("%s: %s\n", group, elsewhere[i].reason);
    return false;
}

/* A group that nobody tests has no row. */
static inline void check_groups(void)
{
    static const struct {
        char letter;
        int n;
    } groups[] = {{'F', 39}, {'J', 10}, {'P', 18}};
    for (size_t g = 0; g < 3; g++)
        for (int i = 1; i <= groups[g].n; i++) {
            char name[16];
            snprintf(name, sizeof name, "%c%02d", groups[g].letter, i);
            bool tested = is_tested(name);
            if (!tested) fprintf(stderr, "no test for %s\n", name);
            TRIT_CHECK(tested);
        }
}

#endif
